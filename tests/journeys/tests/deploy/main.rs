//! What `deploy/` says is true: the NATS configurations start, the roles get along with their permissions, and
//! nobody gets more.

mod attacks;
mod guests;
mod table;
mod wire;
mod workers;

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use async_nats::{Client, ConnectOptions};
use berth_journeys::{Berth, ROLES, ROOT_KEY, Recorder, Running, eventually};
use berth_test_support::{free_port, nats_server};
use serde_json::json;
use tempfile::TempDir;

/// A server with one of our configurations.
struct Server {
    child: Child,
    port: u16,
    _store: TempDir,
}

impl Server {
    fn start(config: &str, arguments: &[String], variables: &[(String, String)]) -> Self {
        Self::start_with(&deploy().join("nats").join(config), arguments, variables)
    }

    fn start_with(config: &Path, arguments: &[String], variables: &[(String, String)]) -> Self {
        let store = tempfile::tempdir().unwrap();
        let port = free_port();
        let child = Command::new(nats_server())
            .arg("-c")
            .arg(config)
            .args(["-a", "127.0.0.1", "-p", &port.to_string(), "-m", &free_port().to_string()])
            .args(arguments)
            .envs(variables.iter().cloned())
            .env("BERTH_NATS_STORE", store.path())
            .envs(passwords())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        Self { child, port, _store: store }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(sent.is_ok_and(|sent| sent.success()), "a running server hears signals");
    }

    fn url(&self, user: &str) -> String {
        format!("nats://{user}:{}@127.0.0.1:{}", password(user), self.port)
    }

