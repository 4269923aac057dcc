//! The outbox is built anew while notices are owed, wait and are on their way: nothing is sent twice, and nothing is lost.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use berth_log::{LogRead, SharedCommit};
use berth_proto::{
    CommitV2, EndpointId, Kind,
    delivery::SettlementV1,
    redelivery::{RedeliveryReplyV1, RedeliveryRequestV1},
};
use berth_runtime::Lifecycle;
use berth_views::{ApplyError, Asked, Rows, View, ViewOptions, ViewState};
use common::{DEADLINE, Receiver, Replica, World, quick, slow};

/// Waits until something is so.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    let waited = tokio::time::timeout(DEADLINE, async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what}");
}

/// The outbox of a dispatcher is built anew, and its new rows are read.
async fn built_anew(replica: &Replica) {
    let view = replica.handle.view();
    assert_eq!(view.rebuild(), Asked::Begun);
    until("it ends", || view.rebuilding().is_some_and(|rebuild| rebuild.ended.is_some())).await;
    assert_eq!(view.rebuilding().unwrap().ended.unwrap().failure, None);
}

/// The ids of notices as they came; none came twice.
fn ids_once(receiver: &Receiver) -> Vec<String> {
    let ids: Vec<_> = receiver.hits().iter().map(|hit| hit.id().to_owned()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{:?}", receiver.words());
    ids
}

#[tokio::test]
async fn what_waits_for_its_next_attempt_keeps_its_moment_and_its_place() {
    let (world, good, bad) = (World::new().await, Receiver::start().await, Receiver::start().await);
    bad.answer(503);
    let replica = world.replica_on_disk("a", slow()).await;
    world
        .create(vec![world.endpoint(1, "native", good.address), world.endpoint(2, "native", bad.address)])
        .await;
    world.link().await;
    bad.received(1).await;
    world.settled(2).await;

    tokio::join!(built_anew(&replica), world.lost());
    good.received(3).await;
    // What is committed behind the switch is told by the new rows.
    world.open().await;
    good.received(4).await;
    world.settled(4).await;
    ids_once(&good);
    assert_eq!(bad.hits().len(), 1, "its moment is hours away");

    // Somebody asks for it: all that the endpoint was not told comes, in its order.
    bad.answer(200);
    let asked = RedeliveryRequestV1::RetryNow { endpoint: EndpointId::from_bytes([2; 16]) };
    let RedeliveryReplyV1::Done { .. } = world.redeliver(asked).await else { panic!("it waits") };
    bad.received(5).await;
    assert_eq!(world.settled(8).await, [SettlementV1::Delivered; 8]);
    let (words, ids): (Vec<_>, Vec<_>) =
        bad.hits().iter().map(|hit| (hit.word().to_owned(), hit.id().to_owned())).unzip();
    assert_eq!(words[1..], good.words());
    assert_eq!(ids[0], ids[1], "it is the same notice at each attempt");
    assert_eq!(ids[1..].iter().collect::<BTreeSet<_>>().len(), 4);
}

#[tokio::test]
async fn a_notice_on_its_way_is_not_sent_again() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let replica = world.replica_on_disk("a", quick()).await;
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    until("it follows the log", || replica.handle.ready()).await;
    receiver.hold(true);
    world.link().await;
    receiver.received(1).await;
    built_anew(&replica).await;
    world.lost().await;
    receiver.hold(false);
    receiver.received(3).await;
    assert_eq!(world.settled(3).await, [SettlementV1::Delivered; 3]);
    assert_eq!(ids_once(&receiver).len(), 3);
}

#[tokio::test]
async fn what_was_settled_is_not_sent_again_and_a_logout_counts_while_it_is_built() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let replica = world.replica_on_disk("a", quick()).await;
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.link().await;
    world.settled(2).await;
    tokio::join!(built_anew(&replica), world.logout());
    receiver.received(3).await;
    world.settled(3).await;
    assert_eq!(receiver.words().last().unwrap(), "instance.logged_out");
    // A second time over rows that were built so.
    built_anew(&replica).await;
    world.connect().await;
    world.qr(1, 20).await;
    receiver.received(4).await;
    assert_eq!(ids_once(&receiver).len(), 4);
}

/// Rows of an outbox as a release would write them that has a fault: nothing is owed.
#[derive(Debug)]
struct OwesNothing;

impl View for OwesNothing {
    fn name(&self) -> &'static str {
        "outbox"
    }

    /// As that of the outbox: rows of another one would be built anew at the start.
    fn schema(&self) -> u32 {
        5
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Instance, Kind::Account, Kind::Delivery]
    }

    fn apply(&self, _: &SharedCommit, _: &CommitV2, _: &mut dyn Rows) -> Result<(), ApplyError> {
        Ok(())
    }

    fn quiet(&self) -> Arc<dyn View> {
        Arc::new(Self)
    }
}

#[tokio::test]
async fn what_wrong_rows_did_not_owe_is_sent_once_they_are_built_anew() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.link().await;
    let (life, log): (_, Arc<dyn LogRead>) = (Lifecycle::new(), world.log.clone());
    let (options, folder) = (ViewOptions::new(world.clock.clone()), world.data("a").join("webhooks"));
    let view = berth_views::open(log, &folder, Arc::new(OwesNothing), options, &life).await.unwrap();
    until("it has read the log", || view.state() == ViewState::Live).await;
    drop(view);
    assert!(life.shut_down().await);

    let replica = world.replica_on_disk("a", quick()).await;
    until("it follows the log", || replica.handle.ready()).await;
    assert!(receiver.hits().is_empty(), "nobody knows that it is owed");
    built_anew(&replica).await;
    receiver.received(2).await;
    assert_eq!(world.settled(2).await, [SettlementV1::Delivered; 2]);
    assert_eq!(ids_once(&receiver).len(), 2);
}
