//! A store without room: commands are refused with a reason, nothing that was answered is lost, and all goes on when
//! there is room again.

use berth_journeys::{Answer, Berth, Client, eventually, steps::link};
use berth_test_support::NatsServer;
use serde_json::{Value, json};

/// Room for the first steps and some hundred large instances.
const ROOM_BYTES: u64 = 8 * 1024 * 1024;
/// Instances after which a story gives up filling the store: they would need several times its room.
const INSTANCES_MAX: usize = 1_000;

/// Creates large instances until one is refused; gives the names of those that were answered and the refusal.
async fn fill(client: &Client) -> (Vec<String>, Answer) {
    let padding = "x".repeat(40_000);
    let mut made = Vec::new();
    for serial in 0..INSTANCES_MAX {
        let name = format!("large-{serial}");
        let body = json!({"name": name, "settings": {"padding": padding}});
        let answer = client.post("/v1/instances", body).await;
        if answer.status != 201 {
            return (made, answer);
        }
        made.push(name);
    }
    panic!("the store took {INSTANCES_MAX} large instances");
}

#[tokio::test]
async fn a_full_store_on_nats_refuses_and_loses_nothing() {
    let mut server = NatsServer::start_with_room(ROOM_BYTES).await;
    let berth = Berth::on_nats(&server).start().await;
    let client = berth.client();
    client.post("/v1/instances", json!({"name": "shop"})).await.expect(201);
    link(&client, "shop").await;

    let (made, refused) = fill(&client).await;
    assert!(!made.is_empty(), "there was room for some");
    let problem = refused.expect(503);
    assert_eq!(problem["code"], "unavailable", "{problem}");
    assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
    let metrics = client.get("/metrics").await.text();
    let full = metrics.lines().find(|line| line.starts_with("berth_log_appends_total{outcome=\"full\"}"));
    assert!(full.is_some(), "the operator sees what is wrong: {metrics}");
    // What is there is still read.
    client.get("/v1/instances/shop").await.expect(200);

    server.restart_with_room().await;
    let out = eventually("a logout is taken again", async || {
        let answer = client.post("/v1/instances/shop/logout", json!({})).await;
        if answer.status == 200 { Ok(answer.body) } else { Err(answer.body) }
    })
    .await;
    assert_eq!(out["state"], "logged_out");
    for name in &made {
        let there = client.get(&format!("/v1/instances/{name}")).await.expect(200);
        assert_eq!(there["state"], Value::from("created"));
    }
    let verified = client.get("/v1/instances/shop/verify").await.expect(200);
    assert_eq!(verified["ok"], true);
}
