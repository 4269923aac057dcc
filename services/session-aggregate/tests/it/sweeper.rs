//! The process manager: what a crash, a silent connector or time left open is finished.

use berth_proto::{
    StreamKey,
    command::{ConnectV1, ReportPausedV1, ReportV1},
    commit::PrincipalV1,
    frame::CommandReplyV1,
    instance::{MethodV1, PauseReasonV1, PhaseV1, UnlinkStatusV1},
};
use berth_runtime::{Clock, Unique, UniqueInAccount};

use crate::{
    accounts,
    world::{Wanted, World, accepted, unavailable},
};

const DAY_SECONDS: i64 = 24 * 60 * 60;

#[tokio::test]
async fn an_attempt_that_nobody_reports_on_ends() {
    let world = World::start().await;
    let id = world.instance("shop", 1_111_111_111).await;
    world.accepted(&world.request(id, ConnectV1 { method: MethodV1::Qr })).await;
    world.clock.advance_seconds(200);
    world
        .until("the attempt is ended", async || {
            matches!(world.state(id).await.unwrap().phase, PhaseV1::Created)
        })
        .await;
    world.verify(id).await;
}

#[tokio::test]
async fn an_unlink_is_given_up_after_a_day_and_the_device_keys_go() {
    let world = World::start().await;
    let id = world.linked("shop", 1_111_111_111).await;
    world.accepted(&world.logout(id)).await;
    world.clock.advance_seconds(DAY_SECONDS - 60);
    assert!(world.has_device_keys(id, 1).await);
    world.clock.advance_seconds(120);
    world
        .until("the unlink is given up", async || {
            world.state(id).await.unwrap().unlinks[0].status == UnlinkStatusV1::Abandoned
        })
        .await;
    assert!(!world.has_device_keys(id, 1).await);
    world.verify(id).await;
}

#[tokio::test]
async fn a_deleted_instances_unlink_is_given_up_too() {
    let world = World::start().await;
    let id = world.linked("shop", 1_111_111_111).await;
    world.accepted(&world.delete(id)).await;
    world.clock.advance_seconds(DAY_SECONDS + 60);
    world.until("the keys are gone", async || !world.has_device_keys(id, 1).await).await;
}

#[tokio::test]
async fn a_ban_ends() {
    let world = World::start().await;
    let id = world.linked("shop", 1_111_111_111).await;
    let banned = ReportPausedV1 {
        report: ReportV1 { attempt: 1, epoch: 1, number: 2 },
        reason: PauseReasonV1::Banned,
        code: 402,
        until: Some(world.clock.now().plus_seconds(3_600)),
    };
    world.accepted(&world.report(id, banned)).await;
    world.clock.advance_seconds(3_660);
    world
        .until("the link is opened again", async || {
            matches!(world.state(id).await.unwrap().phase, PhaseV1::Linked(_))
        })
        .await;
}

#[tokio::test]
async fn a_create_that_nobody_continues_is_given_up_wherever_it_stopped() {
    for keyed in [true, false] {
        // Of at most six appends: creation key, name, token, number, alias, instance.
        for steps in 1..=(if keyed { 5 } else { 4 }) {
            let mut world = World::start().await;
            let mut wanted = Wanted { alias: Some("ext".to_owned()), ..Wanted::named("shop", 1_111_111_111) };
            if keyed {
                wanted = wanted.keyed("c");
            }
            let (id, request) = world.create_request(&wanted).await;
            world.log.fail_after(steps);
            assert!(unavailable(&world.send(&request).await), "keyed {keyed}, {steps}");
            world.crash().await;
            world.log.mend();
            world.add_replica().await;
            world.clock.advance_seconds(61);
            let mut entries = vec![
                world.account_entry(UniqueInAccount::Name, "shop").await,
                world.account_entry(UniqueInAccount::Alias, "ext").await,
                world.token_entry("token-of-shop"),
                world.number_entry(1_111_111_111),
            ];
            if keyed {
                entries.push(world.account_entry(UniqueInAccount::Creation, "c").await);
            }
            world
                .until("everything is free", async || {
                    for entry in &entries {
                        if world.holder(*entry).await.is_some() {
                            return false;
                        }
                    }
                    world.keys.key(id.as_bytes()).await.unwrap().is_none()
                })
                .await;
            // Whoever still tries under the old id is told so, and a new try succeeds.
            let late = world.send(&request).await;
            assert!(!matches!(late, CommandReplyV1::Accepted(_)), "{late:?}");
            let again = accepted(world.create(&wanted).await);
            assert_ne!(again.stream_id.instance(), id);
            world.verify(again.stream_id.instance()).await;
        }
    }
}

