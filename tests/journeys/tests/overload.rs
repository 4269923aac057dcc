//! Somebody asks for more than there is room for: what is too much is refused at once and says when to come again, others are
//! decided as if nothing were, and afterwards so is whoever asked too much.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use berth_journeys::{
    Answer, Berth, Client, ConfiguredServer, ROOT_KEY, Running, eventually, lacking, steps::event_types,
};
use berth_proto::{
    InstanceId, Kind,
    subject::{Partition, log_filter},
};
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

/// Shards of the log.
const SHARDS: u8 = 4;

fn shard_of(instance: &str) -> u8 {
    let id: InstanceId = instance.parse().expect("an id");
    Partition::of(id.as_bytes()).shard(SHARDS)
}

/// A server that takes no commit of an instance for the first shard of the log from the user `less`, and answers nothing to it.
fn without_the_first_shard() -> String {
    let of_first = Partition::all().filter(|partition| partition.shard(SHARDS) == 0);
    lacking(&of_first.map(|partition| log_filter(Kind::Instance, partition)).collect::<Vec<_>>())
}

/// Asks again and again for what cannot be decided. The answers come when the patience ends, or at once where there is no room.
async fn insist(client: Client, instance: String, refused: Arc<AtomicUsize>) {
    loop {
        let answer = command(&client, &instance, 0).await;
        match answer.status {
            429 => {
                assert_eq!(answer.header("retry-after"), "1");
                refused.fetch_add(1, Ordering::Relaxed);
            }
            503 => assert_eq!(answer.header("retry-after"), "2"),
            _ => panic!("nothing of it can be decided: {}", answer.text()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_of_the_log_that_stores_nothing_takes_nothing_of_the_others() {
    let server = ConfiguredServer::start(&lacking(&["nothing"])).await;
    let mut berth = start(Berth::on_nats_at(&server.url("less")).roles_in_processes()).await;
    let client = berth.client();
    let (mut stuck, mut well) = (Vec::new(), Vec::new());
    while stuck.len() < ROOM || well.is_empty() {
        let name = format!("shop-{}-{}", stuck.len(), well.len());
        let made = client.post("/v1/instances", json!({ "name": name })).await.expect(201);
        let id = made["id"].as_str().expect("an id").to_owned();
        if shard_of(&id) == 0 { stuck.push(id) } else { well.push(id) }
    }

    server.reload(&without_the_first_shard());
    // The server reads its configuration after the signal: until then everything is decided as before.
    eventually("nothing of the first shard is decided", async || {
        let answer = command(&client, &stuck[0], 0).await;
        if answer.status == 503 { Ok(()) } else { Err(answer.text()) }
    })
    .await;
    let refused = Arc::new(AtomicUsize::new(0));
    let mut insisting: JoinSet<()> =
        stuck.iter().map(|instance| insist(client.clone(), instance.clone(), Arc::clone(&refused))).collect();
    eventually("more is asked for than one shard may have", async || {
        let refused = refused.load(Ordering::Relaxed);
        if refused > 0 { Ok(()) } else { Err(refused) }
    })
    .await;
    for number in 0..CALM {
        command(&client, &well[number % well.len()], number / well.len()).await.expect(200);
    }
    let metrics = Client::new(client.base()).get("/metrics").await.text();
    assert!(!metrics.contains("berth_gateway_commands_refused_total{of=\"shard\"} 0"), "{metrics}");
    assert!(metrics.contains("berth_gateway_commands_refused_total{of=\"account\"} 0"), "{metrics}");
    if let Some(ended) = insisting.try_join_next() {
        ended.expect("each is refused in the same words");
    }
    insisting.shutdown().await;

    server.reload(&lacking(&["nothing"]));
    eventually("all of it is decided again", async || {
        let answer = command(&client, &stuck[0], 0).await;
        if answer.status == 200 { Ok(()) } else { Err(answer.text()) }
    })
    .await;
    assert!(event_types(&client, &stuck[0]).await.contains(&"ConnectRequested".to_owned()));
    berth.kill9();
}
