//! Moving an instance to another account: one commit, with reservations around it that any crash leaves to be finished.

use std::sync::Arc;

use berth_bus::{Bus, local::LocalBus};
use berth_proto::{
    AccountId, DirectoryId, InstanceId,
    command::{ConnectV1, MoveV1},
    commit::{OutcomeCodeV1, PrincipalV1},
    frame::{CommandRequestV1, RejectionCodeV1, TargetV1},
    instance::{MethodV1, PhaseV1},
};
use berth_runtime::UniqueInAccount;

use crate::{
    accounts::{create, request},
    world::{Wanted, World, accepted, rejected, unavailable},
};

/// The account that instances are moved to.
const TARGET: u8 = 2;

pub(crate) async fn world() -> World {
    with_target(World::start().await).await
}

/// A world with another account.
pub(crate) async fn with_target(mut world: World) -> World {
    add_target(&mut world, TARGET).await;
    world
}

async fn add_target(world: &mut World, account: u8) {
    let id = AccountId::from_bytes([account; 16]);
    world.keys.create(id.as_bytes(), &*world.entropy).await.unwrap().unwrap();
    let (name, token) = (format!("target-{account}"), format!("token-of-{account}"));
    world.accepted(&create(world, account, &name, &token)).await;
}

pub(crate) fn target() -> AccountId {
    AccountId::from_bytes([TARGET; 16])
}

async fn entry_in(world: &World, account: AccountId, kind: UniqueInAccount, key: &str) -> DirectoryId {
    world.keys.key(account.as_bytes()).await.unwrap().unwrap().entry(kind, key)
}

/// Moves `shop`, whose foreign id is `ext` if it has one.
pub(crate) async fn move_to(
    world: &World,
    id: InstanceId,
    account: AccountId,
    alias: bool,
) -> CommandRequestV1 {
    let command = MoveV1 {
        account,
        name_entry: entry_in(world, account, UniqueInAccount::Name, "shop").await,
        alias_entry: if alias {
            Some(entry_in(world, account, UniqueInAccount::Alias, "ext").await)
        } else {
            None
        },
        webhooks: Vec::new(),
    };
    CommandRequestV1 { principal: PrincipalV1::Root, ..world.request(id, command) }
}

async fn shop(world: &World) -> InstanceId {
    let wanted = Wanted { alias: Some("ext".to_owned()), ..Wanted::named("shop", 1_111_111_111).keyed("c") };
    accepted(world.create(&wanted).await).stream_id.instance()
}

/// Whether the directory says of all of `shop` that it belongs to this account, and only to it.
async fn stands_in(world: &World, id: InstanceId, account: AccountId, other: AccountId) -> bool {
    for (kind, key) in [(UniqueInAccount::Name, "shop"), (UniqueInAccount::Alias, "ext")] {
        let held = world.entry(entry_in(world, account, kind, key).await).await.and_then(|state| state.hold);
        if !held.is_some_and(|hold| {
            hold.instance == Some(id) && hold.account == account && hold.blueprint.is_none()
        }) {
            return false;
        }
        if world.holder(entry_in(world, other, kind, key).await).await.is_some() {
            return false;
        }
    }
    for entry in [world.state(id).await.unwrap().entries.token, world.number_entry(1_111_111_111)] {
        let held = world.entry(entry).await.and_then(|state| state.hold);
        if !held.is_some_and(|hold| hold.instance == Some(id) && hold.account == account) {
            return false;
        }
    }
    world.state(id).await.unwrap().account == account
}

async fn is_free(world: &World, id: InstanceId) -> bool {
    for account in [world.account, target()] {
        for (kind, key) in [(UniqueInAccount::Name, "shop"), (UniqueInAccount::Alias, "ext")] {
            if world.holder(entry_in(world, account, kind, key).await).await.is_some() {
                return false;
            }
        }
    }
    for entry in [world.state(id).await.unwrap().entries.token, world.number_entry(1_111_111_111)] {
        if world.holder(entry).await.is_some() {
            return false;
        }
    }
    true
}

