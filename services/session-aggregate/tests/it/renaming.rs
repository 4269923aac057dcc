//! Giving an instance another name: one commit, a reservation before it, and a former name that stays for a minute.

use berth_proto::{
    DirectoryId, InstanceId,
    command::RenameV1,
    commit::OutcomeCodeV1,
    frame::{CommandRequestV1, RejectionCodeV1},
};
use berth_runtime::{UniqueInAccount, sealing::field};

use crate::{
    moving::{move_to, target, world as with_target},
    world::{Wanted, World, accepted, rejected, unavailable},
};

async fn name_entry(world: &World, name: &str) -> DirectoryId {
    let key = world.keys.key(world.account.as_bytes()).await.unwrap().unwrap();
    key.entry(UniqueInAccount::Name, name)
}

async fn rename(world: &World, id: InstanceId, name: &str) -> CommandRequestV1 {
    let key = world.keys.key(id.as_bytes()).await.unwrap().unwrap();
    let sealed = key.seal(id.as_bytes(), field::NAME, name.as_bytes());
    world.request(id, RenameV1 { name: sealed, name_entry: name_entry(world, name).await })
}

async fn holder(world: &World, name: &str) -> Option<InstanceId> {
    world.holder(name_entry(world, name).await).await
}

async fn name(world: &World, id: InstanceId) -> String {
    let key = world.keys.key(id.as_bytes()).await.unwrap().unwrap();
    let state = world.state(id).await.unwrap();
    key.open_text(id.as_bytes(), field::NAME, &state.name).unwrap()
}

async fn shop(world: &World) -> InstanceId {
    accepted(world.create(&Wanted::named("shop", 1_111_111_111)).await).stream_id.instance()
}

/// Whether an instance has this name, it is settled, and none of the others is held.
async fn stands_as(world: &World, id: InstanceId, wanted: &str, others: &[&str]) -> bool {
    for other in others {
        if holder(world, other).await.is_some() {
            return false;
        }
    }
    let hold = world.entry(name_entry(world, wanted).await).await.and_then(|state| state.hold);
    hold.is_some_and(|hold| hold.instance == Some(id) && hold.blueprint.is_none())
        && name(world, id).await == wanted
}

#[tokio::test]
async fn a_renamed_instance_keeps_its_former_name_for_a_minute() {
    let world = World::start().await;
    let id = shop(&world).await;
    world.link(id, 1).await;
    let before = world.state(id).await.unwrap();
    let renaming = CommandRequestV1 { keyed: true, ..rename(&world, id, "till").await };
    let done = world.accepted(&renaming).await;
    let again = world.accepted(&renaming).await;
    assert!(again.replayed && again.state == done.state);
    let same = world.accepted(&rename(&world, id, "till").await).await;
    assert_eq!(same.outcome.code, OutcomeCodeV1::Unchanged);
    let state = world.state(id).await.unwrap();
    assert_eq!((&state.phase, &state.token, state.number), (&before.phase, &before.token, before.number));
    assert_eq!(name(&world, id).await, "till");
    assert_eq!((holder(&world, "shop").await, holder(&world, "till").await), (Some(id), Some(id)));

    let namesake = Wanted { token: "another".to_owned(), ..Wanted::named("shop", 3_333_333_333) };
    assert_eq!(rejected(world.create(&namesake).await), RejectionCodeV1::NameTaken);
    world.clock.advance_seconds(61);
    world.until("the name is free", async || stands_as(&world, id, "till", &["shop"]).await).await;
    accepted(world.create(&namesake).await);
    world.verify(id).await;
}

#[tokio::test]
async fn a_minute_counts_from_the_last_of_several_names() {
    let world = World::start().await;
    let id = shop(&world).await;
    world.accepted(&rename(&world, id, "till").await).await;
    world.clock.advance_seconds(40);
    world.accepted(&rename(&world, id, "kiosk").await).await;
    world.clock.advance_seconds(40);
    // Its way back, while the first name is still its own.
    world.accepted(&rename(&world, id, "shop").await).await;
    for name in ["shop", "till", "kiosk"] {
        assert_eq!(holder(&world, name).await, Some(id), "{name}");
    }
    world.clock.advance_seconds(61);
    world
        .until("the others are free", async || stands_as(&world, id, "shop", &["till", "kiosk"]).await)
        .await;
    world.verify(id).await;
}

#[tokio::test]
async fn a_name_that_cannot_be_had_leaves_nothing_behind() {
    let world = with_target().await;
    let id = shop(&world).await;
    let other = Wanted { token: "another".to_owned(), ..Wanted::named("till", 2_222_222_222) };
    let other = accepted(world.create(&other).await).stream_id.instance();
    assert_eq!(world.rejected(&rename(&world, id, "till").await).await, RejectionCodeV1::NameTaken);
    assert_eq!(world.rejected(&rename(&world, id, "2222222222").await).await, RejectionCodeV1::NameTaken);
    assert_eq!(holder(&world, "2222222222").await, None);
    world.accepted(&rename(&world, id, "1111111111").await).await;
    world.accepted(&rename(&world, id, "shop").await).await;

    // Whoever moves it knows it by a name that it has no more.
    let moving = move_to(&world, id, target(), false).await;
    let late = rename(&world, id, "kiosk").await;
    world.accepted(&late).await;
    assert_eq!(world.rejected(&moving).await, RejectionCodeV1::Changed);
    let in_target = world.keys.key(target().as_bytes()).await.unwrap().unwrap();
    assert_eq!(world.holder(in_target.entry(UniqueInAccount::Name, "shop")).await, None);

    let too_late = rename(&world, id, "bar").await;
    world.accepted(&world.delete(id)).await;
    world.accepted(&world.delete(other)).await;
    assert_eq!(world.rejected(&too_late).await, RejectionCodeV1::Deleted);
    for name in ["shop", "kiosk", "1111111111", "bar", "till"] {
        assert_eq!(holder(&world, name).await, None, "{name}");
    }
}

#[tokio::test]
async fn a_rename_that_crashed_is_finished_or_taken_back_by_the_process_manager() {
    for steps in 1..=2 {
        let mut world = World::start().await;
        let id = shop(&world).await;
        let renaming = rename(&world, id, "till").await;
        world.log.fail_after(steps);
        let first = world.send(&renaming).await;
        assert_eq!(unavailable(&first), steps < 2, "after {steps}");
        world.crash().await;
        world.log.mend();
        world.add_replica().await;
        world.clock.advance_seconds(61);
        let (now, not) = if steps < 2 { ("shop", "till") } else { ("till", "shop") };
        let what = format!("after {steps} it has one name");
        world.until(&what, async || stands_as(&world, id, now, &[not]).await).await;
        world.verify(id).await;
    }
}

#[tokio::test]
async fn a_rename_that_is_repeated_after_a_crash_continues() {
    for steps in 0..=2 {
        let mut world = World::start().await;
        let id = shop(&world).await;
        let renaming = CommandRequestV1 { keyed: true, ..rename(&world, id, "till").await };
        world.log.fail_after(steps);
        world.send(&renaming).await;
        world.crash().await;
        world.log.mend();
        world.add_replica().await;
        world.accepted(&renaming).await;
        world.clock.advance_seconds(61);
        world.until("it has one name", async || stands_as(&world, id, "till", &["shop"]).await).await;
        world.verify(id).await;
    }
}
