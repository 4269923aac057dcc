//! Somebody asks for more than there is room for: what is too much is refused at once and says when to come again, others are
//! decided as if nothing were, and afterwards so is whoever asked too much.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use berth_journeys::{Answer, Berth, Client, ROOT_KEY, Running, eventually};
use berth_test_support::NatsServer;
use serde_json::json;
use tokio::task::JoinSet;

/// Commands that the gateway has decided at once.
const ROOM: usize = 16;
/// Connections that each send the next command as soon as the last one is answered.
const FLOOD: usize = 3 * ROOM;
/// Commands of whoever asks for one after the other meanwhile.
const CALM: usize = 50;

async fn start(berth: Berth) -> Running {
    let off = ["BERTH_RATE_ACCOUNT_COMMANDS", "BERTH_RATE_ACCOUNT_READS"];
    let berth = off.into_iter().fold(berth, |berth, rate| berth.setting(rate, "0"));
    berth.setting("BERTH_COMMANDS_AT_ONCE", &ROOM.to_string()).start().await
}

/// Connects an instance or logs it out.
async fn command(client: &Client, instance: &str, number: usize) -> Answer {
    let verb = if number.is_multiple_of(2) { "connect" } else { "logout" };
    // A connect waits for no code.
    let body = if verb == "connect" { json!({ "wait_ms": 0 }) } else { json!({}) };
    client.post(&format!("/v1/instances/{instance}/{verb}"), body).await
}

/// Commands that come faster than they are decided.
struct Flood {
    workers: JoinSet<usize>,
    over: Arc<AtomicBool>,
    refused: Arc<AtomicUsize>,
}

impl Flood {
    /// Each connection asks for something of one of these instances.
    fn start(client: &Client, instances: &[String]) -> Self {
        let (mut workers, over, refused) = (JoinSet::new(), Arc::default(), Arc::default());
        for worker in 0..FLOOD {
            let (client, instance) = (client.clone(), instances[worker % instances.len()].clone());
            let (over, refused) = (Arc::clone(&over), Arc::clone(&refused));
            workers.spawn(flood(client, instance, over, refused));
        }
        Self { workers, over, refused }
    }

    /// Waits until something was refused that was not before.
    async fn is_too_much(&self) {
        let before = self.refused.load(Ordering::Relaxed);
        eventually("something is refused", async || {
            let refused = self.refused.load(Ordering::Relaxed);
            if refused > before { Ok(()) } else { Err(refused) }
        })
        .await;
    }

    /// How many commands were decided.
    async fn end(self) -> usize {
        self.over.store(true, Ordering::Relaxed);
        self.workers.join_all().await.into_iter().sum()
    }
}

async fn flood(client: Client, instance: String, over: Arc<AtomicBool>, refused: Arc<AtomicUsize>) -> usize {
    let (mut number, mut decided) = (0, 0);
    while !over.load(Ordering::Relaxed) {
        let answer = command(&client, &instance, number).await;
        number += 1;
        if answer.status == 429 {
            assert_eq!(answer.header("retry-after"), "1");
            assert_eq!(answer.body["code"], "rate_limited");
            refused.fetch_add(1, Ordering::Relaxed);
        } else {
            answer.expect(200);
            decided += 1;
        }
    }
    decided
}

async fn made(client: &Client, names: impl Iterator<Item = String>) -> Vec<String> {
    let names: Vec<_> = names.collect();
    for name in &names {
        client.post("/v1/instances", json!({ "name": name })).await.expect(201);
    }
    names
}

/// Every command of a client that asks for one after the other is decided while another one floods.
async fn is_served_beside(calm: (&Client, &str), flooding: (&Client, &[String])) {
    let flood = Flood::start(flooding.0, flooding.1);
    flood.is_too_much().await;
    for number in 0..CALM {
        command(calm.0, calm.1, number).await.expect(200);
    }
    flood.is_too_much().await;
    let decided = flood.end().await;
    assert!(decided > 0, "the flood has its part");
    // Nothing is left of it.
    for (client, instance) in [calm, (flooding.0, &flooding.1[0])] {
        command(client, instance, 0).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_floods_takes_nothing_of_another_one() {
    let server = NatsServer::start().await;
    let berth = start(Berth::on_nats(&server).roles_in_processes()).await;
    let client = berth.client();
    let instances = made(&client, (0..FLOOD).map(|number| format!("of-many-{number}"))).await;
    let token = "token-of-the-other-account";
    let root = client.token(ROOT_KEY);
    root.post("/v1/accounts", json!({ "name": "other", "token": token })).await.expect(201);
    let other = client.token(token);
    made(&other, std::iter::once("calm".to_owned())).await;

    is_served_beside((&other, "calm"), (&client, &instances)).await;
    let metrics = Client::new(client.base()).get("/metrics").await.text();
    assert!(metrics.contains("berth_gateway_commands_under_way 0"), "{metrics}");
    assert!(metrics.contains("berth_gateway_commands_refused_total{of=\"gateway\"} 0"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_is_asked_too_often_takes_nothing_of_another_one() {
    let berth = start(Berth::embedded()).await;
    let client = berth.client();
    let names = made(&client, ["hot", "calm"].into_iter().map(str::to_owned)).await;
    is_served_beside((&client, "calm"), (&client, &names[..1])).await;
}
