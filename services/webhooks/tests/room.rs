//! More is owed than there is room for in memory: it waits in the outbox, and is told in its order all the same.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::collections::BTreeSet;

use berth_bus::Bus;
use berth_proto::{
    EndpointId,
    delivery::SettlementV1,
    instance::WebhookV1,
    redelivery::{RedeliveryReplyV1, RedeliveryRequestV1},
    subject::last_words_subject,
};
use berth_webhooks::{
    Room,
    last_words::key_owner,
    schedule::{BreakerRule, Schedule},
};
use bytes::Bytes;
use common::{DEADLINE, Hit, Receiver, World, quick, slow};

/// Ups and downs of a connection, of which each is told.
const TIMES: usize = 12;
/// So many that one read for each would take longer than a story does.
const MANY: usize = 1_500;

/// An instance of which so much waits for an endpoint that takes nothing.
async fn waiting(world: &World, receiver: &Receiver, times: usize) {
    receiver.answer(503);
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.link().await;
    for _ in 0..times {
        world.lost().await;
        world.open().await;
    }
    receiver.received(1).await;
}

/// Each was told once by the time that it was taken, and in order.
fn in_order(hits: &[Hit]) {
    let ids: Vec<_> = hits.iter().map(Hit::id).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    let versions: Vec<_> =
        hits.iter().map(|hit| hit.body.pointer("/data/version").unwrap().as_u64().unwrap()).collect();
    assert!(versions.is_sorted(), "{versions:?}");
}

#[tokio::test]
async fn after_an_outage_all_of_a_long_lane_comes_in_its_order() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", quick()).await;
    waiting(&world, &receiver, TIMES).await;
    receiver.answer(200);
    let all = 2 + 2 * TIMES;
    assert_eq!(world.settled(all).await, vec![SettlementV1::Delivered; all]);
    let hits = receiver.hits();
    in_order(&hits[hits.len() - all + 1..]);
}

#[tokio::test]
async fn another_owner_goes_on_in_a_long_lane() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let replica = world.replica("a", slow()).await;
    waiting(&world, &receiver, TIMES).await;
    replica.crash().await;
    receiver.answer(200);
    let _other = world.replica("b", quick()).await;
    let all = 2 + 2 * TIMES;
    assert_eq!(world.settled(all).await, vec![SettlementV1::Delivered; all]);
    in_order(&receiver.hits()[1..]);
}

#[tokio::test]
async fn a_logout_cancels_what_waits_in_the_outbox_alone() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", slow()).await;
    waiting(&world, &receiver, TIMES).await;
    receiver.answer(200);
    world.logout().await;
    receiver.received(2).await;
    assert_eq!(receiver.words(), ["instance.linked", "instance.logged_out"]);
    let outcomes = world.settled(3 + 2 * TIMES).await;
    let (end, cancelled) = outcomes.split_last().unwrap();
    assert_eq!(*end, SettlementV1::Delivered);
    assert!(cancelled.iter().all(|outcome| *outcome == SettlementV1::CancelledByLogout), "{cancelled:?}");
}

#[tokio::test]
async fn a_logout_behind_thousands_is_told_without_reading_them_one_by_one() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", slow()).await;
    waiting(&world, &receiver, MANY).await;
    receiver.answer(200);
    world.logout().await;
    receiver.received(2).await;
    assert_eq!(receiver.words(), ["instance.linked", "instance.logged_out"]);
    assert_eq!(world.settled(3 + 2 * MANY).await.last(), Some(&SettlementV1::Delivered));
}

#[tokio::test]
async fn the_last_word_is_told_behind_a_long_lane_and_what_it_needed_is_erased() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", slow()).await;
    waiting(&world, &receiver, TIMES).await;
    receiver.answer(200);
    world.delete().await;
    world.bus.request(&last_words_subject(world.instance), Bytes::new(), DEADLINE).await.unwrap();
    world.keys.destroy(world.instance.as_bytes()).await.unwrap();
    receiver.received(2).await;
    assert_eq!(receiver.words(), ["instance.linked", "instance.deleted"]);
    world.settled(3 + 2 * TIMES).await;
    assert!(world.delivery_keys.key(&key_owner(world.instance)).await.unwrap().is_none());
}

#[tokio::test]
async fn what_waits_in_the_outbox_alone_is_tried_now_too() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", slow()).await;
    waiting(&world, &receiver, TIMES).await;
    receiver.answer(200);
    let asked = RedeliveryRequestV1::RetryNow { endpoint: EndpointId::from_bytes([1; 16]) };
    // Nothing is put off before it is known that the first one was not taken.
    while world.redeliver(asked.clone()).await == (RedeliveryReplyV1::Done { deliveries: 0, more: false }) {}
    let all = 2 + 2 * TIMES;
    assert_eq!(world.settled(all).await, vec![SettlementV1::Delivered; all]);
    in_order(&receiver.hits()[1..]);
}

#[tokio::test]
async fn a_lane_that_takes_nothing_keeps_none_from_another_instance() {
    let (mut world, dead, receiver) = (World::new().await, Receiver::start().await, Receiver::start().await);
    world.room = Room { notices_max: 2, besides_max: 0, ..world.room };
    let _replica = world.replica("a", slow()).await;
    waiting(&world, &dead, TIMES).await;
    let healthy = world.beside().await;
    healthy.create(vec![healthy.endpoint(1, "native", receiver.address)]).await;
    healthy.link().await;
    for _ in 0..TIMES {
        healthy.lost().await;
        healthy.open().await;
    }
    let all = 2 + 2 * TIMES;
    assert_eq!(healthy.settled(all).await, vec![SettlementV1::Delivered; all]);
    in_order(&receiver.hits());
}

