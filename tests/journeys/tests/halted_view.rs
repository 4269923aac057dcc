//! A view that has seen more of the log than there is halts, is named, and is built anew when an operator says so.
//!
//! That is what a restored backup of log and keys comes to where the views of before are left in place: the record of the
//! deployment, which is restored with the keys, fits the log.

use std::{fs, path::Path};

use berth_journeys::{ACCOUNT_TOKEN, Berth, Client, Process, Running, eventually};
use berth_test_support::NatsServer;
use serde_json::{Value, json};

/// What is restored of an embedded deployment: its log and its keys.
const LOG_AND_KEYS: [&str; 2] = ["log", "keys"];

#[tokio::test]
async fn a_view_that_has_seen_more_than_there_is_halts_and_is_named_embedded() {
    let mut berth = Berth::embedded().start().await;
    create(&berth, "first").await;
    berth.stop().await;
    let (data, backup) = (berth.data().join("data"), tempfile::tempdir().unwrap());
    for part in LOG_AND_KEYS {
        copy(&data.join(part), &backup.path().join(part));
    }
    berth.restart().await;
    create(&berth, "lost").await;
    berth.stop().await;
    for part in LOG_AND_KEYS {
        fs::remove_dir_all(data.join(part)).unwrap();
        copy(&backup.path().join(part), &data.join(part));
    }
    halts_and_recovers(&mut berth).await;
}

#[tokio::test]
async fn a_view_that_has_seen_more_than_there_is_halts_and_is_named_on_nats() {
    let mut server = NatsServer::start().await;
    let mut berth = Berth::on_nats(&server).start().await;
    create(&berth, "first").await;
    berth.stop().await;
    server.stop();
    let (streams, backup) = (server.store().join("jetstream"), tempfile::tempdir().unwrap());
    copy(&streams, backup.path());
    server.restart().await;
    berth.restart().await;
    create(&berth, "lost").await;
    berth.stop().await;
    server.stop();
    fs::remove_dir_all(&streams).unwrap();
    copy(backup.path(), &streams);
    server.restart().await;
    halts_and_recovers(&mut berth).await;
}

async fn halts_and_recovers(berth: &mut Running) {
    let mut process = berth.run(&["serve"]);
    let client = Client::new(format!("http://{}", process.listens().await)).token(ACCOUNT_TOKEN);
    for part in ["projections", "session-aggregate", "webhooks", "connector"] {
        let said = eventually("the halted view is named", async || {
            let check = check(&client, part).await;
            if check["ready"] == false { Ok(check) } else { Err(check.to_string()) }
        })
        .await;
        let detail = said["detail"].as_str().unwrap();
        assert!(detail.contains("acknowledged commits are lost"), "{part}: {detail}");
        assert!(detail.contains("recover --accept-rollback"), "{part}: {detail}");
    }
    assert_eq!(client.get("/readyz").await.status, 503);
    assert_eq!(check(&client, "log").await["ready"], true, "the log is the one of the record");
    // What is read from the log itself is served.
    client.get("/v1/instances/first").await.expect(200);

    let view = |metric: &str| format!("{metric}{{view=\"records\"}}");
    assert_eq!(value(&client, &view("berth_view_halted")).await, Some(1.0));
    let before = value(&client, &view("berth_view_lag_seconds")).await.unwrap();
    eventually("it falls further behind", async || {
        let now = value(&client, &view("berth_view_lag_seconds")).await.unwrap();
        if now > before { Ok(()) } else { Err(format!("{now} after {before}")) }
    })
    .await;
    stop(process).await;

    let mut recovery = berth.run(&["recover", "--accept-rollback"]);
    assert!(recovery.ended().await.success(), "{}", recovery.stderr());
    berth.restart().await;
    listed(&berth.client(), &["first"]).await;
    create(berth, "later").await;
}

async fn create(berth: &Running, name: &str) {
    berth.client().post("/v1/instances", json!({ "name": name })).await.expect(201);
    eventually("it is listed", async || {
        let page = berth.client().get("/v1/instances").await;
        if page.text().contains(name) { Ok(()) } else { Err(page.text()) }
    })
    .await;
}

async fn listed(client: &Client, names: &[&str]) {
    let page = client.get("/v1/instances").await.expect(200);
    let rows: Vec<_> = page["instances"].as_array().unwrap().iter().map(|row| row["name"].clone()).collect();
    assert_eq!(rows, names);
}

/// What a part says of itself in `/readyz`.
async fn check(client: &Client, part: &str) -> Value {
    client.get("/readyz").await.body["checks"][part].clone()
}

/// What `/metrics` has for a line that begins so.
async fn value(client: &Client, line: &str) -> Option<f64> {
    let metrics = client.get("/metrics").await.text();
    metrics.lines().find_map(|one| one.strip_prefix(line)?.trim().parse().ok())
}

async fn stop(mut process: Process) {
    process.signal("TERM");
    process.ended().await;
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let there = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &there);
        } else {
            fs::copy(entry.path(), there).unwrap();
        }
    }
}