#[tokio::test]
async fn a_moved_instance_stands_in_the_new_account_alone() {
    let world = world().await;
    let id = shop(&world).await;
    world.link(id, 1).await;
    let before = world.state(id).await.unwrap();
    let moving = move_to(&world, id, target(), true).await;
    let moving = CommandRequestV1 { keyed: true, ..moving };
    let done = world.accepted(&moving).await;
    assert!(stands_in(&world, id, target(), world.account).await);
    let state = world.state(id).await.unwrap();
    assert_eq!((state.phase, state.entries.token), (before.phase, before.entries.token));
    assert_eq!(state.jwt_version, before.jwt_version + 1);
    let again = world.accepted(&moving).await;
    assert!(again.replayed);
    assert_eq!(again.state, done.state);
    // The former account does not know it any more, the instance's own token works on as it was remembered.
    assert_eq!(world.rejected(&world.logout(id)).await, RejectionCodeV1::NotFound);
    let own = PrincipalV1::Instance { account: world.account, instance: id, credential_version: 1 };
    let connect = world.request(id, ConnectV1 { method: MethodV1::Qr });
    world.accepted(&CommandRequestV1 { principal: own, ..connect }).await;
    let new_owner = PrincipalV1::Account { account: target() };
    world.accepted(&CommandRequestV1 { principal: new_owner, ..world.logout(id) }).await;
    // A create that is repeated under its key finds no second instance.
    let wanted = Wanted { alias: Some("ext".to_owned()), ..Wanted::named("shop", 1_111_111_111).keyed("c") };
    assert_eq!(rejected(world.create(&wanted).await), RejectionCodeV1::Changed);
    let former = Wanted { token: "another".to_owned(), ..Wanted::named("shop", 3_333_333_333) };
    accepted(world.create(&former).await);
    world.verify(id).await;
}

#[tokio::test]
async fn a_delete_after_a_move_frees_everything_and_so_does_the_way_back() {
    let world = world().await;
    let id = shop(&world).await;
    world.accepted(&move_to(&world, id, target(), true).await).await;
    world.accepted(&move_to(&world, id, world.account, true).await).await;
    assert!(stands_in(&world, id, world.account, target()).await);
    world.accepted(&move_to(&world, id, target(), true).await).await;
    let delete = CommandRequestV1 { principal: PrincipalV1::Root, ..world.delete(id) };
    world.accepted(&delete).await;
    assert!(is_free(&world, id).await);
    assert_eq!(
        world.rejected(&move_to(&world, id, world.account, true).await).await,
        RejectionCodeV1::Deleted
    );
    assert!(is_free(&world, id).await);
    world.verify(id).await;
}

#[tokio::test]
async fn what_cannot_be_moved_leaves_nothing_behind() {
    let mut world = world().await;
    let id = shop(&world).await;
    let same = world.accepted(&move_to(&world, id, world.account, true).await).await;
    assert_eq!(same.outcome.code, OutcomeCodeV1::Unchanged);
    let moving = move_to(&world, id, target(), true).await;
    let as_account = CommandRequestV1 { principal: world.as_account(), ..moving.clone() };
    assert_eq!(world.rejected(&as_account).await, RejectionCodeV1::NotFound);
    // Taken there: the name, then the foreign id.
    let own = std::mem::replace(&mut world.account, target());
    let namesake = Wanted { token: "t-1".to_owned(), ..Wanted::named("shop", 2_222_222_222) };
    let other = accepted(world.create(&namesake).await).stream_id.instance();
    assert_eq!(world.rejected(&moving).await, RejectionCodeV1::NameTaken);
    world.accepted(&world.delete(other)).await;
    let foreign = Wanted {
        alias: Some("ext".to_owned()),
        token: "t-2".to_owned(),
        ..Wanted::named("kiosk", 2_222_222_223)
    };
    let other = accepted(world.create(&foreign).await).stream_id.instance();
    assert_eq!(world.rejected(&moving).await, RejectionCodeV1::AliasTaken);
    assert_eq!(world.holder(entry_in(&world, target(), UniqueInAccount::Name, "shop").await).await, None);
    world.accepted(&world.delete(other)).await;
    // A name there is its number.
    let number = Wanted { token: "t-3".to_owned(), ..Wanted::named("1111111111", 2_222_222_224) };
    accepted(world.create(&number).await);
    assert_eq!(world.rejected(&moving).await, RejectionCodeV1::NumberTaken);
    world.account = own;
    add_target(&mut world, 3).await;
    let closed = AccountId::from_bytes([3; 16]);
    let there = move_to(&world, id, closed, true).await;
    world.accepted(&request(&world, TargetV1::CloseAccount { account: closed })).await;
    assert_eq!(world.rejected(&there).await, RejectionCodeV1::NotFound);
    assert!(stands_in(&world, id, world.account, target()).await);
    assert_eq!(world.holder(moved_name(&there)).await, None);
}

