//! A deployment of many processes on a real NATS server.

use std::collections::BTreeMap;

use berth_journeys::{ACCOUNT_TOKEN, Berth, Client, MASTER_KEY, Process, ROLES, ROOT_KEY, eventually};
use berth_test_support::{NatsServer, free_port};
use serde_json::json;

#[tokio::test]
async fn one_process_on_nats_finds_everything_again_after_a_kill() {
    let server = NatsServer::start().await;
    let mut berth = Berth::on_nats(&server).start().await;
    let made = berth.client().post("/v1/instances", json!({ "name": "first" })).await.expect(201);
    berth.kill9();
    berth.restart().await;
    let found = berth.client().get("/v1/instances/first").await.expect(200);
    assert_eq!(found["id"], made["id"]);
    assert_eq!(berth.stop().await, [Some(0)]);
}

#[tokio::test]
async fn two_processes_of_every_role_on_nats_are_one_deployment() {
    let server = NatsServer::start().await;
    let mut berth = Berth::on_nats(&server).roles_in_processes().replicas(2).start().await;
    let made = berth.client_of(0).post("/v1/instances", json!({ "name": "first" })).await.expect(201);
    let found = berth.client_of(1).get("/v1/instances/first").await.expect(200);
    assert_eq!(found["id"], made["id"], "what one gateway was told, the other shows");

    let twice = berth.client_of(0).keyed("the-same").post("/v1/instances", json!({ "name": "second" })).await;
    let again = berth.client_of(1).keyed("the-same").post("/v1/instances", json!({ "name": "second" })).await;
    assert_eq!(twice.header("idempotency-replayed"), "");
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(twice.expect(201)["id"], again.expect(201)["id"]);

    berth.kill9();
    berth.restart().await;
    berth.client_of(1).get("/v1/instances/second").await.expect(200);
    assert!(berth.stop().await.iter().all(|code| *code == Some(0)), "all drained");
}

#[tokio::test]
async fn every_role_on_nats_serves_its_operator() {
    let server = NatsServer::start().await;
    let mut berth = Berth::on_nats(&server).roles_in_processes().start().await;
    assert_eq!(berth.processes().count(), ROLES.len());
    for client in berth.ops() {
        client.get("/healthz").await.expect(200);
        client.get("/readyz").await.expect(200);
        assert!(client.get("/metrics").await.text().contains("process_open_fds"));
    }
}

#[tokio::test]
async fn every_role_says_that_it_is_not_ready_while_nats_is_away() {
    let mut server = NatsServer::start().await;
    let mut berth = Berth::on_nats(&server).roles_in_processes().start().await;
    berth.client().post("/v1/instances", json!({ "name": "first" })).await.expect(201);
    server.kill();
    for client in berth.ops() {
        let told = readiness(&client, 503).await;
        assert!(told.contains("the connection is lost"), "it says what is missing: {told}");
        client.get("/healthz").await.expect(200);
    }
    server.restart().await;
    for client in berth.ops() {
        readiness(&client, 200).await;
    }
    // Codes lie in the server's memory, which is gone: there is room for new ones.
    let code = berth.client().post("/v1/instances/first/connect", json!({})).await.expect(200);
    assert!(code["qr"]["text"].is_string(), "{code}");
    assert!(berth.stop().await.iter().all(|code| *code == Some(0)), "all drained");
}

#[tokio::test]
async fn a_process_that_waits_for_nats_is_healthy_and_says_once_what_it_waits_for() {
    let mut server = NatsServer::start().await;
    server.kill();
    let folder = tempfile::tempdir().unwrap();
    let address = format!("127.0.0.1:{}", free_port());
    let settings = [
        ("BERTH_NATS_URL", server.url()),
        ("BERTH_MASTER_KEY", MASTER_KEY.to_owned()),
        ("BERTH_ROOT_KEY", ROOT_KEY.to_owned()),
        ("BERTH_ACCOUNT_TOKEN", ACCOUNT_TOKEN.to_owned()),
        ("BERTH_HTTP", address.clone()),
        ("BERTH_DATA", folder.path().display().to_string()),
    ];
    let settings: BTreeMap<_, _> = settings.map(|(name, value)| (name.to_owned(), value)).into();
    let probe = async || Process::start("probe", &["probe"], &settings).outcome().await;
    assert_eq!(probe().await.0, Some(69), "nobody listens");

    let mut berth = Process::start("serve", &["serve"], &settings);
    let client = Client::new(format!("http://{address}"));
    eventually("it waits for NATS", async || {
        let said = berth.stderr();
        if said.contains("NATS is not ready yet") { Ok(()) } else { Err(said) }
    })
    .await;
    client.get("/healthz").await.expect(200);
    assert!(client.get("/readyz").await.text().contains("starting"));
    let early = client.get("/v1/instances").await;
    assert_eq!((early.status, early.header("retry-after")), (503, "1"));
    assert_eq!(probe().await.0, Some(69), "it is not ready");

    server.restart().await;
    berth.listens().await;
    readiness(&client, 200).await;
    assert_eq!(probe().await.0, Some(0));
    let said = berth.stderr();
    assert_eq!(said.matches("NATS is not ready yet").count(), 1, "{said}");
    assert!(said.contains("NATS is ready now") && !said.contains("ERROR"), "{said}");
}

