//! Closing an account: its token ends at once, its instances follow, at the end nothing of it can be read.

use std::sync::Arc;

use berth_bus::{Bus, local::LocalBus};
use berth_log::{LogRead, decode_state};
use berth_proto::{
    AccountId, CommandId, DirectoryId, InstanceId, StreamKey,
    account::{AccountEvent, AccountStateV3},
    event::Event,
    frame::{CommandRequestV1, RejectionCodeV1, TargetV1},
    instance::PhaseV1,
};
use berth_runtime::{Unique, UniqueInAccount};

use crate::{
    accounts::{change, create, request, rotate},
    world::{Wanted, World, accepted, rejected, unavailable},
};

/// After this no create of before can still succeed.
pub(crate) const SETTLED_AFTER_SECONDS: i64 = 61;

pub(crate) fn close(world: &World) -> CommandRequestV1 {
    request(world, TargetV1::CloseAccount { account: world.account })
}

/// A world whose account has a name and a token in the directory.
pub(crate) async fn world_of_acme() -> World {
    let mut world = World::start().await;
    world.account = AccountId::from_bytes([1; 16]);
    world.keys.create(world.account.as_bytes(), &*world.entropy).await.unwrap().unwrap();
    world.accepted(&create(&world, 1, "acme", "t1")).await;
    world
}

async fn is_free(world: &World, entry: DirectoryId) -> bool {
    world.entry(entry).await.is_none_or(|state| state.hold.is_none())
}

pub(crate) async fn account_state(world: &World) -> AccountStateV3 {
    let last = world.log.tail(&StreamKey::account(world.account)).await.unwrap().unwrap();
    decode_state(&last).unwrap().1
}

async fn is_deleted(world: &World, id: InstanceId) -> bool {
    matches!(world.state(id).await.unwrap().phase, PhaseV1::Deleted { .. })
}

pub(crate) async fn is_gone(world: &World) -> bool {
    account_state(world).await.unsettled.is_none()
        && world.keys.key(world.account.as_bytes()).await.unwrap().is_none()
}

#[tokio::test]
async fn a_closed_account_loses_its_token_its_instances_and_its_key() {
    let world = world_of_acme().await;
    let linked = world.linked("shop", 1_111_111_111).await;
    let idle = world.instance("kiosk", 1_111_111_112).await;
    let closing = close(&world);
    let done = world.accepted(&closing).await;
    assert!(done.state.open::<AccountStateV3>().unwrap().closed_at.is_some());
    let name = world.keys.master().entry(Unique::AccountName, "acme");
    assert!(is_free(&world, name).await && is_free(&world, world.token_entry("t1")).await);
    world
        .until("its instances are deleted", async || {
            is_deleted(&world, linked).await && is_deleted(&world, idle).await
        })
        .await;
    let last_words = world.commits(StreamKey::instance(linked)).await;
    let events: Vec<_> = last_words.iter().flat_map(|commit| &commit.events).collect();
    assert!(
        events.iter().any(|record| matches!(Event::from_record(record), Ok(Event::LoggedOut(_)))),
        "a linked device is logged out before"
    );
    assert!(!is_gone(&world).await, "a create of before may still come");
    world.clock.advance_seconds(SETTLED_AFTER_SECONDS);
    world.until("the account is gone", async || is_gone(&world).await).await;
    let commits = world.commits(StreamKey::account(world.account)).await;
    let kinds: Vec<_> =
        commits.iter().flat_map(|commit| &commit.events).map(AccountEvent::from_record).collect();
    assert!(
        matches!(
            kinds[..],
            [
                Ok(AccountEvent::AccountCreated(_)),
                Ok(AccountEvent::AccountClosed(_)),
                Ok(AccountEvent::AccountSettled(_))
            ]
        ),
        "{kinds:?}"
    );
    assert!(world.accepted(&closing).await.replayed, "the same command gets its first answer");
    for id in [linked, idle] {
        world.verify(id).await;
    }
}

#[tokio::test]
async fn a_closed_account_takes_no_command_and_its_name_may_be_used_again() {
    let world = world_of_acme().await;
    let founding =
        CommandRequestV1 { command_id: CommandId::from_bytes([7; 16]), ..create(&world, 2, "else", "t2") };
    world.accepted(&founding).await;
    let second = CommandRequestV1 {
        target: TargetV1::CloseAccount { account: AccountId::from_bytes([2; 16]) },
        ..close(&world)
    };
    world.accepted(&second).await;
    world.accepted(&close(&world)).await;
    for late in [close(&world), rotate(&world, 1, "t9"), change(&world, 1, Some("other"), Some("{}"))] {
        assert_eq!(world.rejected(&late).await, RejectionCodeV1::NotFound);
    }
    assert!(is_free(&world, world.token_entry("t9")).await, "nothing is reserved for a closed account");
    assert_eq!(world.rejected(&founding).await, RejectionCodeV1::Deleted);
    world.accepted(&create(&world, 3, "acme", "t1")).await;
}

