//! Three servers of which two die: what is left says that nobody leads the log, commands are answered soon and not held, and
//! all goes on when the servers are back.

use std::time::Duration;

use berth_journeys::{Answer, Berth, Client, ROLES, Running, eventually, steps::event_types};
use berth_test_support::NatsCluster;
use serde_json::json;

/// How long the client of this story waits for an answer: less than a command is held while a deployment recovers.
const PATIENCE: Duration = Duration::from_secs(6);
/// Streams that are led: the shards of the log, and that of the keys.
const LED: &str = "berth_streams_without_leader 5";

/// Those streams, as `/readyz` names them.
const NAMES: &str = "no leader of BERTH_LOG_0, BERTH_LOG_1, BERTH_LOG_2, BERTH_LOG_3, BERTH_KEYS: ";
/// What it says while they are led.
const WELL: &str = "every stream of the log and of the keys has one";

/// Waits until the process of a role says this of leaders.
async fn says(berth: &Running, role: &str, wanted: &str) {
    let at = ROLES.iter().position(|one| *one == role).expect("a role");
    let client = &berth.ops()[at];
    eventually(&format!("{role} says {wanted}"), async || {
        let answer = client.get("/readyz").await;
        let leaders = &answer.body["checks"]["leaders"];
        let said = leaders["detail"].as_str().is_some_and(|detail| detail.starts_with(wanted));
        // It is told, and takes no process away from those who ask: reads and other shards may be well.
        if said && leaders["ready"] == true { Ok(()) } else { Err(answer.text()) }
    })
    .await;
}

async fn in_time(asked: impl Future<Output = Answer>) -> Answer {
    tokio::time::timeout(PATIENCE, asked).await.expect("an answer while the client waits")
}

async fn connect(client: &Client) -> Answer {
    let keyed = client.keyed("connect");
    in_time(keyed.post("/v1/instances/shop/connect", json!({ "wait_ms": 0 }))).await
}

async fn create(client: &Client) -> Answer {
    client.keyed("create").post("/v1/instances", json!({ "name": "other" })).await
}

fn is_refused_for_want_of_the_log(answer: Answer) {
    assert_eq!(answer.header("retry-after"), "2");
    let problem = answer.expect(503);
    assert_eq!(problem["code"], "unavailable");
    assert!(problem["detail"].as_str().unwrap_or_default().contains("(the log)"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_without_a_leader_is_named_and_used_again_when_it_has_one() {
    let mut cluster = NatsCluster::start().await;
    let mut berth = Berth::on_nats_at(&cluster.urls().join(","))
        .roles_in_processes()
        .setting("BERTH_NATS_REPLICAS", "3")
        .start()
        .await;
    let client = berth.client();
    client.post("/v1/instances", json!({ "name": "shop" })).await.expect(201);
    says(&berth, "gateway", WELL).await;

    cluster.kill(0);
    cluster.kill(1);
    for role in ["gateway", "session-aggregate"] {
        says(&berth, role, NAMES).await;
    }
    let ops = Client::new(client.base());
    eventually("every stream is counted", async || {
        let text = ops.get("/metrics").await.text();
        if text.contains(LED) { Ok(()) } else { Err(text) }
    })
    .await;
    // Again and again, and also those for which a key is made first.
    for _ in 0..2 {
        is_refused_for_want_of_the_log(connect(&client).await);
        in_time(create(&client)).await.expect(503);
    }
    is_refused_for_want_of_the_log(in_time(client.get("/v1/instances/shop")).await);

    cluster.start_all_again().await;
    says(&berth, "gateway", WELL).await;
    berth.ready().await;
    eventually("the same commands are decided", async || {
        let (created, connected) = (create(&client).await, connect(&client).await);
        if (created.status, connected.status) == (201, 200) {
            Ok(())
        } else {
            Err([created.text(), connected.text()])
        }
    })
    .await;
    let connects = event_types(&client, "shop").await.into_iter().filter(|event| event == "ConnectRequested");
    assert_eq!(connects.count(), 1, "what was refused was not done");
    let listed = client.get("/v1/instances").await.expect(200);
    assert_eq!(listed["instances"].as_array().map(Vec::len), Some(2), "{listed}");
    berth.kill9();
}
