//! A real NATS server, temporary folders and doubles of the log for the tests.

mod cluster;
mod heard;
mod log;
mod port;
mod raw;
mod wire;

pub use cluster::NatsCluster;
pub use heard::heard_from_now;
pub use log::{Doubled, LogDouble};
pub use port::free_port;
pub use wire::Wire;

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

/// How long a server may take to answer its first connection.
const START_MAX: Duration = Duration::from_secs(30);

/// A NATS server with JetStream on a free port of the loopback interface; killed when dropped.
#[derive(Debug)]
pub struct NatsServer {
    child: Option<Child>,
    store: TempDir,
    port: u16,
    sync_always: bool,
    /// Bytes that all streams together may have; none for what the disk has.
    room_bytes: Option<u64>,
}

impl NatsServer {
    /// Starts a server with an empty store and waits until it answers.
    ///
    /// # Panics
    /// When there is no server to start: run the tests with `tests/run`, which gets one.
    pub async fn start() -> Self {
        Self::new(false, None).await
    }

    /// Starts a server that syncs every append to the disk.
    pub async fn start_sync_always() -> Self {
        Self::new(true, None).await
    }

    /// Starts a server whose streams may have so many bytes together, as on a small disk.
    pub async fn start_with_room(bytes: u64) -> Self {
        Self::new(false, Some(bytes)).await
    }

    async fn new(sync_always: bool, room_bytes: Option<u64>) -> Self {
        let store = tempfile::tempdir().expect("a temporary folder");
        let mut server = Self { child: None, store, port: 0, sync_always, room_bytes };
        server.launch().await;
        server
    }

    /// Starts the server again on the same port and store, with all the room that the disk has.
    pub async fn restart_with_room(&mut self) {
        self.room_bytes = None;
        self.restart().await;
    }

    /// The address that clients connect to.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Publishes bytes that no client library would, and returns the sequence at which a stream stored the message.
    ///
    /// # Panics
    /// When nothing stored it.
    pub async fn publish_raw(&self, subject: &[u8], headers: &[u8], payload: &[u8]) -> u64 {
        raw::publish(self.port, subject, headers, payload).await
    }

    /// The folder that the server keeps its streams in.
    pub fn store(&self) -> &Path {
        self.store.path()
    }

    /// Ends the server as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // One that ended by itself cannot be killed, which is as good.
            let _ended_before = child.kill();
            child.wait().expect("a killed server can be waited for");
        }
    }

    /// Asks the server to stop, which writes down what it knows of its streams, and waits for its end.
    ///
    /// # Panics
    /// When it cannot be asked.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let asked = Command::new("kill").arg("-TERM").arg(child.id().to_string()).status();
            assert!(asked.is_ok_and(|status| status.success()), "a running server can be asked to stop");
            child.wait().expect("a server that was asked to stop can be waited for");
        }
    }

    /// Starts the server again on the same port and store.
    pub async fn restart(&mut self) {
        self.kill();
        self.launch().await;
    }

    /// Starts the server again on the same port and a store that somebody may have damaged; false if it does not answer
    /// in this time, or ends.
    pub async fn restart_within(&mut self, time: Duration) -> bool {
        self.kill();
        self.spawn();
        let url = self.url();
        let answers = async {
            while !is_up(&url).await {
                let child = self.child.as_mut().expect("it was started");
                if child.try_wait().expect("the state of a child").is_some() {
                    return false;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            true
        };
        tokio::time::timeout(time, answers).await.unwrap_or(false)
    }

    async fn launch(&mut self) {
        self.spawn();
        let url = self.url();
        tokio::time::timeout(START_MAX, async {
            while !is_up(&url).await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
        .expect("the NATS server answers");
    }

    fn spawn(&mut self) {
        if self.port == 0 {
            self.port = free_port();
        }
        let config = self.store.path().join("nats.conf");
        let sync = if self.sync_always { "always" } else { "2m" };
        let room = self.room_bytes.map(|bytes| format!(", max_file_store: {bytes}")).unwrap_or_default();
        std::fs::write(
            &config,
            format!(
                "listen: 127.0.0.1:{}\njetstream {{ store_dir: {:?}, sync_interval: {sync}{room} }}\n",
                self.port,
                self.store.path().join("jetstream")
            ),
        )
        .expect("the configuration can be written");
        let child = Command::new(nats_server())
            .arg("-c")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the NATS server starts");
        self.child = Some(child);
    }
}

/// Whether the server at this address answers, and keeps streams.
async fn is_up(url: &str) -> bool {
    match async_nats::connect(url).await {
        Ok(client) => async_nats::jetstream::new(client).query_account().await.is_ok(),
        Err(_) => false,
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The server to start: `BERTH_TEST_NATS_SERVER`, which `tests/run` sets, else what `tests/get-nats` finds.
///
/// # Panics
/// When there is none; the message says what to install.
pub fn nats_server() -> PathBuf {
    if let Some(path) = std::env::var_os("BERTH_TEST_NATS_SERVER") {
        return path.into();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../get-nats");
    let output = Command::new(script).output().expect("tests/get-nats runs");
    assert!(
        output.status.success(),
        "no NATS server for the tests; run them with `tests/run`: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("a path").trim().into()
}

/// A program that is run without the settings of berth that the shell of whoever runs the tests has.
pub fn program(path: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(path);
    for (variable, _) in std::env::vars_os() {
        let name = variable.to_string_lossy();
        if name.starts_with("BERTH_") || name.starts_with("OTEL_") {
            command.env_remove(variable);
        }
    }
    command
}
