//! nginx in front of a messaging gateway, with the configuration of `deploy/gate`.

use std::{
    path::Path,
    process::{Child, Stdio},
};

use berth_journeys::{Berth, Client, Recorder, Running, eventually, steps};
use berth_test_support::{NatsServer, free_port, program};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The configuration as it is delivered.
const CONFIGURATION: &str = include_str!("../../../deploy/gate/nginx.conf");

/// A running nginx; killed when dropped.
struct Nginx {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Nginx {
    /// Starts it before these addresses, and waits until it answers.
    async fn start(berth: &str, messaging: &str) -> Self {
        let binary = std::env::var_os("BERTH_TEST_NGINX")
            .expect("BERTH_TEST_NGINX names no nginx: run the tests with `tests/run`, which gets one");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        let mut included = CONFIGURATION.to_owned();
        for (delivered, here) in [
            ("127.0.0.1:8480", berth.to_owned()),
            ("127.0.0.1:8080", messaging.to_owned()),
            ("127.0.0.1:8081", format!("127.0.0.1:{port}")),
        ] {
            assert!(included.contains(delivered), "{delivered} is in the configuration");
            included = included.replace(delivered, &here);
        }
        std::fs::write(folder.path().join("gate.conf"), included).expect("a file can be written");
        std::fs::write(folder.path().join("nginx.conf"), around(folder.path()))
            .expect("a file can be written");
        let child = program(binary)
            .args(["-p", &folder.path().display().to_string(), "-c", "nginx.conf", "-g", "daemon off;"])
            .args(["-e", "stderr"])
            .stdout(Stdio::null())
            .spawn()
            .expect("nginx starts");
        let nginx = Self { child, port, _folder: folder };
        let client = nginx.client();
        eventually("nginx listens", async || {
            let asked = client.try_send(reqwest::Method::GET, "/", None).await;
            asked.map(|_| ()).map_err(|error| error.to_string())
        })
        .await;
        nginx
    }

    fn client(&self) -> Client {
        Client::new(format!("http://127.0.0.1:{}", self.port))
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ended_before = self.child.kill();
        let _status = self.child.wait();
    }
}

/// What stands around the configuration: one process, and everything that it writes in this folder.
fn around(folder: &Path) -> String {
    let folder = folder.display();
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary.map(|name| format!("{name}_temp_path {folder}/{name};")).join(" ");
    format!(
        "master_process off; pid {folder}/pid; error_log stderr error; events {{}}\n\
         http {{ access_log off; {temporary} include {folder}/gate.conf; }}\n"
    )
}

#[tokio::test]
async fn embedded() {
    let berth = Berth::embedded().start().await;
    before_a_messaging_gateway(berth, async |berth| {
        berth.kill9();
    })
    .await;
}

#[tokio::test]
async fn on_nats_in_processes() {
    let mut server = NatsServer::start().await;
    let berth = Berth::on_nats(&server).roles_in_processes().start().await;
    before_a_messaging_gateway(berth, async |_| server.kill()).await;
}

async fn before_a_messaging_gateway(mut berth: Running, fail: impl AsyncFnOnce(&mut Running)) {
    let messaging = Recorder::start().await;
    let account = berth.client();
    let created = account.post("/v1/instances", json!({"name": "shop"})).await.expect(201);
    let token = created["token"].as_str().expect("a token").to_owned();
    let behind = messaging.url("");
    let nginx = Nginx::start(
        account.base().trim_start_matches("http://"),
        behind.trim_start_matches("http://").trim_end_matches('/'),
    )
    .await;
    let client = nginx.client().header("apikey", &token);
    let send = async |client: &Client, path: &str| client.post(path, json!({"text": "ahoy"})).await;
    let path = "/message/sendText/shop";

    let early = send(&client, path).await;
    assert_eq!((early.status, early.header("x-berth-reason")), (403, "created"));
    steps::link(&account, "shop").await;
    let sent = send(&client, path).await;
    assert_eq!((sent.status, sent.header("x-berth-reason")), (200, "open"));
    let unknown = send(&nginx.client(), path).await;
    assert_eq!((unknown.status, unknown.header("x-berth-reason")), (401, "unauthorized"));
    for trick in ["/message/sendText/shop%2F..%2Fother", "/message/sendText/shop?instanceName=other"] {
        let refused = send(&client, trick).await;
        assert_eq!((refused.status, refused.header("x-berth-reason")), (403, "invalid_path"), "{trick}");
    }
    account.post("/v1/instances/shop/logout", Value::Null).await.expect(200);
    let late = send(&client, path).await;
    assert_eq!((late.status, late.header("x-berth-reason")), (403, "logged_out"));

    steps::link(&account, "shop").await;
    assert_eq!(send(&client, path).await.status, 200);
    fail(&mut berth).await;
    assert_eq!(send(&client, path).await.status, 503, "what cannot be known is closed");

    let passed = messaging.received();
    let paths: Vec<&str> = passed.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(paths, [path, path]);
    assert_eq!(passed[0].body, json!({"text": "ahoy"}));
}
