//! The whole journey of an instance, as its owner and its webhook receiver see it.

use berth_journeys::{
    Berth, Received, Recorder, Reply, Running, eventually,
    steps::{event_types, link, scan, until},
};
use berth_test_support::{NatsServer, free_port};
use serde_json::json;

#[tokio::test]
async fn the_whole_journey_embedded() {
    whole_journey(&Berth::embedded().start().await).await;
}

#[tokio::test]
async fn the_whole_journey_on_nats_with_two_replicas_of_every_role() {
    let server = NatsServer::start().await;
    let berth = Berth::on_nats(&server).roles_in_processes().replicas(2).start().await;
    whole_journey(&berth).await;
}

/// The types of the notices that came to a path.
fn types(received: &[Received], path: &str) -> Vec<String> {
    let here = received.iter().filter(|request| request.path == path);
    here.map(|request| request.body["type"].as_str().unwrap_or_default().to_owned()).collect()
}

async fn whole_journey(berth: &Running) {
    let client = berth.client();
    let receiver = Recorder::start().await;
    let webhooks = json!([{"url": receiver.url("/native")}]);
    let made =
        client.post("/v1/instances", json!({"name": "journey", "webhooks": webhooks})).await.expect(201);
    assert_eq!(made["state"], "created");
    assert_eq!(made["number"].as_str().unwrap().len(), 10);

    client.post("/v1/instances/journey/connect", json!({})).await.expect(200);
    // A code that is scanned before its notice went out is not told: the notice is waited for first.
    receiver
        .wait("the first code was told", |got| types(got, "/native").contains(&"instance.qr".to_owned()))
        .await;
    scan(&client, "journey").await;
    receiver
        .wait("the link was told", |got| types(got, "/native").contains(&"instance.open".to_owned()))
        .await;

    let out = client.post("/v1/instances/journey/logout", json!({"wait": "unlinked"})).await.expect(200);
    assert_eq!(out["state"], "logged_out");
    assert_eq!(out["unlinks"][0]["status"], "confirmed");
    assert_eq!(out["session"], 2, "a logout raises the session");
    client.post("/v1/instances/journey/reconnect", json!({})).await.expect(409);
    receiver
        .wait("the logout was told", |got| types(got, "/native").contains(&"instance.logged_out".to_owned()))
        .await;

    let again = client.post("/v1/instances/journey/connect", json!({})).await.expect(200);
    assert_eq!((&again["state"], &again["attempt"]), (&json!("pairing"), &json!(2)));
    assert_eq!(again["id"], made["id"], "the record survived the logout");
    receiver.wait("the second code was told", |got| types(got, "/native").len() >= 5).await;

    let gone = client.delete("/v1/instances/journey").await.expect(200);
    assert_eq!(gone["state"], "deleted");
    client.get("/v1/instances/journey").await.expect(404);
    let received = receiver.wait("the delete was told", |got| types(got, "/native").len() >= 6).await;
    assert_eq!(
        types(&received, "/native"),
        [
            "instance.qr",
            "instance.linked",
            "instance.open",
            "instance.logged_out",
            "instance.qr",
            "instance.deleted"
        ]
    );
    let id = made["id"].as_str().unwrap();
    assert_eq!(
        event_types(&client, id).await,
        [
            "InstanceCreated",
            "WebhookConfigured",
            "ConnectRequested",
            "QrWebhooksAllowed",
            "QrIssued",
            "DeviceLinked",
            "WebhooksResumed",
            "ConnectionOpened",
            "LoggedOut",
            "WebhooksSuspended",
            "DeviceUnlinked",
            "ConnectRequested",
            "QrWebhooksAllowed",
            "QrIssued",
            "ConnectEnded",
            "WebhooksSuspended",
            "InstanceDeleted"
        ]
    );
    let verified = client.get(&format!("/v1/instances/{id}/verify")).await.expect(200);
    assert_eq!(verified["ok"], true);
}

#[tokio::test]
async fn a_logout_cancels_what_waits_for_a_retry() {
    let berth = Berth::embedded().start().await;
    let client = berth.client();
    let receiver = Recorder::start().await;
    for (name, path) in [("silenced", "/silenced"), ("control", "/control")] {
        let webhooks =
            json!([{"url": receiver.url(path), "events": ["instance.open", "instance.logged_out"]}]);
        client.post("/v1/instances", json!({"name": name, "webhooks": webhooks})).await.expect(201);
    }
    receiver.next([Reply::status(500), Reply::status(500)]);
    link(&client, "silenced").await;
    receiver.wait("the first try failed", |got| types(got, "/silenced").len() == 1).await;
    link(&client, "control").await;
    receiver.wait("the control's too", |got| types(got, "/control").len() == 1).await;

    client.post("/v1/instances/silenced/logout", json!({})).await.expect(200);
    // The control failed later: once it was repeated, the silenced one would have been too.
    let received = receiver.wait("the control is repeated", |got| types(got, "/control").len() == 2).await;
    assert_eq!(types(&received, "/silenced"), ["instance.open", "instance.logged_out"]);
    let ids: Vec<_> = received.iter().filter(|request| request.path == "/control").map(id).collect();
    assert_eq!(ids[0], ids[1], "one id over retries");
}