#[tokio::test]
async fn a_create_that_succeeded_unnoticed_is_kept() {
    let mut world = World::start().await;
    let wanted = Wanted::named("shop", 1_111_111_111).keyed("c");
    let (id, request) = world.create_request(&wanted).await;
    world.log.fail_after(5);
    world.send(&request).await;
    world.crash().await;
    world.log.mend();
    world.add_replica().await;
    world.clock.advance_seconds(61);
    let creation = world.account_entry(UniqueInAccount::Creation, "c").await;
    world
        .until("it is settled", async || {
            world.entry(creation).await.unwrap().hold.is_some_and(|hold| hold.blueprint.is_none())
        })
        .await;
    assert_eq!(world.holder(world.token_entry("token-of-shop")).await, Some(id));
    assert_eq!(accepted(world.create(&wanted).await).stream_id.instance(), id);
}

#[tokio::test]
async fn a_delete_that_crashed_is_cleaned_up_at_every_step() {
    for steps in 1..5 {
        let mut world = World::start().await;
        let id = world.linked("shop", 1_111_111_111).await;
        world.log.fail_after(steps);
        world.accepted(&world.delete(id)).await;
        world.crash().await;
        world.log.mend();
        world.add_replica().await;
        world.clock.advance_seconds(10);
        let name = world.account_entry(UniqueInAccount::Name, "shop").await;
        world
            .until("the name is free and the key destroyed", async || {
                world.holder(name).await.is_none()
                    && world.holder(world.token_entry("token-of-shop")).await.is_none()
                    && world.keys.key(id.as_bytes()).await.unwrap().is_none()
            })
            .await;
        world
            .until("the log says so", async || {
                let commits = world.commits(StreamKey::instance(id)).await;
                let last = commits.last().unwrap();
                last.events.is_empty() && last.receipts[0].principal == PrincipalV1::Service
            })
            .await;
        world.verify(id).await;
    }
}

#[tokio::test]
async fn a_rotation_that_crashed_leaves_only_the_present_token() {
    for steps in 1..4 {
        let mut world = World::start().await;
        let id = world.instance("shop", 1_111_111_111).await;
        let request = world.request(id, world.rotate(id, "second"));
        world.log.fail_after(steps);
        world.send(&request).await;
        world.crash().await;
        world.log.mend();
        world.add_replica().await;
        world.clock.advance_seconds(61);
        let rotated = steps > 1;
        world
            .until("one token is left", async || {
                let first = world.holder(world.token_entry("token-of-shop")).await;
                let second = world.holder(world.token_entry("second")).await;
                (first, second) == if rotated { (None, Some(id)) } else { (Some(id), None) }
            })
            .await;
    }
}

#[tokio::test]
async fn an_account_that_was_never_finished_leaves_its_name_free() {
    let mut world = World::start().await;
    let master = world.keys.master().clone();
    let create = |world: &World, account| accounts::create(world, account, "acme", "t");
    world.log.fail_after(2);
    assert!(unavailable(&world.send(&create(&world, 1)).await));
    world.crash().await;
    world.log.mend();
    world.add_replica().await;
    world.clock.advance_seconds(61);
    let entries = [master.entry(Unique::AccountName, "acme"), master.entry(Unique::Token, "t")];
    world
        .until("both are free", async || {
            for entry in entries {
                if world.entry(entry).await.unwrap().hold.is_some() {
                    return false;
                }
            }
            true
        })
        .await;
    world.accepted(&create(&world, 2)).await;
    world.clock.advance_seconds(61);
    let id = world.instance("shop", 1_111_111_111).await;
    world.accepted(&world.delete(id)).await;
    assert!(world.entry(entries[0]).await.unwrap().hold.is_some(), "a finished account keeps its name");
}

#[tokio::test]
async fn an_account_token_that_was_replaced_in_a_crash_is_released() {
    for steps in 1..4 {
        let mut world = World::start().await;
        let create = accounts::create(&world, 1, "acme", "t1");
        world.accepted(&create).await;
        world.log.fail_after(steps);
        world.send(&accounts::rotate(&world, 1, "t2")).await;
        world.crash().await;
        world.log.mend();
        world.add_replica().await;
        world.clock.advance_seconds(61);
        let rotated = steps > 1;
        world
            .until("one token is left", async || {
                let first = world.entry(world.token_entry("t1")).await.unwrap().hold.is_some();
                let second = world.entry(world.token_entry("t2")).await.unwrap().hold.is_some();
                (first, second) == (!rotated, rotated)
            })
            .await;
    }
}

#[tokio::test]
async fn another_replica_goes_on_when_the_first_dies() {
    let mut world = World::start().await;
    world.add_replica().await;
    let id = world.instance("shop", 1_111_111_111).await;
    world.accepted(&world.request(id, ConnectV1 { method: MethodV1::Qr })).await;
    world.crash_first().await;
    world.clock.advance_seconds(200);
    world
        .until("the attempt is ended", async || {
            matches!(world.state(id).await.unwrap().phase, PhaseV1::Created)
        })
        .await;
    let commits = world.commits(StreamKey::instance(id)).await;
    assert_eq!(commits.len(), 3, "created, requested, ended");
}
