//! Two session-aggregates under load: each owns partitions, and nobody outside notices when one goes.

use std::{collections::BTreeSet, time::Duration};

use berth_journeys::{Berth, Load, Process, ROLES, ROOT_KEY, Running, eventually};
use berth_test_support::NatsServer;
use serde_json::Value;

/// The sum of a metric over the session-aggregates that run.
async fn sum(berth: &Running, metric: &str) -> f64 {
    let mut sum = 0.0;
    for client in berth.ops() {
        let Ok(answer) = client.try_send(reqwest::Method::GET, "/metrics", None).await else { continue };
        let text = answer.text();
        let values = text.lines().filter_map(|line| line.strip_prefix(metric)?.trim().parse::<f64>().ok());
        sum += values.sum::<f64>();
    }
    sum
}

/// Waits until all partitions have an owner.
async fn all_are_owned(berth: &Running) {
    eventually("each partition has its owner", async || {
        let owned = sum(berth, "berth_aggregate_partitions").await;
        if (owned - 64.0).abs() < 0.5 { Ok(()) } else { Err(owned) }
    })
    .await;
}

/// A role of the deployment as it is shown.
fn role<'a>(cluster: &'a Value, name: &str) -> &'a Value {
    let roles = cluster["roles"].as_array().expect("roles");
    roles.iter().find(|role| role["role"] == name).expect("every role")
}

/// Everything runs: each member, each partition with its owner and epoch, each stream.
fn all_is_shown(cluster: &Value) {
    let list = |name: &str| cluster[name].as_array().expect("a list").as_slice();
    assert_eq!(list("members").len(), ROLES.len() + 1, "{cluster}");
    for member in list("members") {
        assert!(member["address"] != "" && member["says"]["member"].is_string(), "{member}");
    }
    assert!(list("roles").iter().all(|role| role["without_it"].is_null()), "{cluster}");
    assert_eq!(role(cluster, "session-aggregate")["partitions_owned"], 64);
    let deciding = list("partitions").iter().filter(|one| one["role"] == "session-aggregate");
    let owners: BTreeSet<_> = deciding
        .map(|one| {
            assert!(one["is_alive"] == true && one["epoch"].as_u64() > Some(0), "{one}");
            one["owner"].as_str().expect("an owner")
        })
        .collect();
    assert_eq!(owners.len(), 2, "both own some");
    assert!(list("members").iter().any(|member| member["lag_seconds"]["agenda"].is_number()), "{cluster}");
    let streams = cluster["engine"]["streams"].as_array().expect("streams");
    assert!(
        streams.iter().any(|stream| stream["name"] == "BERTH_LOG_0" && stream["current"] == 1),
        "{cluster}"
    );
    assert!(cluster["engine"]["version"].is_string());
}

async fn stopped(mut process: Process) {
    process.signal("TERM");
    assert!(process.ended().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_decide_commands_come_and_go_and_no_client_notices() {
    let server = NatsServer::start().await;
    let mut berth = Berth::on_nats(&server)
        .roles_in_processes()
        .one_more("session-aggregate")
        .setting("BERTH_RATE_ACCOUNT_COMMANDS", "0")
        .setting("BERTH_RATE_ACCOUNT_READS", "0")
        .time_scale(20)
        .start()
        .await;
    let client = berth.client();
    Load::prepare(&client).await;
    all_are_owned(&berth).await;
    let operator = client.token(ROOT_KEY);
    let shown = eventually("every member has said how it stands", async || {
        let shown = operator.get("/v1/cluster").await.expect(200);
        let is_ready = |member: &Value| member["ready"] == true;
        if shown["members"].as_array().expect("members").iter().all(is_ready) {
            Ok(shown)
        } else {
            Err(shown)
        }
    })
    .await;
    all_is_shown(&shown);
    client.get("/v1/cluster").await.expect(403);
    let appends = r#"berth_log_appends_total{outcome="#;
    let conflicts = format!(r#"{appends}"conflict"}}"#);
    let stored = format!(r#"{appends}"stored"}}"#);
    let before = (sum(&berth, &conflicts).await, sum(&berth, &stored).await);

    let load = Load::start(&client);
    load.goes_on().await;
    let after = (sum(&berth, &conflicts).await - before.0, sum(&berth, &stored).await - before.1);
    assert!(after.1 > 50.0 && after.0 <= after.1 / 1_000.0, "conflicts and appends: {after:?}");

    // One is asked to stop, and comes back.
    let one = berth.take_one("session-aggregate");
    tokio::join!(stopped(one), load.goes_on());
    all_are_owned(&berth).await;
    berth.restart_role("session-aggregate").await;
    all_are_owned(&berth).await;
    load.goes_on().await;

    // One is killed. What it was asked at that moment is asked again by the gateway.
    berth.take_one("session-aggregate").kill9();
    load.goes_on().await;
    tokio::time::timeout(Duration::from_secs(15), all_are_owned(&berth)).await.expect("taken over in time");
    load.goes_on().await;

    let one_left = operator.get("/v1/cluster").await.expect(200);
    assert_eq!(role(&one_left, "session-aggregate")["members"], 1, "{one_left}");

    let done = load.end().await;
    assert_eq!(done.asked_again, 0, "no client noticed");
    // What nobody does is told in words.
    berth.take_one("session-aggregate").kill9();
    let said = eventually("the absence is shown", async || {
        let shown = operator.get("/v1/cluster").await.expect(200);
        let said = role(&shown, "session-aggregate")["without_it"].clone();
        if said.is_string() { Ok(said) } else { Err(shown) }
    })
    .await;
    assert_eq!(said, "commands are answered with 503");
    done.is_in_the_log_once(&client).await;
}
