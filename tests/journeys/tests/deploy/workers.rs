//! Workers on NATS, under the users that `berth provision --worker` prints: each speaks as itself, to connectors alone.

use std::{collections::BTreeMap, fs};

use async_nats::{Client, ConnectOptions, Subscriber};
use berth_journeys::{Process, eventually};
use futures::StreamExt;
use serde_json::{Value, json};

use super::{Server, berth, deploy, password, wire::Wire};

/// The permissions for these workers, with their passwords.
async fn printed(workers: &[&str]) -> String {
    let named = workers.iter().flat_map(|name| ["--worker", name]);
    let arguments: Vec<_> = ["provision", "--permissions"].into_iter().chain(named).collect();
    let mut process = Process::start("provision", &arguments, &BTreeMap::new());
    assert!(process.ended().await.success(), "{}", process.stderr());
    let printed = eventually("it has said everything", async || {
        let said = process.stdout();
        if said.trim_end().ends_with('}') { Ok(said) } else { Err(said) }
    })
    .await;
    workers.iter().fold(printed, |text, name| {
        let variable = format!("$BERTH_NATS_WORKER_{}_PASSWORD", name.to_uppercase());
        assert!(text.contains(&variable), "{text}");
        text.replace(&variable, &format!("\"{}\"", password(name)))
    })
}

async fn connect(server: &Server, worker: &str) -> Client {
    let user = format!("worker-{worker}");
    eventually("the worker is let in", async || {
        ConnectOptions::with_user_and_password(user.clone(), password(worker))
            .custom_inbox_prefix(format!("_INBOX_{user}"))
            .connect(format!("127.0.0.1:{}", server.port))
            .await
    })
    .await
}

/// The next message but heartbeats, which is of this kind; taken.
async fn told(client: &Client, heard: &mut Subscriber, kind: &str) -> (String, Value) {
    loop {
        let message = heard.next().await.expect("a connection");
        client.publish(message.reply.expect("a request"), bytes::Bytes::new()).await.unwrap();
        let said: Value = serde_json::from_slice(&message.payload).unwrap();
        if said["kind"] != "heartbeat" {
            assert_eq!(said["kind"], kind, "{said}");
            return (message.subject.to_string().replace(".told.p1.", ".said."), said);
        }
    }
}

#[tokio::test]
async fn a_worker_speaks_as_itself_and_reaches_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(deploy().join("nats/single.conf"), folder.path().join("single.conf")).unwrap();
    fs::write(folder.path().join("permissions.conf"), printed(&["w1", "w2"]).await).unwrap();
    let server = Server::start_with(&folder.path().join("single.conf"), &[], &[]);
    server.connect("operator").await;
    let of_berth = berth(&server).setting("BERTH_WORKERS", "baileys").setting_of(
        "connector",
        "BERTH_WORKER_TOKEN",
        "worker-token-0000001",
    );
    let mut berth = of_berth.start().await;

    let worker = connect(&server, "w1").await;
    let mut heard = worker.subscribe("berth.v1.worker.w1.told.p1.*.*").await.unwrap();
    let hello = json!({
        "kind": "hello", "contracts": [1], "worker": "w1", "process": "p1", "library": "baileys", "capacity": 5,
    });
    eventually("the hello is taken", async || {
        let hello = bytes::Bytes::from(hello.to_string());
        worker.request("berth.v1.worker.w1.hello", hello).await
    })
    .await;
    told(&worker, &mut heard, "welcome").await;
    let client = berth.client();
    client
        .post("/v1/instances", json!({ "name": "shop", "link": { "worker": "baileys" } }))
        .await
        .expect(201);
    client.post("/v1/instances/shop/connect", json!({ "wait_ms": 0 })).await.expect(200);
    let (session, mut report) = told(&worker, &mut heard, "run").await;
    for (name, value) in [
        ("kind", json!("report")),
        ("number", json!(1)),
        ("report", json!("qr")),
        ("text", json!("2@ref,one")),
        ("valid_ms", json!(60_000)),
    ] {
        report[name] = value;
    }
    let taken = worker.request(session, bytes::Bytes::from(report.to_string())).await.unwrap();
    assert!(taken.payload.is_empty(), "{taken:?}");
    assert_eq!(told(&worker, &mut heard, "answer").await.1["next"], "continue");
    let seen = client.get("/v1/instances/shop").await.expect(200);
    assert_eq!(seen["state"], "pairing", "{seen}");

    let mut wire = Wire::connect(server.port, "worker-w1", &password("w1")).await;
    for subject in [
        "berth.v1.worker.w2.hello",
        "berth.v1.worker.w2.said.c.1",
        "berth.v1.worker.w1.told.p.c.1",
        "berth.v1.cmd.link.0.x",
        "berth.v1.log.instance.0.x",
        "berth.v1.hint.x",
        "berth.v1.devicekeys.x.1",
        "$JS.API.STREAM.INFO.BERTH_LOG_0",
        "$KV.berth_leases.member.connector.x",
        "_INBOX_berth-gateway.x",
    ] {
        assert!(!wire.may_publish(subject).await, "{subject}");
    }
    for filter in
        ["berth.v1.worker.w2.told.*.*.*", "berth.v1.worker.*.said.*.*", "berth.v1.tail.*", "_INBOX.>", ">"]
    {
        assert!(!wire.may_subscribe(filter, "").await, "{filter}");
    }
    let logs = berth.logs().to_lowercase();
    assert!(!logs.contains("permissions violation"), "a role lacks a permission: {logs}");
    berth.kill9();
}