#[tokio::test]
async fn instances_that_find_no_room_are_told_once_there_is_some() {
    let (mut world, dead, receiver) = (World::new().await, Receiver::start().await, Receiver::start().await);
    world.room = Room { notices_max: 1, besides_max: 0, ..world.room };
    let _replica = world.replica("a", quick()).await;
    waiting(&world, &dead, TIMES).await;
    let other = world.beside().await;
    other.create(vec![other.endpoint(1, "native", receiver.address)]).await;
    other.link().await;
    dead.answer(200);
    assert_eq!(other.settled(2).await, [SettlementV1::Delivered; 2]);
    in_order(&receiver.hits());
}

#[tokio::test]
async fn the_last_word_to_an_endpoint_that_found_no_room_is_told_when_the_other_one_was() {
    let (mut world, receiver) = (World::new().await, Receiver::start().await);
    let (other, dead) = (Receiver::start().await, Receiver::start().await);
    world.room = Room { lane_max: 2, short_from: 100, notices_max: 2, besides_max: 0, ..common::SHORT };
    for hangs in [&receiver, &dead] {
        hangs.hold(true);
    }
    let _replica = world.replica("a", quick()).await;
    let to = |number, address, events: &[&str]| WebhookV1 {
        events: events.iter().map(ToString::to_string).collect(),
        ..world.endpoint(number, "native", address)
    };
    let endpoints = vec![
        to(1, receiver.address, &["instance.linked", "instance.deleted"]),
        to(2, other.address, &["instance.deleted"]),
    ];
    world.create(endpoints).await;
    world.link().await;
    receiver.received(1).await;
    // With this one the memory is full, for as long as its host hangs.
    instances(&world, &dead, 1).await;
    dead.received(1).await;
    world.delete().await;
    world.bus.request(&last_words_subject(world.instance), Bytes::new(), DEADLINE).await.unwrap();
    world.keys.destroy(world.instance.as_bytes()).await.unwrap();
    receiver.hold(false);
    receiver.received(2).await;
    other.received(1).await;
    assert_eq!(
        (receiver.words().pop(), other.words()),
        (Some("instance.deleted".into()), vec!["instance.deleted".into()])
    );
    assert_eq!(world.settled(3).await, [SettlementV1::Delivered; 3]);
    assert!(world.delivery_keys.key(&key_owner(world.instance)).await.unwrap().is_none());
}

/// Instances that a host which never answers is to be told of: more than it has attempts at once.
const STUCK: usize = 24;
/// Room for those attempts and a few that wait for their turn.
const SMALL: Room = Room { notices_max: 20, besides_max: 0, ..common::SHORT };

/// So many instances that something waits for, at one endpoint each.
async fn instances(world: &World, receiver: &Receiver, count: usize) -> Vec<World> {
    let mut instances = Vec::new();
    for _ in 0..count {
        let one = world.beside().await;
        one.create(vec![one.endpoint(1, "mega", receiver.address)]).await;
        one.link().await;
        instances.push(one);
    }
    instances
}

#[tokio::test]
async fn hosts_that_hang_keep_nobody_else_out_of_a_full_memory() {
    let (mut world, dead, receiver) = (World::new().await, Receiver::start().await, Receiver::start().await);
    world.room = SMALL;
    dead.hold(true);
    let _replica = world.replica("a", slow()).await;
    instances(&world, &dead, STUCK).await;
    dead.received(16).await;
    let healthy = instances(&world, &receiver, 2).await;
    for one in healthy {
        assert_eq!(one.settled(1).await, [SettlementV1::Delivered]);
    }
}

#[tokio::test]
async fn instances_that_are_away_are_told_of_their_end_by_whoever_owns_them_then() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    receiver.answer(503);
    let breaker = BreakerRule { failures: 1_000, ..slow().breaker };
    let rule = Schedule { breaker, ..slow() };
    let first = world.replica("a", rule.clone()).await;
    let all = instances(&world, &receiver, STUCK).await;
    receiver.received(STUCK).await;
    // It takes half of them over, and the rest when the other one is gone.
    let _second = world.replica("b", rule).await;
    receiver.answer(200);
    for (number, one) in all.iter().enumerate() {
        if number == STUCK / 2 {
            first.lifecycle.shut_down().await;
        }
        one.logout().await;
        // Where a former owner tried is not known here: what is new to an owner is tried at once.
        assert_eq!(one.settled(2).await[1], SettlementV1::Delivered);
    }
}

#[tokio::test]
async fn a_stop_ends_while_much_is_still_to_be_read() {
    let (mut world, receiver) = (World::new().await, Receiver::start().await);
    world.room = Room { read_min: 1, lane_max: 1, ..SMALL };
    let all = instances(&world, &receiver, 4 * STUCK).await;
    receiver.hold(true);
    let first = world.replica("a", slow()).await;
    receiver.received(16).await;
    first.lifecycle.stop().cancel();
    receiver.hold(false);
    assert!(first.lifecycle.shut_down().await);
    assert!(receiver.hits().len() < all.len(), "it stopped in between");
    let _next = world.replica("b", slow()).await;
    receiver.received(all.len()).await;
    for one in all {
        assert_eq!(one.settled(1).await, [SettlementV1::Delivered]);
    }
    let ids: BTreeSet<_> = receiver.hits().iter().map(Hit::id).map(ToOwned::to_owned).collect();
    assert_eq!(ids.len(), receiver.hits().len(), "each once");
}
