//! What an account is told of its endpoints: failing, exhausted, disabled, recovered, each once.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod common;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use berth_bus::{
    Bus,
    nats::{NatsRelay, connect},
};
use berth_log::{
    AppendError, Appended, EventLog, Expected, NewCommit,
    jetstream::{JetStreamLog, JetStreamOptions},
    memory::MemoryLog,
};
use berth_proto::{
    CommitV2, EndpointId, Kind, Partition, StreamKey, WriteVersion, codec,
    command::Command,
    commit::{OutcomeCodeV1, OutcomeV1},
    deliveries::{DeliveriesReplyV1, DeliveriesRequestV1},
    delivery::{DeliveryEvent, EndpointStandingV1},
    frame::{AcceptedV1, CommandReplyV1, CommandRequestV2, TargetV1},
    instance::WebhookV1,
    subject::Decider,
};
use berth_test_support::{Doubled, LogDouble, NatsServer};
use berth_webhooks::{schedule::Schedule, signing::Secret};
use common::{ACCOUNT, DEADLINE, Receiver, Replica, SECRET, World, quick};
use futures::StreamExt;

/// The endpoint that is told.
const TOLD: EndpointId = EndpointId::from_bytes([7; 16]);

/// A log that takes the first report and loses its answer.
#[derive(Debug)]
struct Mute {
    inner: MemoryLog,
    /// Whether the answer was lost.
    has_lost: AtomicBool,
    /// Whether it takes that report only when the next one comes, and what it has not taken yet.
    is_late: bool,
    held: Mutex<Option<(NewCommit, Expected)>>,
}

#[async_trait]
impl LogDouble for Mute {
    fn beneath(&self) -> &dyn EventLog {
        &self.inner
    }

    async fn append(&self, commit: NewCommit, expected: Expected) -> Result<Appended, AppendError> {
        let stream = commit.stream;
        let is_report = stream.kind() == Kind::Delivery && !standings(&commit.payload).is_empty();
        if is_report && !self.has_lost.swap(true, Ordering::SeqCst) {
            if self.is_late {
                *self.held.lock().unwrap() = Some((commit, expected));
            } else {
                self.inner.append(commit, expected).await?;
            }
            return Err(AppendError::Unknown { stream, source: "the answer was lost".into() });
        }
        let late = if is_report { self.held.lock().unwrap().take() } else { None };
        if let Some((commit, expected)) = late {
            self.inner.append(commit, expected).await?;
        }
        self.inner.append(commit, expected).await
    }
}

/// What a commit reports.
fn standings(payload: &[u8]) -> Vec<EndpointStandingV1> {
    let commit: CommitV2 = codec::decode(payload).unwrap();
    let events = commit.events.iter().map(|record| DeliveryEvent::from_record(record).unwrap());
    let reported = events.filter_map(|event| match event {
        DeliveryEvent::EndpointReported(event) => Some(event),
        _ => None,
    });
    reported.inspect(|event| assert_eq!(event.account, ACCOUNT)).map(|event| event.standing).collect()
}

/// What was reported, in order.
async fn reported(world: &World) -> Vec<EndpointStandingV1> {
    let stream = StreamKey::delivery(Partition::of(ACCOUNT.as_bytes()));
    let stored = world.log.read(&stream, 0, 1_000).await.unwrap();
    stored.iter().flat_map(|stored| standings(&stored.payload)).collect()
}

