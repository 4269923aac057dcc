//! The whole journey: create, connect, QR, scanned, open, logout, silence, connect again, delete.

use std::collections::BTreeSet;

use berth_journeys::{Berth, Client, Received, Recorder, Running, eventually};
use berth_test_support::NatsServer;
use serde_json::{Value, json};

/// Divides the waiting for codes.
const TIMES: u32 = 20;

#[tokio::test]
async fn embedded() {
    whole_journey(Berth::embedded().time_scale(TIMES).start().await).await;
}

#[tokio::test]
async fn on_nats_in_one_process() {
    let server = NatsServer::start().await;
    whole_journey(Berth::on_nats(&server).time_scale(TIMES).start().await).await;
}

#[tokio::test]
async fn on_nats_with_two_processes_of_every_role() {
    let server = NatsServer::start().await;
    let berth = Berth::on_nats(&server).roles_in_processes().replicas(2).time_scale(TIMES);
    whole_journey(berth.start().await).await;
}

async fn whole_journey(mut berth: Running) {
    let receiver = Recorder::start().await;
    let account = berth.client();
    let created = json!({ "name": "first", "webhooks": [{ "url": receiver.url("/hook") }] });
    let made = account.post("/v1/instances", created).await.expect(201);
    let client = account.token(made["token"].as_str().unwrap());
    assert_eq!(made["state"], "created");

    let shown = client.post("/v1/instances/first/connect", json!({ "method": "qr" })).await.expect(200);
    assert!(shown["qr"]["text"].is_string(), "{shown}");
    let scan = json!({ "action": "scan", "phone": "5511987654321", "push_name": "Ana" });
    client.post("/v1/instances/first/simulate", scan).await;
    open(&client).await;
    receiver.wait("a notice of the open connection", |all| all.len() > 1).await;

    let out = client.post("/v1/instances/first/logout", Value::Null).await.expect(200);
    assert_eq!(out["state"], "logged_out");
    client.post("/v1/instances/first/reconnect", Value::Null).await.expect(409);
    receiver.wait("the notice of the disconnection", |all| all.iter().any(is_disconnection)).await;
    berth.kill9();
    berth.restart().await;
    let found = client.get("/v1/instances/first").await.expect(200);
    assert_eq!(found["state"], "logged_out", "acknowledged is durable");
    // The kill may have come before the delivery was noted: then the same notice comes once more.
    let received = receiver.received();
    let ids: BTreeSet<_> = received.iter().filter(|one| is_disconnection(one)).map(id).collect();
    assert_eq!(ids.len(), 1, "one notice");

    let again = client.post("/v1/instances/first/connect", json!({ "method": "qr" })).await.expect(200);
    assert_ne!(again["qr"]["text"], shown["qr"]["text"]);
    client.post("/v1/instances/first/simulate", json!({ "action": "scan", "phone": "5511987654321" })).await;
    open(&client).await;
    account.delete("/v1/instances/first").await;
    let gone = account.get("/v1/instances/first").await;
    assert!(matches!(gone.status, 404 | 410), "{}", gone.text());
    assert!(berth.stop().await.iter().all(|code| *code == Some(0)), "all drained");
}

async fn open(client: &Client) {
    eventually("the connection is open", async || {
        let seen = client.get("/v1/instances/first").await;
        if seen.body["state"] == "linked" && seen.body["connection"] == "open" {
            Ok(())
        } else {
            Err(seen.text())
        }
    })
    .await;
}

fn id(notice: &Received) -> &str {
    notice.headers["webhook-id"].to_str().unwrap()
}

fn is_disconnection(notice: &Received) -> bool {
    notice.body.to_string().contains("logged_out")
}