#[tokio::test]
async fn nothing_is_created_in_an_account_that_is_closed_or_was_never_there() {
    let mut world = world_of_acme().await;
    world.accepted(&close(&world)).await;
    for account in [world.account, AccountId::from_bytes([9; 16])] {
        world.account = account;
        world.keys.create(account.as_bytes(), &*world.entropy).await.unwrap();
        for wanted in [Wanted::named("shop", 1_111_111_111), Wanted::named("shop", 1_111_111_111).keyed("c")]
        {
            let (id, request) = world.create_request(&wanted).await;
            assert_eq!(world.rejected(&request).await, RejectionCodeV1::NotFound);
            for entry in [
                world.account_entry(UniqueInAccount::Name, "shop").await,
                world.account_entry(UniqueInAccount::Creation, "c").await,
                world.token_entry("token-of-shop"),
                world.number_entry(1_111_111_111),
            ] {
                assert!(is_free(&world, entry).await);
            }
            assert!(world.keys.key(id.as_bytes()).await.unwrap().is_none());
        }
    }
}

#[tokio::test]
async fn a_close_that_crashed_is_finished_from_every_step() {
    // Of: closed; token and name released; then of two instances: deleted, three entries released, noted.
    for steps in 1..=13 {
        let mut world = world_of_acme().await;
        let linked = world.linked("shop", 1_111_111_111).await;
        let idle = world.instance("kiosk", 1_111_111_112).await;
        let created = world.account_entry(UniqueInAccount::Name, "kiosk").await;
        world
            .until("its create is settled", async || {
                world.entry(created).await.unwrap().hold.unwrap().blueprint.is_none()
            })
            .await;
        world.log.fail_after(steps);
        world.accepted(&close(&world)).await;
        if steps > 3 {
            world.until("the duty has come this far", async || !world.log.has_appends_left()).await;
        }
        world.crash().await;
        world.log.mend();
        world.add_replica().await;
        world.clock.advance_seconds(SETTLED_AFTER_SECONDS);
        world.until("the account is gone", async || is_gone(&world).await).await;
        let name = world.keys.master().entry(Unique::AccountName, "acme");
        assert!(is_free(&world, name).await && is_free(&world, world.token_entry("t1")).await);
        for id in [linked, idle] {
            assert!(is_deleted(&world, id).await, "after {steps}");
            world
                .until("its key is destroyed", async || {
                    world.keys.key(id.as_bytes()).await.unwrap().is_none()
                })
                .await;
            world.verify(id).await;
        }
    }
}

#[tokio::test]
async fn a_close_whose_answer_was_lost_is_done_once() {
    let world = world_of_acme().await;
    let closing = close(&world);
    world.log.lose_next_answer();
    assert!(unavailable(&world.send(&closing).await));
    assert!(world.accepted(&closing).await.replayed);
    world.clock.advance_seconds(SETTLED_AFTER_SECONDS);
    world.until("the account is gone", async || is_gone(&world).await).await;
}

#[tokio::test]
async fn a_create_that_read_the_account_before_its_close_is_deleted_with_the_others() {
    let world = world_of_acme().await;
    let (id, create) = world.create_request(&Wanted::named("shop", 1_111_111_111)).await;
    let go_on = world.log.pause_next();
    let (reply, ()) = tokio::join!(world.send(&create), async {
        world.until("it is about to be created", async || world.log.is_paused()).await;
        world.accepted(&close(&world)).await;
        go_on.send(()).unwrap();
    });
    accepted(reply);
    world.until("it is deleted", async || is_deleted(&world, id).await).await;
    world.clock.advance_seconds(SETTLED_AFTER_SECONDS);
    world.until("the account is gone", async || is_gone(&world).await).await;
    assert!(world.keys.key(id.as_bytes()).await.unwrap().is_none());
}

#[tokio::test]
async fn an_account_is_not_gone_before_a_slow_create_is_given_up() {
    let mut world = world_of_acme().await;
    // Another replica than the one that runs the process manager.
    world.until("somebody sweeps", async || world.sweeps()).await;
    let apart: Arc<dyn Bus> = Arc::new(LocalBus::new());
    world.add_replica_on(Arc::clone(&apart)).await;
    let wanted = Wanted::named("shop", 1_111_111_111).keyed("c");
    let (id, create) = world.create_request(&wanted).await;
    let creation = world.account_entry(UniqueInAccount::Creation, "c").await;
    let go_on = world.log.pause_next();
    let (reply, ()) = tokio::join!(world.send_on(&apart, &create), async {
        world.until("it is about to be created", async || world.log.is_paused()).await;
        world.accepted(&close(&world)).await;
        world.clock.advance_seconds(SETTLED_AFTER_SECONDS);
        world.until("the account is gone", async || is_gone(&world).await).await;
        assert!(is_free(&world, creation).await, "what the create had reserved was released first");
        go_on.send(()).unwrap();
    });
    assert_eq!(rejected(reply), RejectionCodeV1::Changed);
    assert!(world.keys.key(id.as_bytes()).await.unwrap().is_none());
    assert!(is_free(&world, world.token_entry("token-of-shop")).await);
}
