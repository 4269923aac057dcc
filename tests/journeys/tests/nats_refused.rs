//! A NATS that cannot be used, or is used otherwise already: each start ends at once with a sentence that says what to change.

use std::{collections::BTreeMap, path::Path};

use berth_journeys::{
    ACCOUNT_TOKEN, Berth, Client, ConfiguredServer, MASTER_KEY, Process, ROLES, ROOT_KEY, Running,
    eventually, lacking,
};
use berth_test_support::NatsServer;
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpListener,
};

/// Starts a connector that is to be refused, and gives what it says.
async fn refused(url: &str, data: &Path, more: &[(&str, &str)]) -> String {
    role_refused("connector", url, &data.join("other"), more).await
}

/// Starts a role on a data folder that is to be refused, and gives what it says.
async fn role_refused(role: &str, url: &str, data: &Path, more: &[(&str, &str)]) -> String {
    let (code, said) = Process::start(role, &[role], &variables(url, data, more)).outcome().await;
    assert_eq!(code, Some(64), "{said}");
    said
}

/// What a process of this deployment is started with.
fn variables(url: &str, data: &Path, more: &[(&str, &str)]) -> BTreeMap<String, String> {
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
    variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
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
    let (server, data) = (ConfiguredServer::start("").await, tempfile::tempdir().unwrap());
    let said = refused(&server.plain_url(), data.path(), &[]).await;
    assert!(said.contains("has no JetStream") && said.contains("BERTH_NATS_URL"), "{said}");
}

#[tokio::test]
async fn a_server_that_is_too_old_is_named() {
    let data = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("nats://{}", listener.local_addr().unwrap());
    let said = tokio::select! {
        said = refused(&url, data.path(), &[]) => said,
        () = old_server(listener) => unreachable!("it serves for ever"),
    };
    assert!(said.contains("2.11.9") && said.contains("2.12"), "{said}");
}

/// A server of a release before JetStream could do what the log needs, as far as it is asked: it says who it is, and that it lives.
async fn old_server(listener: TcpListener) {
    let info = json!({
        "server_id": "old", "server_name": "old", "version": "2.11.9", "go": "go1", "proto": 1, "client_id": 1,
        "host": "127.0.0.1", "port": 4222, "headers": true, "jetstream": true, "max_payload": 1_048_576,
    });
    loop {
        let (mut socket, _) = listener.accept().await.unwrap();
        let (reading, mut writing) = socket.split();
        writing.write_all(format!("INFO {info}\r\n").as_bytes()).await.unwrap();
        let mut lines = BufReader::new(reading).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if line.starts_with("PING") && writing.write_all(b"PONG\r\n").await.is_err() {
                break;
            }
        }
    }
}

#[tokio::test]
async fn credentials_that_the_server_does_not_know_are_refused_at_once() {
    let config = "jetstream { store_dir: \"STORE\" }\nauthorization { user: berth, password: right }";
    let (server, data) = (ConfiguredServer::start(config).await, tempfile::tempdir().unwrap());
    for user in ["", "berth:wrong-password@"] {
        let url = server.plain_url().replace("nats://", &format!("nats://{user}"));
        let said = refused(&url, data.path(), &[]).await;
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
    for role in ROLES.into_iter().filter(|role| *role != "gateway") {
        let said = role_refused(role, &servers[0].url(), &data, &[]).await;
        assert!(said.contains("BERTH_DATA") && said.contains("of the deployment"), "{said}");
        let folder = data.join(format!("{role}-1"));
        assert!(said.contains(&format!("or remove {}", folder.display())), "{said}");
        assert!(folder.join(role).is_dir(), "nothing is thrown away unasked");
    }
    // A gateway keeps nothing that could be taken for another's.
    let mut gateway = Process::start("gateway", &["gateway"], &variables(&servers[0].url(), &data, &[]));
    let at = Client::new(format!("http://{}", gateway.listens().await)).token(ACCOUNT_TOKEN);
    eventually("it serves the deployment that it was sent to", async || {
        let listed = at.get("/v1/instances/shop").await;
        if listed.status == 200 { Ok(()) } else { Err(listed.text()) }
    })
    .await;
    assert_eq!(
        at.get("/v1/instances/shop").await.expect(200)["id"],
        first.client().get("/v1/instances/shop").await.expect(200)["id"]
    );
    gateway.signal("TERM");
    assert!(gateway.ended().await.success(), "{}", gateway.stderr());
    // What is said is what helps: without its folder the process is one of this deployment.
    let folder = data.join("connector-1");
    std::fs::remove_dir_all(&folder).unwrap();
    let mut connector =
        Process::start("connector", &["connector"], &variables(&servers[0].url(), &data, &[]));
    let ops = Client::new(format!("http://{}", connector.listens().await));
    eventually("it is ready", async || {
        let answer = ops.get("/readyz").await;
        if answer.status == 200 { Ok(()) } else { Err(answer.text()) }
    })
    .await;
    connector.signal("TERM");
    assert!(connector.ended().await.success(), "{}", connector.stderr());
    std::fs::remove_dir_all(&folder).unwrap();

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
    let server = ConfiguredServer::start(&lacking(&[denied])).await;
    let mut berth = Berth::on_nats_at(&server.url("all")).roles_in_processes().start().await;
    let said = refused(&server.url("less"), berth.data(), &[]).await;
    assert!(said.contains("lacks a permission") && said.contains(denied), "{said}");
    assert!(said.contains("berth provision --permissions"), "{said}");
    berth.kill9();
}

#[tokio::test]
async fn a_permission_that_is_taken_away_is_named_by_whoever_misses_it() {
    let server = ConfiguredServer::start(&lacking(&["nothing"])).await;
    let mut berth = Berth::on_nats_at(&server.url("less")).start().await;
    let (client, ops) = (berth.client(), Client::new(berth.client().base()));
    client.post("/v1/instances", json!({ "name": "before" })).await.expect(201);

    server.reload(&lacking(&["berth.v1.keys.>"]));
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

    server.reload(&lacking(&["nothing"]));
    eventually("the same can be done again", async || {
        let made = client.post("/v1/instances", json!({ "name": "after" })).await;
        if made.status == 201 { Ok(()) } else { Err(made.text()) }
    })
    .await;
    berth.kill9();
}
