//! A role that nobody does the work of: the others say which one, commands are answered soon, and all goes on when
//! it is back.

use std::time::Duration;

use berth_journeys::{
    Answer, Berth, Client, ROLES, Running, eventually,
    steps::{event_types, link, until},
};
use berth_test_support::NatsServer;
use serde_json::{Value, json};

/// How long the client of these stories waits for an answer: less than a command is held while a deployment recovers.
const PATIENCE: Duration = Duration::from_secs(6);

/// A linked instance in a deployment of one process for each role.
async fn linked(server: &NatsServer) -> Running {
    let berth = Berth::on_nats(server).roles_in_processes().start().await;
    berth.client().post("/v1/instances", json!({"name": "shop"})).await.expect(201);
    link(&berth.client(), "shop").await;
    berth
}

/// What the process of a role says of another one, once `/readyz` answers with this status and says that nobody does
/// its work.
async fn named(berth: &Running, by: &str, absent: &str, status: u16) -> String {
    let at = ROLES.iter().position(|role| *role == by).unwrap();
    let client = &berth.ops()[at];
    eventually(&format!("{by} names {absent}"), async || {
        let answer = client.get("/readyz").await;
        let detail = answer.body["checks"][absent]["detail"].as_str().unwrap_or_default().to_owned();
        let is_named = detail.contains(&format!("nobody does the work of {absent}"));
        if is_named && answer.status == status { Ok(detail) } else { Err(answer.text()) }
    })
    .await
}

/// A logout that the client sends under a key, with little patience.
async fn logout(client: &Client) -> Answer {
    let keyed = client.keyed("goodbye");
    let asked = keyed.post("/v1/instances/shop/logout", json!({}));
    tokio::time::timeout(PATIENCE, asked).await.expect("an answer while the client waits")
}

fn is_refused_for_want_of(role: &str, answer: Answer) {
    assert_eq!(answer.header("retry-after"), "2");
    let problem = answer.expect(503);
    assert_eq!(problem["code"], "unavailable");
    assert!(problem["detail"].as_str().unwrap().contains(role), "{problem}");
}

/// The logout was done, once, under its key.
async fn is_out(client: &Client) {
    let out = logout(client).await.expect(200);
    assert_eq!(out["state"], "logged_out");
    until(client, "shop", "the device is unlinked", |now| now["unlinks"][0]["status"] == "confirmed").await;
    let logouts = event_types(client, "shop").await.into_iter().filter(|event| event == "LoggedOut").count();
    assert_eq!(logouts, 1);
}

#[tokio::test]
async fn without_a_session_aggregate_a_gateway_says_so_and_refuses_commands_soon() {
    let server = NatsServer::start().await;
    let mut berth = linked(&server).await;
    let client = berth.client();
    berth.kill9_role("session-aggregate");
    // Whoever comes first does not wait longer than whoever comes when it is known.
    is_refused_for_want_of("session-aggregate", logout(&client).await);
    let told = named(&berth, "gateway", "session-aggregate", 503).await;
    assert!(told.contains("commands are answered with 503"), "{told}");
    named(&berth, "webhooks", "session-aggregate", 200).await;
    named(&berth, "connector", "session-aggregate", 200).await;
    is_refused_for_want_of("session-aggregate", logout(&client).await);
    // What is there is still read.
    assert_eq!(client.get("/v1/instances/shop").await.expect(200)["state"], "linked");

    berth.restart_role("session-aggregate").await;
    is_out(&client).await;
}

#[tokio::test]
async fn a_session_aggregate_that_hangs_is_one_that_is_away() {
    let server = NatsServer::start().await;
    let mut berth = linked(&server).await;
    let client = berth.client();
    let decider = berth.processes().find(|process| process.name() == "session-aggregate").unwrap();
    decider.signal("STOP");
    named(&berth, "gateway", "session-aggregate", 503).await;
    is_refused_for_want_of("session-aggregate", logout(&client).await);

    let decider = berth.processes().find(|process| process.name() == "session-aggregate").unwrap();
    decider.signal("CONT");
    berth.ready().await;
    is_out(&client).await;
}

#[tokio::test]
async fn without_other_roles_a_gateway_says_what_is_missing_and_goes_on() {
    let server = NatsServer::start().await;
    let mut berth = linked(&server).await;
    let others = ["projections", "webhooks", "connector"];
    for role in others {
        berth.kill9_role(role);
    }
    for role in others {
        named(&berth, "gateway", role, 200).await;
    }
    named(&berth, "session-aggregate", "connector", 200).await;
    let gateway = Client::new(berth.client().base());
    let metrics = gateway.get("/metrics").await.text();
    for role in others {
        assert!(metrics.contains(&format!("berth_role_away{{role=\"{role}\"}} 1")), "{metrics}");
    }
    assert!(metrics.contains("berth_role_away{role=\"session-aggregate\"} 0"), "{metrics}");
    let out = logout(&berth.client()).await.expect(200);
    assert_eq!(
        (&out["state"], &out["unlinks"][0]["status"]),
        (&Value::from("logged_out"), &"pending".into())
    );

    berth.restart().await;
    eventually("nothing is missing any more", async || {
        let text = gateway.get("/readyz").await.text();
        if text.contains("nobody does") { Err(text) } else { Ok(()) }
    })
    .await;
    is_out(&berth.client()).await;
}