#[tokio::test]
async fn what_an_endpoint_does_not_take_is_told_to_the_operator_and_nothing_is_said_to_be_sent_that_was_not()
{
    let berth = Berth::embedded().setting("BERTH_LOG", "info,berth_webhooks=debug").start().await;
    let (client, receiver) = (berth.client(), Recorder::start().await);
    receiver.always(Reply::status(503));
    let nowhere = format!("http://127.0.0.1:{}/hook", free_port());
    let mut instances = Vec::new();
    for (name, url) in [("refused", receiver.url("/hook")), ("nobody", nowhere)] {
        let webhooks = json!([{"url": url, "events": ["instance.open"]}]);
        let made =
            client.post("/v1/instances", json!({"name": name, "webhooks": webhooks})).await.expect(201);
        instances.push(made["id"].as_str().unwrap().to_owned());
        link(&client, name).await;
    }
    let lines = eventually("both are told of", async || {
        let logs = berth.logs();
        let told: Vec<String> = logs
            .lines()
            .filter(|line| line.contains("a webhook notice was not taken"))
            .map(str::to_owned)
            .collect();
        if told.len() >= 2 { Ok(told) } else { Err(logs) }
    })
    .await;
    for (instance, cause) in [(&instances[0], "it answered 503"), (&instances[1], "connection failed")] {
        let line = lines.iter().find(|line| line.contains(instance)).expect("a line of it");
        for part in ["WARN", cause, "event=instance.open", "endpoint=", "attempt=1", "the next try is at 20"]
        {
            assert!(line.contains(part), "{part}: {line}");
        }
    }
    let logs = berth.logs();
    let sent = logs.lines().filter(|line| line.contains("a webhook notice was sent"));
    let sent: Vec<_> = sent.filter(|line| line.contains(&instances[1])).collect();
    assert!(sent.is_empty(), "nobody was there to be sent anything: {sent:?}");
}

fn id(request: &Received) -> String {
    request.headers["webhook-id"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_logout_needs_no_connector() {
    let server = NatsServer::start().await;
    let mut berth = Berth::on_nats(&server).roles_in_processes().start().await;
    let client = berth.client();
    client.post("/v1/instances", json!({"name": "alone"})).await.expect(201);
    link(&client, "alone").await;
    berth.kill9_role("connector");

    let out = client.post("/v1/instances/alone/logout", json!({})).await.expect(200);
    assert_eq!(out["state"], "logged_out");
    assert_eq!(
        out["unlinks"][0]["status"], "pending",
        "the device is still to be unlinked, and that is visible"
    );
    client.post("/v1/instances/alone/reconnect", json!({})).await.expect(409);

    berth.restart_role("connector").await;
    until(&client, "alone", "the device is unlinked", |now| now["unlinks"][0]["status"] == "confirmed").await;
}

#[tokio::test]
async fn the_history_tells_what_was_and_streams_what_comes() {
    let berth = Berth::embedded().start().await;
    let client = berth.client();
    client.post("/v1/instances", json!({"name": "told"})).await.expect(201);
    link(&client, "told").await;
    let linked = client.get("/v1/instances/told").await.expect(200);
    client.post("/v1/instances/told/logout", json!({})).await.expect(200);
    let at = linked["updated_at"].as_str().unwrap();
    let then = client.get(&format!("/v1/instances/told?at={at}")).await.expect(200);
    assert_eq!((&then["state"], &then["version"]), (&linked["state"], &linked["version"]));

    let mut stream = reqwest::Client::new()
        .get(format!("{}/v1/instances/told/events/stream", client.base()))
        .header("authorization", format!("Bearer {}", berth_journeys::ACCOUNT_TOKEN))
        .header("last-event-id", linked["version"].to_string())
        .send()
        .await
        .unwrap();
    let mut text = String::new();
    while !text.contains("event: LoggedOut") {
        let chunk = stream.chunk().await.unwrap().expect("the stream goes on");
        text.push_str(&String::from_utf8_lossy(&chunk));
    }
    assert!(!text.contains("ConnectRequested"), "what was seen is not repeated: {text}");
}