fn moved_name(request: &CommandRequestV1) -> DirectoryId {
    let TargetV1::Instance { command, .. } = &request.target else { panic!("a command") };
    match berth_proto::command::Command::from_record(command).unwrap() {
        berth_proto::command::Command::Move(to) => to.name_entry,
        other => panic!("a move, not {other:?}"),
    }
}

/// Appends of a move: two reservations, the commit, two releases, two holds of the token and number, two settlings.
const STEPS: i64 = 9;

#[tokio::test]
async fn a_move_that_crashed_is_finished_or_taken_back_by_the_process_manager() {
    for steps in 1..STEPS {
        let mut world = world().await;
        let id = shop(&world).await;
        let moving = move_to(&world, id, target(), true).await;
        world.log.fail_after(steps);
        let first = world.send(&moving).await;
        assert_eq!(unavailable(&first), steps < 3, "after {steps}");
        world.crash().await;
        world.log.mend();
        world.add_replica().await;
        world.clock.advance_seconds(61);
        let (now, not) = if steps < 3 { (world.account, target()) } else { (target(), world.account) };
        let what = format!("after {steps} it stands in one account");
        world.until(&what, async || stands_in(&world, id, now, not).await).await;
        world.verify(id).await;
    }
}

#[tokio::test]
async fn a_move_that_is_repeated_after_a_crash_continues() {
    for steps in 0..STEPS {
        let mut world = world().await;
        let id = shop(&world).await;
        let moving = CommandRequestV1 { keyed: true, ..move_to(&world, id, target(), true).await };
        world.log.fail_after(steps);
        world.send(&moving).await;
        world.crash().await;
        world.log.mend();
        world.add_replica().await;
        world.accepted(&moving).await;
        world.clock.advance_seconds(61);
        world
            .until("it stands in the new account", async || {
                stands_in(&world, id, target(), world.account).await
            })
            .await;
        world.verify(id).await;
    }
}

#[tokio::test]
async fn a_delete_after_a_move_that_crashed_frees_everything() {
    for steps in 3..STEPS {
        let mut world = world().await;
        let id = shop(&world).await;
        world.log.fail_after(steps);
        accepted(world.send(&move_to(&world, id, target(), true).await).await);
        world.crash().await;
        world.log.mend();
        world.add_replica().await;
        let delete = CommandRequestV1 { principal: PrincipalV1::Root, ..world.delete(id) };
        world.accepted(&delete).await;
        assert!(is_free(&world, id).await, "after {steps}");
    }
}

