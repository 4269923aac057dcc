//! A NATS that cannot be used, or is used otherwise already: each start ends at once with a sentence that says what to change.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

use berth_journeys::{
    ACCOUNT_TOKEN, Berth, Client, MASTER_KEY, Process, ROLES, ROOT_KEY, Running, eventually,
};
use berth_test_support::{NatsServer, free_port, nats_server};
use serde_json::json;
use tempfile::TempDir;

/// A server that is configured by the story.
struct Server {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Server {
    async fn start(config: &str) -> Self {
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

    fn url(&self, user: &str) -> String {
        format!("nats://{user}:{user}@127.0.0.1:{}", self.port)
    }

    /// Gives it another configuration while it runs.
    fn reload(&self, config: &str) {
        configure(&self.folder, self.port, config);
        let told = Command::new("kill").arg("-HUP").arg(self.child.id().to_string()).status();
        assert!(told.is_ok_and(|told| told.success()), "a running server hears signals");
    }
}

fn configure(folder: &TempDir, port: u16, config: &str) {
    let store = folder.path().join("store");
    let text =
        format!("listen: 127.0.0.1:{port}\n{}\n", config.replace("STORE", &store.display().to_string()));
    std::fs::write(folder.path().join("nats.conf"), text).unwrap();
}

/// A server whose user `all` may do everything and whose user `less` everything but to publish to this subject.
fn lacking(subject: &str) -> String {
    format!(
        "jetstream {{ store_dir: \"STORE\" }}\nauthorization {{ users: [ {{ user: all, password: all }}, \
         {{ user: less, password: less, permissions: {{ publish: {{ deny: [ \"{subject}\" ] }} }} }} ] }}"
    )
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}

/// Starts a connector that is to be refused, and gives what it says.
async fn refused(url: &str, data: &Path, more: &[(&str, &str)]) -> String {
    role_refused("connector", url, &data.join("other"), more).await
}

/// Starts a role on a data folder that is to be refused, and gives what it says.
async fn role_refused(role: &str, url: &str, data: &Path, more: &[(&str, &str)]) -> String {
    let mut variables = [
        ("BERTH_NATS_URL", url),
        ("BERTH_ROOT_KEY", ROOT_KEY),
        ("BERTH_ACCOUNT_TOKEN", ACCOUNT_TOKEN),
        ("BERTH_MASTER_KEY", MASTER_KEY),
        ("BERTH_HTTP", "127.0.0.1:0"),
        ("BERTH_DATA", data.to_str().unwrap()),
    ]
    .to_vec();
    variables.extend(more);
    let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let (code, said) = Process::start(role, &[role], &variables).outcome().await;
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

/// 32 other bytes in base64.
const OTHER_MASTER_KEY: &str = "HxwdHhsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";

#[tokio::test]
async fn two_deployments_on_one_server_do_not_mix() {
    let servers = [NatsServer::start().await, NatsServer::start().await];
    let first = Berth::on_nats(&servers[0]).roles_in_processes().start().await;
    first.client().post("/v1/instances", json!({ "name": "shop" })).await.expect(201);
    // One that is to begin there has another master key.
    let folder = tempfile::tempdir().unwrap();
    for role in ROLES {
        let data = folder.path().join(role);
        let more = [("BERTH_MASTER_KEY", OTHER_MASTER_KEY)];
        let said = role_refused(role, &servers[0].url(), &data, &more).await;
        assert!(
            said.contains("BERTH_MASTER_KEY") && said.contains("not the one that this deployment"),
            "{said}"
        );
    }
    // One that is elsewhere has the same, and what its processes keep is of itself.
    let mut second = Berth::on_nats(&servers[1]).roles_in_processes().start().await;
    second.client().post("/v1/instances", json!({ "name": "shop" })).await.expect(201);
    second.stop().await;
    let data = second.data().join("data");
    for role in ROLES {
        let said = role_refused(role, &servers[0].url(), &data, &[]).await;
        assert!(said.contains("BERTH_DATA") && said.contains("of the deployment"), "{said}");
    }

    for mut berth in [first, second] {
        berth.restart().await;
        let connected =
            berth.client().post("/v1/instances/shop/connect", json!({ "wait_ms": 0 })).await.expect(200);
        assert_eq!(connected["version"], 2, "nobody else did anything: {connected}");
        berth.kill9();
    }
}

#[tokio::test]
async fn a_permission_that_a_role_lacks_is_named_by_its_start() {
    let denied = "$JS.API.STREAM.MSG.GET.BERTH_DEPLOYMENT";
    let server = Server::start(&lacking(denied)).await;
    let mut berth = Berth::on_nats_at(&server.url("all")).roles_in_processes().start().await;
    let said = refused(&server.url("less"), berth.data(), &[]).await;
    assert!(said.contains("lacks a permission") && said.contains(denied), "{said}");
    assert!(said.contains("berth provision --permissions"), "{said}");
    berth.kill9();
}

#[tokio::test]
async fn a_permission_that_is_taken_away_is_named_by_whoever_misses_it() {
    let server = Server::start(&lacking("nothing")).await;
    let mut berth = Berth::on_nats_at(&server.url("less")).start().await;
    let (client, ops) = (berth.client(), Client::new(berth.client().base()));
    client.post("/v1/instances", json!({ "name": "before" })).await.expect(201);

    server.reload(&lacking("berth.v1.keys.>"));
    eventually("what is missing is named", async || {
        let made = client.post("/v1/instances", json!({ "name": "after" })).await;
        let answer = ops.get("/readyz").await;
        let said = answer.body["checks"]["nats"]["detail"].as_str().unwrap_or_default().to_owned();
        let is_named = said.contains("a permission is missing: Publish to \"berth.v1.keys.");
        if is_named && answer.status == 200 && made.status == 503 { Ok(()) } else { Err(answer.text()) }
    })
    .await;
    // Nothing else misses it.
    client.post("/v1/instances/before/connect", json!({ "wait_ms": 0 })).await.expect(200);

    server.reload(&lacking("nothing"));
    eventually("the same can be done again", async || {
        let made = client.post("/v1/instances", json!({ "name": "after" })).await;
        if made.status == 201 { Ok(()) } else { Err(made.text()) }
    })
    .await;
    berth.kill9();
}
