//! Dispatchers that die and dispatchers that meet: nothing is lost, an id stays, one settles.

mod common;

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use berth_bus::{Grant, Holds, Lease, LeaseError, Leases, port::LeaseGuard};
use berth_proto::{
    CommitV2, Partition, StreamKey, codec,
    delivery::{DeliveryStateV1, SettlementV1},
};
use berth_webhooks::schedule::Schedule;
use common::{DEADLINE, Receiver, World, quick, slow};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::{
    sync::{oneshot, watch},
    time::Instant,
};

/// Leases that everybody holds at once, each with an epoch of its own: what a broken lease store would do. They are held
/// for as long as their `holds` says, and nobody is told when that ends.
#[derive(Debug)]
struct Careless {
    epoch: u64,
    holds: Arc<AtomicBool>,
    /// How often somebody asked.
    asked: AtomicUsize,
}

/// All of them.
const PARTITIONS: usize = 64;

impl Careless {
    fn new(epoch: u64) -> Self {
        Self { epoch, holds: Arc::new(AtomicBool::new(true)), asked: AtomicUsize::new(0) }
    }
}

impl Careless {
    /// Waits until somebody asked so often.
    async fn asked(&self, times: usize) {
        while self.asked.load(Ordering::SeqCst) < times {
            tokio::task::yield_now().await;
        }
    }
}

#[async_trait]
impl Leases for Careless {
    async fn hold(&self, _: Lease) -> Result<Grant, LeaseError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let (guard, _) = oneshot::channel();
        let (lost, receiver) = watch::channel(false);
        // Kept for ever, so that the lease is never lost.
        std::mem::forget(lost);
        let holds = self.holds.clone();
        let holds = Holds::new(move || holds.load(Ordering::SeqCst));
        Ok(Grant { epoch: self.epoch, holds, lost: receiver, guard: LeaseGuard(guard) })
    }
}

/// Leases that are held until all of them are lost, for good.
#[derive(Debug, Default)]
struct Fleeting {
    lost: watch::Sender<bool>,
}

#[async_trait]
impl Leases for Fleeting {
    async fn hold(&self, _: Lease) -> Result<Grant, LeaseError> {
        if *self.lost.borrow() {
            std::future::pending::<()>().await;
        }
        let (guard, _) = oneshot::channel();
        let lost = self.lost.subscribe();
        let holds = Holds::new({
            let lost = lost.clone();
            move || !*lost.borrow()
        });
        Ok(Grant { epoch: 1, holds, lost, guard: LeaseGuard(guard) })
    }
}

#[tokio::test]
async fn who_lost_its_lease_tells_of_nothing_that_waits() {
    let metrics = PrometheusBuilder::new().install_recorder().unwrap();
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let leases = Arc::new(Fleeting::default());
    let _replica = world.replica_with_leases("a", slow(), leases.clone()).await;
    let told = async |expected: &[&str]| {
        let shown = tokio::time::timeout(DEADLINE, async {
            while !expected.iter().all(|line| metrics.render().lines().any(|shown| shown == *line)) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        assert!(shown.await.is_ok(), "{expected:?} in {}", metrics.render());
    };
    receiver.answer_once(500, &[]);
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.link().await;
    receiver.received(1).await;
    told(&["berth_webhook_owed 2", "berth_webhook_partitions 64"]).await;
    assert!(!metrics.render().contains("berth_webhook_oldest_seconds 0\n"));
    // It is the attempt of another instance that is under way when it loses everything.
    let other = world.beside().await;
    other.create(vec![other.endpoint(2, "native", receiver.address)]).await;
    receiver.hold(true);
    other.link().await;
    receiver.received(2).await;
    told(&["berth_webhook_in_flight{try=\"first\"} 1"]).await;
    leases.lost.send_replace(true);
    told(&[
        "berth_webhook_owed 0",
        "berth_webhook_in_flight{try=\"first\"} 0",
        "berth_webhook_in_flight{try=\"later\"} 0",
        "berth_webhook_oldest_seconds 0",
        "berth_webhook_partitions 0",
        "berth_webhook_breakers_open 0",
    ])
    .await;
    receiver.hold(false);
}

#[tokio::test]
async fn a_crash_between_sending_and_settling_repeats_the_notice_under_its_id() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let first = world.replica("a", slow()).await;
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    receiver.hold(true);
    world.link().await;
    receiver.received(1).await;
    first.crash().await;
    receiver.hold(false);
    assert!(world.settlements().await.is_empty());
    // The same replica comes back and finds an attempt whose fate is unknown.
    let again = world.replica("a", slow()).await;
    let hits = receiver.received(3).await;
    world.settled(2).await;
    let linked: HashSet<&str> =
        hits.iter().filter(|hit| hit.word() == "instance.linked").map(common::Hit::id).collect();
    assert_eq!((linked.len(), receiver.words().last().unwrap().as_str()), (1, "instance.open"));
    assert_eq!(world.settlements().await[0].attempts, 2);
    again.crash().await;
}

#[tokio::test]
async fn another_replica_goes_on_where_the_first_one_died() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let first = world.replica("a", slow()).await;
    let _second = world.replica("b", slow()).await;
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.link().await;
    world.settled(2).await;
    first.crash().await;
    world.logout().await;
    receiver.received(3).await;
    let outcomes = world.settled(3).await;
    assert_eq!(outcomes, [SettlementV1::Delivered; 3]);
    assert_eq!(receiver.words(), ["instance.linked", "instance.open", "instance.logged_out"]);
}

