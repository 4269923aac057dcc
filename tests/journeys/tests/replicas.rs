//! Two session-aggregates under load: each owns partitions, and nobody outside notices when one goes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use berth_journeys::{Berth, Client, Process, Running, eventually, steps::event_types};
use berth_test_support::NatsServer;
use serde_json::json;
use tokio::task::JoinSet;

/// Instances that are worked on at once.
const WORKERS: usize = 12;
/// Rounds that each story waits for, of all workers together.
const ROUNDS: usize = 4 * WORKERS;

/// Commands that go on until somebody stops them.
struct Load {
    workers: JoinSet<usize>,
    rounds: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
}

impl Load {
    /// Connects an instance and logs it out, again and again. Every command must succeed, at the first try of the client.
    fn start(client: &Client) -> Self {
        let (rounds, over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let mut workers = JoinSet::new();
        for worker in 0..WORKERS {
            let (client, rounds, over) = (client.clone(), Arc::clone(&rounds), Arc::clone(&over));
            workers.spawn(async move {
                let path = format!("/v1/instances/i{worker}");
                let mut done = 0;
                while !over.load(Ordering::Relaxed) {
                    for verb in ["connect", "logout"] {
                        let keyed = client.keyed(&format!("{verb}-{worker}-{done}"));
                        keyed.post(&format!("{path}/{verb}"), json!({})).await.expect(200);
                    }
                    done += 1;
                    rounds.fetch_add(1, Ordering::Relaxed);
                }
                done
            });
        }
        Self { workers, rounds, over }
    }

    async fn goes_on(&self) {
        let wanted = self.rounds.load(Ordering::Relaxed) + ROUNDS;
        eventually("commands are decided", async || {
            let done = self.rounds.load(Ordering::Relaxed);
            if done >= wanted { Ok(()) } else { Err(done) }
        })
        .await;
    }

    /// What each worker did, in any order.
    async fn end(self) -> usize {
        self.over.store(true, Ordering::Relaxed);
        self.workers.join_all().await.into_iter().sum()
    }
}

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
    for worker in 0..WORKERS {
        client.post("/v1/instances", json!({ "name": format!("i{worker}") })).await.expect(201);
    }
    all_are_owned(&berth).await;
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

    let rounds = load.end().await;
    let mut connects = 0;
    for worker in 0..WORKERS {
        let name = format!("i{worker}");
        let types = event_types(&client, &name).await;
        connects += types.iter().filter(|of| *of == "ConnectRequested").count();
        let verified = client.get(&format!("/v1/instances/{name}/verify")).await.expect(200);
        assert_eq!(verified["ok"], true, "{verified}");
    }
    assert_eq!(connects, rounds, "every command that was answered once, none twice");
}