/// Waits until just this was told.
async fn until_told(receiver: &Receiver, words: &[&str]) {
    let told = || {
        let mut seen = std::collections::BTreeSet::new();
        let hits = receiver.hits().into_iter().filter(|hit| seen.insert(hit.id().to_owned()));
        hits.map(|hit| hit.word().to_owned()).collect::<Vec<_>>()
    };
    let waited = tokio::time::timeout(DEADLINE, async {
        while told().len() < words.len() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let _late = waited.await;
    assert_eq!(told(), words);
}

/// An endpoint of the account that wants to know how endpoints fare, and nothing of instances.
async fn watch(world: &World, watcher: &Receiver) -> WebhookV1 {
    let events = vec!["endpoint.*".to_owned()];
    let told = world.endpoint_of_account(7, "native", watcher.address).await;
    let told = WebhookV1 { events, ..told };
    world.account_has(std::slice::from_ref(&told)).await;
    told
}

/// Few tries, a moment apart, and no breaker that somebody lives to see.
fn short() -> Schedule {
    Schedule { delays: vec![Duration::from_millis(20); 7], ..quick() }
}

/// An endpoint fails until something is given up, recovers, and fails again; dispatchers die between any two of these.
async fn from_the_first_failure_to_the_next(world: World) {
    let (receiver, watcher) = (Receiver::start().await, Receiver::start().await);
    watch(&world, &watcher).await;
    let mut replicas = vec![world.replica("a", short()).await, world.replica("b", short()).await];
    let restart = async |replicas: &mut Vec<Replica>, name| {
        replicas.remove(0).crash().await;
        replicas.push(world.replica(name, short()).await);
    };
    receiver.answer(500);
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.connect().await;
    world.linked().await;
    until_told(&watcher, &["endpoint.failing", "endpoint.exhausted"]).await;
    restart(&mut replicas, "a").await;
    world.open().await;
    world.settled(2).await;
    restart(&mut replicas, "b").await;
    receiver.answer(200);
    world.lost().await;
    until_told(&watcher, &["endpoint.failing", "endpoint.exhausted", "endpoint.recovered"]).await;
    restart(&mut replicas, "a").await;
    world.open().await;
    world.settled(4).await;
    let hits = watcher.hits();
    let first = &hits[0];
    let data = &first.body["data"];
    assert_eq!(data["account"], ACCOUNT.to_string());
    assert_eq!(data["webhook"], EndpointId::from_bytes([1; 16]).to_string());
    assert_eq!(data["instance"], world.instance.to_string());
    assert!(data["failures"].as_u64().unwrap() >= 4 && data["since"].is_string(), "{data}");
    assert_eq!(first.header("authorization"), "Bearer ours");
    let timestamp = first.header("webhook-timestamp").parse().unwrap();
    let signature = Secret::parse(SECRET).unwrap().sign(first.id(), timestamp, &first.bytes);
    assert_eq!(first.header("webhook-signature"), signature);
    let once = [EndpointStandingV1::Failing, EndpointStandingV1::Exhausted, EndpointStandingV1::Recovered];
    assert_eq!(reported(&world).await, once, "each of them");
}

#[tokio::test]
async fn an_account_is_told_once_how_an_endpoint_fares() {
    let server = NatsServer::start().await;
    let client = connect(&server.url(), None, "webhooks").await.unwrap();
    let relay = Arc::new(NatsRelay::open(client, 1).await.unwrap());
    from_the_first_failure_to_the_next(World::new().await.with_relay(relay)).await;
}

#[tokio::test]
async fn on_nats_an_account_is_told_once_how_an_endpoint_fares() {
    let server = NatsServer::start().await;
    let client = connect(&server.url(), None, "webhooks").await.unwrap();
    let relay = Arc::new(NatsRelay::open(client.clone(), 1).await.unwrap());
    let log = JetStreamLog::open(client, JetStreamOptions { shards: 4, replicas: 1 }).await.unwrap();
    from_the_first_failure_to_the_next(World::with_log(Arc::new(log)).await.with_relay(relay)).await;
}

#[tokio::test]
async fn nobody_is_told_of_himself_and_nothing_is_noted_where_nobody_listens() {
    let (world, receiver, watcher) = (World::new().await, Receiver::start().await, Receiver::start().await);
    let _replica = world.replica("a", short()).await;
    receiver.answer(500);
    // It hears everything, and is the one that fails.
    let failing = world.endpoint_of_account(1, "native", receiver.address).await;
    world.account_has(std::slice::from_ref(&failing)).await;
    world.create(Vec::new()).await;
    world.link().await;
    world.settled(2).await;
    assert_eq!(reported(&world).await, []);
    // Somebody who comes later is told once there is news again.
    let told = watch(&world, &watcher).await;
    world.account_has(&[failing, told]).await;
    receiver.answer(200);
    world.lost().await;
    world.settled(3).await;
    assert_eq!(reported(&world).await, [], "a recovery of which nobody knew that it was needed");
    receiver.answer(500);
    world.open().await;
    until_told(&watcher, &["endpoint.failing", "endpoint.exhausted"]).await;
    assert!(receiver.hits().iter().all(|hit| hit.word().starts_with("instance.")));
    // It is in its list of deliveries, and about no instance.
    let of_endpoint = || DeliveriesRequestV1::OfEndpoint { endpoint: TOLD, page: World::everything() };
    let listed = tokio::time::timeout(DEADLINE, async {
        loop {
            let DeliveriesReplyV1::Page { deliveries, .. } = world.deliveries(of_endpoint()).await else {
                panic!()
            };
            if deliveries.len() == 2 {
                return deliveries;
            }
        }
    });
    let listed = listed.await.unwrap();
    assert!(listed.iter().all(|one| one.class == berth_proto::delivery::NoticeClass::Operational));
    let (all, _) = world.page(World::everything()).await;
    assert!(all.iter().all(|one| one.notice.endpoint != TOLD), "it is no delivery of an instance");
}

#[tokio::test]
async fn nothing_is_reported_before_every_release_of_the_deployment_reads_a_report() {
    let (world, receiver, watcher) = (World::new().await, Receiver::start().await, Receiver::start().await);
    let world = world.with_write_version(WriteVersion::new(2).unwrap());
    let earlier = world.replica("a", short()).await;
    watch(&world, &watcher).await;
    receiver.answer(500);
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.link().await;
    world.settled(2).await;
    assert_eq!(reported(&world).await, []);
    earlier.crash().await;
    let world = world.with_write_version(WriteVersion::NEWEST);
    let _later = world.replica("b", short()).await;
    world.lost().await;
    until_told(&watcher, &["endpoint.failing", "endpoint.exhausted"]).await;
    assert_eq!(reported(&world).await, [EndpointStandingV1::Failing, EndpointStandingV1::Exhausted]);
}

#[tokio::test]
async fn a_report_whose_answer_is_lost_is_made_once() {
    once_although_the_answer_is_lost(false).await;
}

#[tokio::test]
async fn a_report_that_is_stored_late_is_not_made_once_more() {
    once_although_the_answer_is_lost(true).await;
}

async fn once_although_the_answer_is_lost(is_late: bool) {
    let log = Mute { inner: MemoryLog::new(4), has_lost: false.into(), is_late, held: Mutex::default() };
    let (world, receiver, watcher) =
        (World::with_log(Arc::new(Doubled(log))).await, Receiver::start().await, Receiver::start().await);
    // It fails for longer than it takes to find out what came of the first report.
    let mut delays = vec![Duration::from_millis(20); 3];
    delays.push(Duration::from_secs(2));
    let _replica = world.replica("a", Schedule { delays, ..short() }).await;
    watch(&world, &watcher).await;
    receiver.answer(500);
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.connect().await;
    world.linked().await;
    until_told(&watcher, &["endpoint.failing", "endpoint.exhausted"]).await;
    assert_eq!(reported(&world).await, [EndpointStandingV1::Failing, EndpointStandingV1::Exhausted]);
}

#[tokio::test]
async fn one_that_asked_to_be_disabled_is_reported_as_that() {
    let (world, receiver, watcher) = (World::new().await, Receiver::start().await, Receiver::start().await);
    let _replica = world.replica("a", short()).await;
    let mut commands = world.bus.serve(Decider::Owner.filter(), "session-aggregate").await.unwrap();
    watch(&world, &watcher).await;
    receiver.answer(410);
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.connect().await;
    world.linked().await;
    let request = commands.next().await.unwrap();
    let asked: CommandRequestV2 = codec::decode(&request.payload).unwrap();
    let TargetV1::Instance { instance, command } = asked.target else { panic!("{asked:?}") };
    world.command(Command::from_record(&command).unwrap()).await;
    let outcome = OutcomeV1 { code: OutcomeCodeV1::Applied, attempt: 0, endpoint: None };
    let accepted =
        AcceptedV1 { stream_id: instance.into(), outcome, replayed: false, version: 0, state: command };
    request.reply.send(codec::encode(&CommandReplyV1::Accepted(accepted)).unwrap().into());
    until_told(&watcher, &["endpoint.disabled"]).await;
    assert_eq!(reported(&world).await, [EndpointStandingV1::Disabled]);
}