    async fn connect(&self, user: &str) -> Client {
        eventually("the server answers", async || {
            ConnectOptions::with_user_and_password(user.to_owned(), password(user))
                .custom_inbox_prefix(format!("_INBOX_berth-{user}"))
                .request_timeout(Some(Duration::from_millis(500)))
                .connect(format!("127.0.0.1:{}", self.port))
                .await
        })
        .await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy")
}

fn password(user: &str) -> String {
    format!("password-of-{user}")
}

fn passwords() -> Vec<(String, String)> {
    ROLES
        .iter()
        .chain(&["operator"])
        .map(|user| {
            let variable = format!("BERTH_NATS_{}_PASSWORD", user.to_uppercase().replace('-', "_"));
            (variable, password(user))
        })
        .collect()
}

/// Every role with its own user; first the one that makes the streams.
fn berth(server: &Server) -> Berth {
    let mut berth = Berth::on_nats_at("nats://unused").roles_in_processes().in_order().time_scale(20);
    for role in ROLES {
        berth = berth.setting_of(role, "BERTH_NATS_URL", &server.url(role));
    }
    berth
}

async fn journey(berth: Berth) {
    let mut berth = berth.start().await;
    let receiver = Recorder::start().await;
    let client = berth.client();
    let created = json!({ "name": "first", "webhooks": [{ "url": receiver.url("/hook") }] });
    client.post("/v1/instances", created).await.expect(201);
    client.post("/v1/instances/first/connect", json!({ "method": "qr" })).await.expect(200);
    client.post("/v1/instances/first/simulate", json!({ "action": "scan", "phone": "5511987654321" })).await;
    eventually("the connection is open", async || {
        let seen = client.get("/v1/instances/first").await;
        if seen.body["connection"] == "open" { Ok(()) } else { Err(seen.text()) }
    })
    .await;
    client.post("/v1/instances/first/logout", json!({ "wait": "unlinked" })).await.expect(200);
    receiver.wait("a notice", |all| !all.is_empty()).await;
    eventually("the list shows it", async || {
        let answer = berth.client().get("/v1/instances").await;
        if answer.status == 200 && answer.text().contains("\"first\"") { Ok(()) } else { Err(answer.text()) }
    })
    .await;
    client.delete("/v1/instances/first").await;
    close_an_account(&berth).await;
    let logs = berth.logs().to_lowercase();
    assert!(!logs.contains("permissions violation"), "a role lacks a permission: {logs}");
    assert!(berth.stop().await.iter().all(|code| *code == Some(0)));
}

/// The process manager deletes the instances of a closed account, by commands of its own.
async fn close_an_account(berth: &Running) {
    let root = berth.client().token(ROOT_KEY);
    let made = root.post("/v1/accounts", json!({ "name": "acme" })).await.expect(201);
    let acme = root.token(made["token"].as_str().unwrap());
    acme.post("/v1/instances", json!({ "name": "second" })).await.expect(201);
    root.delete(&format!("/v1/accounts/{}?force=true", made["id"].as_str().unwrap())).await;
    let deleted = r#"berth_aggregate_commands_total{command="Delete",outcome="applied"} 2"#;
    eventually("both instances are deleted", async || {
        let mut texts = String::new();
        for one in berth.ops() {
            texts += &one.get("/metrics").await.text();
        }
        if texts.contains(deleted) { Ok(()) } else { Err(texts) }
    })
    .await;
}

#[tokio::test]
async fn every_role_gets_along_with_its_permissions_on_one_nats_server() {
    let server = Server::start("single.conf", &[], &[]);
    server.connect("operator").await;
    journey(berth(&server)).await;
}

#[tokio::test]
async fn servers_say_when_they_sync_and_what_can_be_lost_is_told() {
    for (setting, said, risks) in
        [("always", "always on berth-1", 1), ("\"2m\"", "every 120 s on berth-1", 2)]
    {
        let folder = tempfile::tempdir().unwrap();
        for file in ["single.conf", "permissions.conf"] {
            let text = std::fs::read_to_string(deploy().join("nats").join(file)).unwrap();
            let text = text.replace("sync_interval: always", &format!("sync_interval: {setting}"));
            std::fs::write(folder.path().join(file), text).unwrap();
        }
        let server = Server::start_with(&folder.path().join("single.conf"), &[], &[]);
        server.connect("operator").await;
        let mut berth = berth(&server).start().await;
        let shown = berth.client().token(ROOT_KEY).get("/v1/cluster").await.expect(200);
        assert_eq!(shown["engine"]["sync"], said, "{shown}");
        assert_eq!(shown["engine"]["risks"].as_array().unwrap().len(), risks, "{shown}");
        let logs = berth.logs();
        assert_eq!(
            logs.contains("for 120 s in memory alone"),
            risks == 2,
            "each process says so at its start"
        );
        assert!(!logs.to_lowercase().contains("permissions violation"), "{logs}");
        berth.kill9();
    }
}

#[tokio::test]
async fn three_nats_servers_with_three_replicas_carry_the_journey() {
    let ports: [u16; 3] = std::array::from_fn(|_| free_port());
    let mut variables: Vec<_> = (1..)
        .zip(ports)
        .map(|(at, port)| (format!("BERTH_NATS_ROUTE_{at}"), format!("nats-route://127.0.0.1:{port}")))
        .collect();
    let servers: Vec<_> = (1..)
        .zip(ports)
        .map(|(at, port): (u8, u16)| {
            variables.push(("BERTH_NATS_NAME".to_owned(), format!("berth-{at}")));
            let cluster = ["-cluster".to_owned(), format!("nats://127.0.0.1:{port}")];
            Server::start("cluster.conf", &cluster, &variables)
        })
        .collect();
    let operator = servers[0].connect("operator").await;
    eventually("the three have a leader", async || {
        async_nats::jetstream::new(operator.clone()).query_account().await
    })
    .await;
    journey(berth(&servers[0]).setting("BERTH_NATS_REPLICAS", "3")).await;
    let log = async_nats::jetstream::new(operator).get_stream("BERTH_LOG_0").await.unwrap();
    assert_eq!(log.cached_info().config.num_replicas, 3);
}

#[tokio::test]
async fn the_table_of_who_may_do_what_is_what_was_tried() {
    let server = Server::start("single.conf", &[], &[]);
    server.connect("operator").await;
    let mut berth = berth(&server).start().await;
    berth.client().post("/v1/instances", json!({ "name": "first" })).await.expect(201);
    table::is_written(&table::tried(&server).await);
    berth.kill9();
}
