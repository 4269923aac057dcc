//! The durable public feed: whoever was away misses nothing, and is told if it was away too long.

use async_nats::jetstream::{self, consumer::PullConsumer};
use berth_journeys::{Berth, Client, DEADLINE, Process, ROOT_KEY, Running, eventually, steps};
use berth_test_support::NatsServer;
use futures::{StreamExt, future::join_all};
use serde_json::{Value, json};
use tokio::time::Instant;

/// The instances of the story.
const INSTANCES: usize = 8;
/// Events that a reader asks for at once.
const BATCH: usize = 500;

fn name(number: usize) -> String {
    format!("i{number}")
}

/// A subscriber with a durable consumer.
struct Subscriber {
    reader: PullConsumer,
    /// Ids of all events that it ever got, in their order.
    ids: Vec<String>,
    /// The sequence of the last of them.
    last: u64,
}

impl Subscriber {
    async fn of(server: &NatsServer, account: &str) -> Self {
        let context = jetstream::new(async_nats::connect(server.url()).await.unwrap());
        let reader = context.get_consumer_from_stream(format!("{account}-1"), "BERTH_EVENTS").await.unwrap();
        Self { reader, ids: Vec::new(), last: 0 }
    }

    /// Reads what there is.
    async fn read(&mut self) {
        let mut messages = self.reader.fetch().max_messages(BATCH).messages().await.unwrap();
        while let Some(message) = messages.next().await {
            let message = message.unwrap();
            let event: Value = serde_json::from_slice(&message.payload).unwrap();
            assert_eq!(event["id"], message.headers.as_ref().unwrap().get("Nats-Msg-Id").unwrap().as_str());
            self.ids.push(event["id"].as_str().unwrap().to_owned());
            self.last = message.info().unwrap().stream_sequence;
            message.double_ack().await.unwrap();
        }
    }

    /// Reads until it has everything that happened, each event once, those of an instance in their order.
    async fn has_everything(&mut self, client: &Client) {
        for number in 0..INSTANCES {
            let wanted = ids(client, &name(number)).await;
            let instance = wanted[0].split('-').next().unwrap().to_owned();
            let deadline = Instant::now() + DEADLINE;
            while self.ids_of(&instance).len() < wanted.len() && Instant::now() < deadline {
                self.read().await;
            }
            assert_eq!(self.ids_of(&instance), wanted);
        }
    }

    fn ids_of(&self, instance: &str) -> Vec<String> {
        self.ids.iter().filter(|id| id.starts_with(instance)).cloned().collect()
    }
}

/// The ids that the events of an instance have in public.
async fn ids(client: &Client, name: &str) -> Vec<String> {
    let shown = client.get(&format!("/v1/instances/{name}")).await.expect(200);
    let (mut ids, mut before) = (Vec::new(), (0, 0));
    for event in steps::events(client, name).await {
        let version = event["version"].as_u64().unwrap();
        before = if version == before.0 { (version, before.1 + 1) } else { (version, 0) };
        ids.push(format!("{}-{version}-{}", shown["id"].as_str().unwrap(), before.1));
    }
    ids
}

/// Every instance is linked and logged out again.
async fn work(client: &Client) {
    join_all((0..INSTANCES).map(async |number| {
        steps::link(client, &name(number)).await;
        let path = format!("/v1/instances/{}/logout", name(number));
        client.post(&path, json!({ "wait": "unlinked" })).await.expect(200);
    }))
    .await;
}

/// Waits until so many replicas publish, all partitions between them.
async fn all_are_owned(client: &Client, replicas: usize) {
    eventually("each partition has its owner", async || {
        let shown = client.token(ROOT_KEY).get("/v1/cluster").await.expect(200);
        let roles = shown["roles"].as_array().unwrap().clone();
        let role = roles.into_iter().find(|role| role["role"] == "projections").unwrap();
        if role["members"] == replicas && role["partitions_owned"] == 64 { Ok(()) } else { Err(role) }
    })
    .await;
}

/// Makes the reader of the account `default`, and gives the account's id.
async fn provisioned(berth: &Running) -> String {
    let account = berth.client().get("/v1/whoami").await.expect(200)["account"]["id"].clone();
    let account = account.as_str().unwrap().to_owned();
    let mut process: Process = berth.run(&["provision", "--account", &account]);
    assert!(process.ended().await.success(), "{}", process.stderr());
    account
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_away_misses_nothing_and_is_told_if_it_was_away_too_long() {
    let server = NatsServer::start().await;
    let berth = Berth::on_nats(&server).roles_in_processes().one_more("projections").time_scale(20);
    let mut berth = berth.start().await;
    let client = berth.client();
    for number in 0..INSTANCES {
        client.post("/v1/instances", json!({ "name": name(number) })).await.expect(201);
    }
    all_are_owned(&client, 2).await;
    let account = provisioned(&berth).await;
    let mut subscriber = Subscriber::of(&server, &account).await;
    work(&client).await;
    subscriber.has_everything(&client).await;

    // While it is away an owner is killed, and then everybody who publishes.
    let (_, mut killed) = (work(&client).await, berth.take_one("projections"));
    killed.kill9();
    work(&client).await;
    berth.kill9_role("projections");
    work(&client).await;
    berth.restart_role("projections").await;
    let mut subscriber = Subscriber { ids: subscriber.ids, ..Subscriber::of(&server, &account).await };
    subscriber.has_everything(&client).await;
    let all = subscriber.ids.len();
    let feed = client.get(&format!("/v1/events/feed?after={}", subscriber.last)).await.expect(200);
    assert_eq!(feed["missed"], false, "{feed}");
    assert_eq!(feed["subject"], format!("berth.v1.events.{account}.*"));

    // The server has room for a few events only: what it dropped is told, and stands in the histories.
    let context = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let mut config = context.get_stream("BERTH_EVENTS").await.unwrap().cached_info().config.clone();
    config.max_messages = 5;
    context.update_stream(config).await.unwrap();
    work(&client).await;
    let last = (0..INSTANCES).map(async |number| ids(&client, &name(number)).await.len());
    let happened: usize = join_all(last).await.into_iter().sum();
    eventually("everything was published", async || {
        let feed = client.get("/v1/events/feed").await.expect(200);
        if feed["last"] == happened { Ok(()) } else { Err(feed) }
    })
    .await;
    let feed = client.get(&format!("/v1/events/feed?after={}", subscriber.last)).await.expect(200);
    assert_eq!(feed["missed"], true, "{feed}");
    subscriber.read().await;
    assert_eq!(subscriber.ids.len(), all + 5);
    let feed = client.get(&format!("/v1/events/feed?after={}", subscriber.last)).await.expect(200);
    assert_eq!((&feed["missed"], &feed["first"]), (&json!(false), &json!(happened - 4)), "{feed}");
    assert!(berth.stop().await.iter().all(|code| *code == Some(0)));
}
