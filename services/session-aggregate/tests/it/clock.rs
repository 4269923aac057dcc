//! A clock that jumps ahead and comes back does no lasting harm.

use berth_proto::{
    StreamKey,
    command::{ConnectV1, DisconnectV1, LogoutV1, ReconnectV1},
    commit::OutcomeCodeV1,
    instance::{InstanceStateV1, MethodV1, PhaseV1},
};
use berth_runtime::{Clock, UniqueInAccount};

use crate::world::{Wanted, World, unavailable};

const CONNECT: ConnectV1 = ConnectV1 { method: MethodV1::Qr };
/// How far it jumps: 30 days.
const JUMP_SECONDS: i64 = 30 * 24 * 60 * 60;

fn is_created(state: &InstanceStateV1) -> bool {
    matches!(state.phase, PhaseV1::Created)
}

#[tokio::test]
async fn an_instance_that_was_touched_meanwhile_goes_on_at_once() {
    let world = World::start().await;
    let id = world.linked("shop", 1_111_111_111).await;
    world.clock.advance_seconds(JUMP_SECONDS);
    world.accepted(&world.logout(id)).await;
    world.accepted(&world.request(id, CONNECT)).await;
    world.clock.advance_seconds(-JUMP_SECONDS);

    let again = world.accepted(&world.request(id, CONNECT)).await;
    assert_eq!(
        again.outcome.code,
        OutcomeCodeV1::Applied,
        "an attempt that would last a month is not joined"
    );
    let state: InstanceStateV1 = again.state.open().unwrap();
    let attempt = berth_domain::instance::attempt(&state).unwrap();
    let latest = world.clock.now().plus_seconds(berth_domain::instance::ATTEMPT_SECONDS_MAX);
    assert!(attempt.deadline <= latest, "{:?}", attempt.deadline);

    let linked = state.attempt;
    world.link(id, linked).await;
    world.accepted(&world.request(id, DisconnectV1 {})).await;
    world.accepted(&world.request(id, ReconnectV1 {})).await;
    let out = world.accepted(&world.request(id, LogoutV1 {})).await;
    let state: InstanceStateV1 = out.state.open().unwrap();
    let latest = world.clock.now().plus_seconds(berth_domain::instance::UNLINK_SECONDS);
    assert!(state.unlinks.iter().any(|unlink| unlink.attempt == linked && unlink.deadline <= latest));

    let commits = world.commits(StreamKey::instance(id)).await;
    assert!(commits.is_sorted_by_key(|commit| commit.occurred_at), "history does not go back");
    world.verify(id).await;
}

#[tokio::test]
async fn an_attempt_that_nobody_reports_on_ends_when_the_clock_is_back() {
    let world = World::start().await;
    let id = world.instance("shop", 1_111_111_111).await;
    world.clock.advance_seconds(JUMP_SECONDS);
    world.accepted(&world.request(id, CONNECT)).await;
    world.clock.advance_seconds(-JUMP_SECONDS);
    world.until("the attempt is ended", async || is_created(&world.state(id).await.unwrap())).await;

    // The one after it has its usual time.
    world.accepted(&world.request(id, CONNECT)).await;
    world.clock.advance_seconds(200);
    world.until("the next one is too", async || is_created(&world.state(id).await.unwrap())).await;
    world.verify(id).await;
}

#[tokio::test]
async fn what_was_left_half_done_meanwhile_is_finished_when_the_clock_is_back() {
    let mut world = World::start().await;
    let deleted = world.instance("shop", 1_111_111_111).await;
    world.clock.advance_seconds(JUMP_SECONDS);
    world.log.fail_after(2);
    world.accepted(&world.delete(deleted)).await;
    world.crash().await;
    world.log.mend();
    world.add_replica().await;
    let (_, create) = world.create_request(&Wanted::named("other", 1_222_222_222)).await;
    world.log.fail_after(3);
    assert!(unavailable(&world.send(&create).await));
    world.crash().await;
    world.log.mend();
    world.clock.advance_seconds(-JUMP_SECONDS);
    world.add_replica().await;

    let (name, number) =
        (world.account_entry(UniqueInAccount::Name, "other").await, world.number_entry(1_222_222_222));
    world
        .until("the create is given up and the deletion is cleaned up", async || {
            world.holder(name).await.is_none()
                && world.holder(number).await.is_none()
                && world.keys.key(deleted.as_bytes()).await.unwrap().is_none()
        })
        .await;
}