#[tokio::test]
async fn a_dispatcher_with_an_older_epoch_settles_nothing_any_more() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let old = world.replica_with_leases("a", quick(), Arc::new(Careless::new(1))).await;
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.link().await;
    world.settled(2).await;
    // The older one is in the middle of an attempt when the newer one takes the partition over.
    receiver.hold(true);
    world.logout().await;
    receiver.received(3).await;
    let new = world.replica_with_leases("b", quick(), Arc::new(Careless::new(2))).await;
    receiver.received(4).await;
    receiver.hold(false);
    world.settled(3).await;
    let stream = StreamKey::delivery(Partition::of(world.instance.as_bytes()));
    let mut epochs = Vec::new();
    for stored in world.log.read(&stream, 0, 100).await.unwrap() {
        let commit: CommitV2 = codec::decode(&stored.payload).unwrap();
        epochs.push(commit.full_state().unwrap().open::<DeliveryStateV1>().unwrap().epoch);
    }
    assert!(epochs.is_sorted() && epochs.last() == Some(&2), "{epochs:?}");
    let hits = receiver.hits();
    assert_eq!(hits[2].id(), hits[3].id());
    assert_eq!(world.settlements().await.len(), 3);
    let report = berth_log::verify(world.log.as_ref(), &stream).await.unwrap();
    assert!(report.fault.is_none(), "{report:?}");
    old.crash().await;
    new.crash().await;
}

#[tokio::test]
async fn a_stop_finishes_what_is_in_flight() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let replica = world.replica("a", slow()).await;
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    receiver.hold(true);
    world.link().await;
    receiver.received(1).await;
    let stopping = replica.lifecycle.shut_down();
    receiver.hold(false);
    assert!(stopping.await);
    assert_eq!(world.settled(1).await[0], SettlementV1::Delivered);
    assert_eq!(receiver.words(), ["instance.linked"]);
}

#[tokio::test]
async fn whose_lease_has_ended_sends_nothing_also_before_it_is_told() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let leases = Arc::new(Careless::new(1));
    let _replica = world.replica_with_leases("a", quick(), leases.clone()).await;
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    leases.asked(PARTITIONS).await;
    leases.holds.store(false, Ordering::SeqCst);
    world.link().await;
    // It has found out, and asks for the partition anew.
    leases.asked(PARTITIONS + 1).await;
    assert!(receiver.hits().is_empty() && world.settlements().await.is_empty());
    leases.holds.store(true, Ordering::SeqCst);
    receiver.received(2).await;
    assert_eq!(world.settled(2).await, [SettlementV1::Delivered; 2]);
    assert_eq!(world.settlements().await[0].attempts, 1, "what was held back uses up no attempt");
}

#[tokio::test]
async fn an_owner_that_was_suspended_neither_sends_nor_settles_when_it_goes_on() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let former = Arc::new(Careless::new(1));
    let old = world.replica_with_leases("a", quick(), former.clone()).await;
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.link().await;
    world.settled(2).await;
    receiver.hold(true);
    world.logout().await;
    receiver.received(3).await;
    // Another one owns the partition meanwhile. The answer finds the former owner awake, and not told of anything.
    former.holds.store(false, Ordering::SeqCst);
    receiver.hold(false);
    let new = world.replica_with_leases("b", quick(), Arc::new(Careless::new(2))).await;
    world.settled(3).await;
    world.link().await;
    world.settled(5).await;
    let hits = receiver.hits();
    assert_eq!((hits.len(), hits[2].id()), (6, hits[3].id()), "what was under way once more, the rest once");
    assert_eq!(world.settlements().await.len(), 5);
    old.crash().await;
    new.crash().await;
}

#[tokio::test]
async fn a_disconnection_waits_for_an_attempt_that_a_former_owner_may_still_make() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let lived = Schedule { attempt_max: Duration::from_secs(2), ..slow() };
    let former = world.replica_with_leases("a", slow(), Arc::new(Careless::new(1))).await;
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    receiver.hold(true);
    world.link().await;
    receiver.received(1).await;
    // Its successor reads what it noted from the same folder, as a restart does; it says nothing of its end.
    former.crash().await;
    world.logout().await;
    let begun = Instant::now();
    let _next = world.replica_with_leases("a", lived, Arc::new(Careless::new(2))).await;
    receiver.hold(false);
    receiver.received(2).await;
    assert!(begun.elapsed() >= Duration::from_secs(2), "nothing older can come after it");
    assert_eq!(receiver.words().last().unwrap(), "instance.logged_out");
    assert_eq!(world.settled(3).await[2], SettlementV1::Delivered);
}