#[tokio::test]
async fn moves_at_once_to_two_accounts_leave_it_in_one() {
    let mut world = world().await;
    add_target(&mut world, 3).await;
    let (one, two) = two_more_replicas(&mut world).await;
    let id = shop(&world).await;
    let third = AccountId::from_bytes([3; 16]);
    let (a, b) = (move_to(&world, id, target(), true).await, move_to(&world, id, third, true).await);
    let (first, second) = tokio::join!(world.send_on(&one, &a), world.send_on(&two, &b));
    accepted(first);
    accepted(second);
    let at = world.state(id).await.unwrap().account;
    let other = if at == third { target() } else { third };
    let so =
        async || stands_in(&world, id, at, other).await && stands_in(&world, id, at, world.account).await;
    if !so().await {
        world.clock.advance_seconds(61);
        world.until("it stands in one account", so).await;
    }
    world.verify(id).await;
}

/// Two replicas, each on a bus of its own, beside the first one.
async fn two_more_replicas(world: &mut World) -> (Arc<dyn Bus>, Arc<dyn Bus>) {
    let (one, two): (Arc<dyn Bus>, Arc<dyn Bus>) = (Arc::new(LocalBus::new()), Arc::new(LocalBus::new()));
    world.add_replica_on(Arc::clone(&one)).await;
    world.add_replica_on(Arc::clone(&two)).await;
    (one, two)
}

#[tokio::test]
async fn a_move_is_overtaken_by_a_rotation_a_delete_and_the_process_manager() {
    for overtaken_by in ["rotation", "delete", "process manager", "another move"] {
        let mut world = world().await;
        let (slow_bus, _) = two_more_replicas(&mut world).await;
        let id = shop(&world).await;
        let moving = move_to(&world, id, target(), true).await;
        let go_on = world.log.pause_next();
        let slow = world.send_on(&slow_bus, &moving);
        let overtake = async {
            world.until("the move is about to append", async || world.log.is_paused()).await;
            match overtaken_by {
                "rotation" => {
                    world.accepted(&world.request(id, world.rotate(id, "second"))).await;
                }
                "delete" => {
                    world.accepted(&world.delete(id)).await;
                }
                "another move" => {
                    world.accepted(&move_to(&world, id, target(), true).await).await;
                }
                _ => {
                    world.clock.advance_seconds(61);
                    let name = entry_in(&world, target(), UniqueInAccount::Name, "shop").await;
                    let free = async || world.holder(name).await.is_none();
                    world.until("its name is given up", free).await;
                }
            }
            go_on.send(()).unwrap();
        };
        let (reply, ()) = tokio::join!(slow, overtake);
        if overtaken_by == "delete" {
            assert_eq!(rejected(reply), RejectionCodeV1::Deleted);
            assert!(is_free(&world, id).await);
        } else {
            accepted(reply);
            world.clock.advance_seconds(61);
            let so = async || stands_in(&world, id, target(), world.account).await;
            world.until(overtaken_by, so).await;
        }
        world.verify(id).await;
    }
}

#[tokio::test]
async fn a_create_of_the_same_name_there_and_a_move_have_one_winner() {
    let mut world = world().await;
    let id = shop(&world).await;
    let moving = move_to(&world, id, target(), true).await;
    let own = std::mem::replace(&mut world.account, target());
    let wanted = Wanted { token: "t-2".to_owned(), ..Wanted::named("shop", 2_222_222_222) };
    let (_, create) = world.create_request(&wanted).await;
    let (moved, created) = tokio::join!(world.send(&moving), world.send(&create));
    world.account = own;
    let name = entry_in(&world, target(), UniqueInAccount::Name, "shop").await;
    let moved_there = world.state(id).await.unwrap().account == target();
    if moved_there {
        accepted(moved);
        assert_eq!(rejected(created), RejectionCodeV1::NameTaken);
        assert_eq!(world.holder(name).await, Some(id));
    } else {
        assert_eq!(rejected(moved), RejectionCodeV1::NameTaken);
        assert_eq!(world.holder(name).await, Some(accepted(created).stream_id.instance()));
        assert!(stands_in(&world, id, world.account, AccountId::from_bytes([9; 16])).await);
    }
    let state = world.state(id).await.unwrap();
    assert!(matches!(state.phase, PhaseV1::Created));
}
