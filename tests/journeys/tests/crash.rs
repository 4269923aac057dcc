//! What was acknowledged is there once, whatever dies.

use std::collections::BTreeSet;

use berth_journeys::{Berth, Client, Running, steps::events};
use berth_test_support::NatsServer;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

/// Instances that are logged in and out at once.
const INSTANCES: usize = 8;
/// Rounds of a connect and a logout for each.
const ROUNDS: usize = 12;

#[tokio::test]
async fn every_acknowledged_command_is_there_once_after_a_kill_embedded() {
    acknowledged_is_durable(Berth::embedded().start().await).await;
}

#[tokio::test]
async fn every_acknowledged_command_is_there_once_after_a_kill_on_nats() {
    let server = NatsServer::start().await;
    acknowledged_is_durable(Berth::on_nats(&server).roles_in_processes().start().await).await;
}

async fn acknowledged_is_durable(mut berth: Running) {
    let client = berth.client();
    for instance in 0..INSTANCES {
        client.post("/v1/instances", json!({"name": format!("i{instance}")})).await.expect(201);
    }
    // The burst runs while everything is killed in the middle of it.
    let burst = join_all((0..INSTANCES).map(|instance| burst(client.clone(), instance)));
    let killing = async {
        let seen = format!("/v1/instances/i0/events?after={}", ROUNDS / 2);
        berth_journeys::eventually("the burst is under way", async || {
            let page = client.get(&seen).await.expect(200);
            if page["events"].as_array().is_some_and(|events| !events.is_empty()) {
                Ok(())
            } else {
                Err(page)
            }
        })
        .await;
        berth.kill9();
    };
    let (acknowledged, ()) = tokio::join!(burst, killing);
    berth.restart().await;
    let total: usize = acknowledged.iter().map(Vec::len).sum();
    assert!(total > 0, "the burst got something done before the kill");

    for (instance, keys) in acknowledged.iter().enumerate() {
        let name = format!("i{instance}");
        let ids: Vec<String> = keyed_ids(&events(&client, &name).await);
        let distinct: BTreeSet<&String> = ids.iter().collect();
        assert_eq!(ids.len(), distinct.len(), "no command has two commits");
        // The last 32 keyed commands are remembered: each gets its first answer again.
        for (route, key) in keys.iter().rev().take(20) {
            let again = client.keyed(key).post(&format!("/v1/instances/{name}/{route}"), body(route)).await;
            assert_eq!(again.header("idempotency-replayed"), "true", "{key} of {name}: {}", again.text());
            again.expect(200);
        }
        let verified = client.get(&format!("/v1/instances/{name}/verify")).await.expect(200);
        assert_eq!(verified["ok"], true);
    }
}

/// Connects and logs out in turns; gives the keys that were acknowledged.
async fn burst(client: Client, instance: usize) -> Vec<(&'static str, String)> {
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        for route in ["connect", "logout"] {
            let key = format!("{instance}-{round}-{route}");
            let path = format!("/v1/instances/i{instance}/{route}");
            match client.keyed(&key).try_send(Method::POST, &path, Some(body(route))).await {
                Ok(answer) if answer.status == 200 => acknowledged.push((route, key)),
                Ok(answer) => assert_eq!(answer.status, 503, "{}", answer.text()),
                Err(_) => return acknowledged,
            }
        }
    }
    acknowledged
}

fn body(route: &str) -> Value {
    if route == "connect" { json!({"wait_ms": 0}) } else { json!({}) }
}

/// The ids of keyed commands, one for each commit that answers one with events.
fn keyed_ids(events: &[Value]) -> Vec<String> {
    let mut ids: Vec<(u64, String)> = events
        .iter()
        .filter(|event| event["command"]["keyed"] == true)
        .map(|event| {
            (event["version"].as_u64().unwrap(), event["command"]["id"].as_str().unwrap().to_owned())
        })
        .collect();
    ids.dedup();
    ids.into_iter().map(|(_, id)| id).collect()
}

#[tokio::test]
async fn one_key_through_two_gateways_at_once_is_one_command() {
    let server = NatsServer::start().await;
    let berth = Berth::on_nats(&server).roles_in_processes().replicas(2).start().await;
    let made = berth.client().post("/v1/instances", json!({"name": "twice"})).await.expect(201);
    let path = "/v1/instances/twice/connect";
    let senders = (0..8).map(|sender| {
        let client = berth.client_of(sender % 2).keyed("the-one-key");
        async move { client.post(path, json!({"wait_ms": 0})).await }
    });
    let answers = join_all(senders).await;
    let firsts = answers.iter().filter(|answer| answer.header("idempotency-replayed").is_empty()).count();
    assert_eq!(firsts, 1, "one is the first, the others are told so");
    for answer in answers {
        assert_eq!(answer.expect(200)["attempt"], 1);
    }
    let connects = events(&berth.client(), made["id"].as_str().unwrap()).await;
    assert_eq!(connects.iter().filter(|event| event["type"] == "ConnectRequested").count(), 1);

    let other = berth.client_of(1).keyed("the-one-key").post(path, json!({"wait_ms": 1})).await;
    assert_eq!(other.expect(422)["code"], "idempotency_key_reused");
}

#[tokio::test]
async fn what_one_gateway_acknowledged_the_other_shows() {
    let server = NatsServer::start().await;
    let berth = Berth::on_nats(&server).roles_in_processes().replicas(2).start().await;
    let (here, there) = (berth.client_of(0), berth.client_of(1));
    for round in 0..20 {
        let name = format!("seen-{round}");
        let made = here.post("/v1/instances", json!({"name": name})).await.expect(201);
        let found = there.get(&format!("/v1/instances/{name}")).await.expect(200);
        assert_eq!(found["id"], made["id"]);
        here.post(&format!("/v1/instances/{name}/connect"), json!({"wait_ms": 0})).await.expect(200);
        let seen = there.get(&format!("/v1/instances/{name}")).await.expect(200);
        assert_eq!(seen["attempt"], 1);
        here.delete(&format!("/v1/instances/{name}")).await.expect(200);
        there.get(&format!("/v1/instances/{name}")).await.expect(404);
    }
}

#[tokio::test]
async fn two_creates_of_one_name_at_once_have_one_winner() {
    let berth = Berth::embedded().start().await;
    let client = berth.client();
    let answers = join_all((0..8).map(|_| client.post("/v1/instances", json!({"name": "wanted"})))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
}

#[tokio::test]
async fn commands_wait_for_a_log_that_comes_back_and_fail_cleanly_for_one_that_does_not() {
    let mut server = NatsServer::start().await;
    let berth = Berth::on_nats(&server).start().await;
    let client = berth.client();
    client.post("/v1/instances", json!({"name": "patient"})).await.expect(201);
    server.kill();
    let refused = client.post("/v1/instances/patient/connect", json!({"wait_ms": 0})).await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(!refused.header("retry-after").is_empty());
    server.restart().await;
    berth_journeys::eventually("the same command succeeds", async || {
        let answer = client.post("/v1/instances/patient/connect", json!({"wait_ms": 0})).await;
        if answer.status == 200 { Ok(()) } else { Err(answer.text()) }
    })
    .await;
    let types = berth_journeys::steps::event_types(&client, "patient").await;
    assert_eq!(types.iter().filter(|kind| *kind == "ConnectRequested").count(), 1, "nothing was half done");
}