#[tokio::test]
async fn a_server_that_goes_and_comes_back_is_a_line_each_and_a_number_of_tries() {
    let mut server = NatsServer::start().await;
    let mut berth = Berth::on_nats(&server).roles_in_processes().start().await;
    server.kill();
    for client in berth.ops() {
        readiness(&client, 503).await;
    }
    // Long enough for whatever is said again and again.
    eventually("it was tried some times to connect again", async || {
        let told = berth.ops()[0].get("/readyz").await.text();
        let tries =
            told.split_once("connecting again (").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
        if tries.is_some_and(|tries: u32| tries >= 16) { Ok(()) } else { Err(told) }
    })
    .await;
    server.restart().await;
    for client in berth.ops() {
        readiness(&client, 200).await;
        let metrics = client.get("/metrics").await.text();
        let tries = metrics.lines().find_map(|line| line.strip_prefix("berth_nats_connects_failed_total "));
        assert_ne!(tries.expect("a number"), "0");
    }
    for process in berth.processes() {
        let (name, said) = (process.name().to_owned(), process.stderr());
        let (before, after) = said.split_once("the connection to NATS is lost").expect("a line that says so");
        let (between, after) = after.split_once("connected to NATS again").expect("a line that says so");
        assert!(!after.contains("is lost") && !before.contains("ERROR"), "{name}: {said}");
        // What goes on again and again says once why it does not, and once more if that is another reason; nothing does for each try.
        assert!(between.lines().count() <= 8, "{name}: {said}");
    }
    assert!(berth.stop().await.iter().all(|code| *code == Some(0)), "all drained");
}

#[tokio::test]
async fn roles_that_start_before_what_they_need_wait_for_it_and_log_no_error() {
    let (server, folder) = (NatsServer::start().await, tempfile::tempdir().unwrap());
    let start = |role: &str| {
        let settings = [
            ("BERTH_NATS_URL", server.url()),
            ("BERTH_MASTER_KEY", MASTER_KEY.to_owned()),
            ("BERTH_ROOT_KEY", ROOT_KEY.to_owned()),
            ("BERTH_ACCOUNT_TOKEN", ACCOUNT_TOKEN.to_owned()),
            ("BERTH_HTTP", "127.0.0.1:0".to_owned()),
            ("BERTH_DATA", folder.path().join(role).display().to_string()),
        ];
        Process::start(role, &[role], &settings.map(|(name, value)| (name.to_owned(), value)).into())
    };
    // Some time before the others, alone.
    let mut processes = vec![start("gateway")];
    processes.extend(["connector", "webhooks", "projections"].map(start));
    for process in &processes {
        eventually(&format!("{} waits", process.name()), async || {
            let said = process.stderr();
            if said.contains("NATS is not ready yet") { Ok(()) } else { Err(said) }
        })
        .await;
    }
    // Who makes everything comes last.
    processes.push(start("session-aggregate"));
    let gateway = Client::new(format!("http://{}", processes[0].listens().await));
    readiness(&gateway, 200).await;
    for process in &mut processes {
        process.listens().await;
    }
    gateway.token(ACCOUNT_TOKEN).post("/v1/instances", json!({ "name": "first" })).await.expect(201);
    for process in &processes {
        assert!(!process.stderr().contains("ERROR"), "{}: {}", process.name(), process.stderr());
    }
    processes.iter().for_each(|process| process.signal("TERM"));
    for process in &mut processes {
        assert_eq!(process.ended().await.code(), Some(0), "{}: {}", process.name(), process.stderr());
    }

    // And who made everything alone, for longer than it takes to see who is there.
    let mut early = start("session-aggregate");
    let client = Client::new(format!("http://{}", early.listens().await));
    let is_missing = async |wanted: bool| {
        eventually(&format!("a role is missing: {wanted}"), async || {
            let told = client.get("/readyz").await.text();
            if told.contains("nobody does the work of webhooks") == wanted { Ok(()) } else { Err(told) }
        })
        .await;
    };
    is_missing(true).await;
    let _late = start("webhooks");
    is_missing(false).await;
    assert!(!early.stderr().contains("ERROR"), "{}", early.stderr());
}

/// What `/readyz` says once it answers with this status.
async fn readiness(client: &Client, status: u16) -> String {
    eventually(&format!("/readyz answers {status}"), async || {
        let answer = client.get("/readyz").await;
        if answer.status == status { Ok(answer.text()) } else { Err(answer.text()) }
    })
    .await
}

#[tokio::test]
async fn another_master_key_on_nats_is_refused() {
    let server = NatsServer::start().await;
    let mut berth = Berth::on_nats(&server).start().await;
    berth.kill9();
    let other = MASTER_KEY.replace("AAEC", "ABEC");
    let settings = [
        ("BERTH_NATS_URL", server.url()),
        ("BERTH_MASTER_KEY", other),
        ("BERTH_HTTP", "127.0.0.1:0".to_owned()),
        ("BERTH_DATA", berth.data().display().to_string()),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value)).into();
    let (code, said) = Process::start("connector", &["connector"], &settings).outcome().await;
    assert_eq!(code, Some(64), "{said}");
    assert!(said.contains("BERTH_MASTER_KEY"), "{said}");
}
