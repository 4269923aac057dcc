//! A clock that jumps ahead and comes back holds no notice up.

mod common;

use std::sync::Arc;

use berth_proto::delivery::SettlementV1;
use berth_runtime::{Clock, ManualClock, SystemClock};
use common::{Receiver, World, quick, slow};

/// How far it jumps: 30 days.
const JUMP_SECONDS: i64 = 30 * 24 * 60 * 60;

async fn world_with_a_clock() -> (World, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    (World::new().await.with_clock(clock.clone()), clock)
}

/// Everything that an instance tells of a whole life, after a commit that is dated ahead.
async fn all_is_told_at_once(world: &World, receiver: &Receiver, before: usize) {
    world.connect().await;
    world.qr(1, 20).await;
    receiver.received(before + 1).await;
    world.linked().await;
    world.open().await;
    receiver.received(before + 3).await;
    world.logout().await;
    receiver.received(before + 4).await;
    let words = receiver.words();
    let told = ["instance.qr", "instance.linked", "instance.open", "instance.logged_out"];
    assert!(words.ends_with(&told.map(str::to_owned)), "{words:?}");
    let outcomes = world.settled(before + 3).await;
    let all = outcomes.iter().skip(before).all(|outcome| *outcome == SettlementV1::Delivered);
    assert!(all, "{outcomes:?}");
}

#[tokio::test]
async fn what_failed_meanwhile_is_tried_again_and_what_comes_is_told_at_once() {
    let ((world, clock), receiver) = (world_with_a_clock().await, Receiver::start().await);
    let _replica = world.replica("a", slow()).await;
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.link().await;
    world.settled(2).await;
    clock.advance_seconds(JUMP_SECONDS);
    receiver.answer_once(500, &[]);
    world.logout().await;
    receiver.received(3).await;
    // It is noted by the clock that is ahead.
    while world.page(World::everything()).await.0.iter().all(|one| one.next_at.is_none()) {
        tokio::task::yield_now().await;
    }
    clock.advance_seconds(-JUMP_SECONDS);

    // Its next attempt was due in thirty days and five hours.
    receiver.received(4).await;
    assert_eq!(receiver.words()[2..], ["instance.logged_out", "instance.logged_out"]);
    assert_eq!(world.settled(3).await[2], SettlementV1::Delivered);
    all_is_told_at_once(&world, &receiver, 4).await;
}

#[tokio::test]
async fn what_another_machine_dates_ahead_is_told_at_once() {
    let ((world, clock), receiver) = (world_with_a_clock().await, Receiver::start().await);
    let _replica = world.replica_with_clock("a", Arc::new(SystemClock)).await;
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.link().await;
    world.settled(2).await;
    clock.advance_seconds(JUMP_SECONDS);
    world.logout().await;
    receiver.received(3).await;
    clock.advance_seconds(-JUMP_SECONDS);
    all_is_told_at_once(&world, &receiver, 3).await;
}

#[tokio::test]
async fn an_attempt_that_was_noted_meanwhile_is_made_after_a_restart() {
    let ((world, clock), receiver) = (world_with_a_clock().await, Receiver::start().await);
    let first = world.replica("a", slow()).await;
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    clock.advance_seconds(JUMP_SECONDS);
    receiver.answer_once(500, &[]);
    world.link().await;
    receiver.received(1).await;
    first.crash().await;
    clock.advance_seconds(-JUMP_SECONDS);
    let _again = world.replica("a", quick()).await;
    receiver.received(3).await;
    assert_eq!(world.settled(2).await, [SettlementV1::Delivered, SettlementV1::Delivered]);
}
