//! A NATS that cannot be used, or is used otherwise already: each start ends at once with a sentence that says what to change.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

use berth_journeys::{Berth, MASTER_KEY, Process, Running, eventually};
use berth_test_support::{NatsServer, free_port, nats_server};
use tempfile::TempDir;

/// A server that is configured by the story.
struct Server {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Server {
    async fn start(config: &str) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let file = folder.path().join("nats.conf");
        let store = folder.path().join("store");
        let text =
            format!("listen: 127.0.0.1:{port}\n{}\n", config.replace("STORE", &store.display().to_string()));
        std::fs::write(&file, text).unwrap();
        let child = Command::new(nats_server())
            .arg("-c")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { child, port, _folder: folder };
        eventually("the server listens", async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await)
            .await;
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}

/// Starts a role that is to be refused, and gives what it says.
async fn refused(url: &str, data: &Path, more: &[(&str, &str)]) -> String {
    let data = data.join("other");
    let mut variables = [
        ("BERTH_NATS_URL", url),
        ("BERTH_MASTER_KEY", MASTER_KEY),
        ("BERTH_HTTP", "127.0.0.1:0"),
        ("BERTH_DATA", data.to_str().unwrap()),
    ]
    .to_vec();
    variables.extend(more);
    let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let (code, said) = Process::start("connector", &["connector"], &variables).outcome().await;
    assert_eq!(code, Some(64), "{said}");
    said
}

async fn running(server: &NatsServer) -> Running {
    Berth::on_nats(server)
        .roles_in_processes()
        .setting_of("connector", "BERTH_MEMBER", "links-1")
        .start()
        .await
}

#[tokio::test]
async fn a_server_without_jetstream_is_named() {
    let (server, data) = (Server::start("").await, tempfile::tempdir().unwrap());
    let said = refused(&format!("nats://127.0.0.1:{}", server.port), data.path(), &[]).await;
    assert!(said.contains("has no JetStream") && said.contains("BERTH_NATS_URL"), "{said}");
}

#[tokio::test]
async fn credentials_that_the_server_does_not_know_are_refused_at_once() {
    let config = "jetstream { store_dir: \"STORE\" }\nauthorization { user: berth, password: right }";
    let (server, data) = (Server::start(config).await, tempfile::tempdir().unwrap());
    for user in ["", "berth:wrong-password@"] {
        let said = refused(&format!("nats://{user}127.0.0.1:{}", server.port), data.path(), &[]).await;
        assert!(said.contains("refuses these credentials") && said.contains("BERTH_NATS_CREDS"), "{said}");
        assert!(!said.contains("wrong-password"), "{said}");
    }
}

#[tokio::test]
async fn what_a_deployment_has_already_is_not_changed_by_a_process_that_comes() {
    let server = NatsServer::start().await;
    let mut berth = running(&server).await;
    let said = refused(&server.url(), berth.data(), &[("BERTH_LOG_SHARDS", "3")]).await;
    assert!(said.contains("BERTH_LOG_SHARDS") && said.contains("made with 4 shards"), "{said}");
    let said = refused(&server.url(), berth.data(), &[("BERTH_MEMBER", "links-1")]).await;
    assert!(
        said.contains("BERTH_MEMBER") && said.contains("links-1 is the name of another connector"),
        "{said}"
    );
    berth.kill9();
}
