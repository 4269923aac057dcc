//! A NATS server that a story configures, and configures anew while it runs.

use std::process::{Child, Command, Stdio};

use berth_test_support::{free_port, nats_server};
use tempfile::TempDir;

use crate::wait::eventually;

/// The server. It ends when this is dropped.
#[derive(Debug)]
pub struct ConfiguredServer {
    child: Child,
    port: u16,
    folder: TempDir,
}

// === impl ConfiguredServer ===

impl ConfiguredServer {
    /// Starts one with these lines of configuration, in which `STORE` is where it may keep something.
    pub async fn start(config: &str) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        configure(&folder, port, config);
        let child = Command::new(nats_server())
            .arg("-c")
            .arg(folder.path().join("nats.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { child, port, folder };
        eventually("the server listens", async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await)
            .await;
        server
    }

    /// Where it is for a user whose password is its name.
    pub fn url(&self, user: &str) -> String {
        format!("nats://{user}:{user}@127.0.0.1:{}", self.port)
    }

    /// Where it is for whoever asks.
    pub fn plain_url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Gives it another configuration while it runs.
    pub fn reload(&self, config: &str) {
        configure(&self.folder, self.port, config);
        let told = Command::new("kill").arg("-HUP").arg(self.child.id().to_string()).status();
        assert!(told.is_ok_and(|told| told.success()), "a running server hears signals");
    }
}

impl Drop for ConfiguredServer {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}

fn configure(folder: &TempDir, port: u16, config: &str) {
    let store = folder.path().join("store");
    let text =
        format!("listen: 127.0.0.1:{port}\n{}\n", config.replace("STORE", &store.display().to_string()));
    std::fs::write(folder.path().join("nats.conf"), text).unwrap();
}

/// The configuration of a server whose user `all` may do everything and whose user `less` everything but to publish to these
/// subjects.
pub fn lacking(denied: &[impl AsRef<str>]) -> String {
    let denied: Vec<_> = denied.iter().map(|subject| format!("\"{}\"", subject.as_ref())).collect();
    format!(
        "jetstream {{ store_dir: \"STORE\" }}\nauthorization {{ users: [ {{ user: all, password: all }}, \
         {{ user: less, password: less, permissions: {{ publish: {{ deny: [ {} ] }} }} }} ] }}",
        denied.join(", ")
    )
}
