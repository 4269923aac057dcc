//! Names at upstreams: one living instance has one, whichever account it belongs to, and it passes on when nothing is left there.

use berth_domain::instance::binding_block;
use berth_proto::{
    AccountId, InstanceId, Sealed, WriteVersion,
    command::{ConnectV1, ReportUnlinkedV1, ReportV1},
    frame::{CommandReplyV1, RejectionCodeV1},
    instance::{MethodV1, UnlinkStatusV1},
};
use berth_session_aggregate::Settings;

use crate::{
    moving::{move_to, target, with_target, world as two_accounts},
    world::{Wanted, World, accepted, rejected, unavailable},
};

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// What an instance of this name here is to be called there, with the number of its own that it has here.
fn called(name: &str, there: &str, number: u64) -> Wanted {
    at("evolution", "evo1", name, there, number)
}

fn at(kind: &str, upstream: &str, name: &str, there: &str, number: u64) -> Wanted {
    let block = binding_block(kind, upstream, Sealed(Vec::new()));
    Wanted { settings: vec![(block.owner, there.to_owned())], ..Wanted::named(name, number) }
}

/// Makes it in that account.
async fn create_in(world: &mut World, account: AccountId, wanted: &Wanted) -> CommandReplyV1 {
    let own = std::mem::replace(&mut world.account, account);
    let reply = world.create(wanted).await;
    world.account = own;
    reply
}

async fn made(world: &World, wanted: &Wanted) -> InstanceId {
    accepted(world.create(wanted).await).stream_id.instance()
}

/// Who has this name at `evo1`, and for which account.
async fn holder(world: &World, there: &str) -> Option<(InstanceId, AccountId)> {
    let entry = world.keys.master().entry_at_upstream("evo1", there);
    let hold = world.entry(entry).await?.hold?;
    Some((hold.instance?, hold.account))
}

#[tokio::test]
async fn one_living_instance_has_a_name_there_whichever_account_it_belongs_to() {
    let mut world = two_accounts().await;
    let own = world.account;
    let shop = made(&world, &called("shop", "shop", 1_111_111_111)).await;
    assert_eq!(holder(&world, "shop").await, Some((shop, own)));

    let others = called("till", "shop", 2_222_222_222);
    let refused = create_in(&mut world, target(), &others).await;
    assert_eq!(rejected(refused), RejectionCodeV1::NameTaken);
    let again = called("kiosk", "shop", 3_333_333_333);
    assert_eq!(
        rejected(world.create(&again).await),
        RejectionCodeV1::NameTaken,
        "nor another of its account"
    );
    // Nothing of these was left behind.
    accepted(create_in(&mut world, target(), &called("till", "till", 2_222_222_222)).await);
    made(&world, &called("kiosk", "kiosk", 3_333_333_333)).await;

    // Elsewhere it is another name, and workers have none.
    made(&world, &at("evolution", "evo2", "bar", "shop", 4_444_444_444)).await;
    for number in [5_555_555_555, 6_666_666_666] {
        made(&world, &at("worker", "baileys", &format!("w{number}"), "shop", number)).await;
    }
    world.verify(shop).await;
}

#[tokio::test]
async fn of_two_that_come_at_once_one_has_it() {
    for _ in 0..8 {
        let mut world = two_accounts().await;
        world.add_replica().await;
        let own = world.account;
        let (_, first) = world.create_request(&called("shop", "shop", 1_111_111_111)).await;
        world.account = target();
        let (_, second) = world.create_request(&called("till", "shop", 2_222_222_222)).await;
        world.account = own;
        let (first, second) = tokio::join!(world.send(&first), world.send(&second));
        let (made, refused) = match (first, second) {
            (CommandReplyV1::Accepted(made), refused) | (refused, CommandReplyV1::Accepted(made)) => {
                (made, refused)
            }
            neither => panic!("{neither:?}"),
        };
        assert_eq!(rejected(refused), RejectionCodeV1::NameTaken);
        assert_eq!(holder(&world, "shop").await.map(|(id, _)| id), Some(made.stream_id.instance()));
    }
}

#[tokio::test]
async fn it_goes_with_its_instance_to_another_account() {
    let world = two_accounts().await;
    let shop = made(&world, &called("shop", "there", 1_111_111_111)).await;
    world.accepted(&move_to(&world, shop, target(), false).await).await;
    assert_eq!(holder(&world, "there").await, Some((shop, target())));
    let former = called("till", "there", 2_222_222_222);
    assert_eq!(rejected(world.create(&former).await), RejectionCodeV1::NameTaken);
}

#[tokio::test]
async fn a_move_that_crashed_takes_it_along_later() {
    // Of the appends of a move: name, instance, former name, token, number, name there.
    for steps in 2..=5 {
        let mut world = two_accounts().await;
        let shop = made(&world, &called("shop", "there", 1_111_111_111)).await;
        let moving = move_to(&world, shop, target(), false).await;
        world.log.fail_after(steps);
        world.send(&moving).await;
        world.crash().await;
        world.log.mend();
        world.add_replica().await;
        world.clock.advance_seconds(61);
        let moved = async || holder(&world, "there").await == Some((shop, target()));
        world.until(&format!("it is taken along after {steps}"), moved).await;
    }
}

#[tokio::test]
async fn it_is_free_when_nothing_of_a_deleted_instance_is_left_there() {
    let mut world = two_accounts().await;
    let never = made(&world, &called("shop", "there", 1_111_111_111)).await;
    world.accepted(&world.delete(never)).await;
    let others = called("till", "there", 2_222_222_222);
    let second = accepted(create_in(&mut world, target(), &others).await).stream_id.instance();
    assert_eq!(holder(&world, "there").await, Some((second, target())), "it had no device");

    // One with a device has it until that is unlinked.
    let linked = made(&world, &called("kiosk", "kiosk", 3_333_333_333)).await;
    world.link(linked, 1).await;
    world.accepted(&world.delete(linked)).await;
    let next = called("kiosk", "kiosk", 4_444_444_444);
    assert_eq!(rejected(world.create(&next).await), RejectionCodeV1::StillLeaving);
    let report = ReportV1 { attempt: 1, epoch: 1, number: 9 };
    world.accepted(&world.report(linked, ReportUnlinkedV1 { report, abandoned: None })).await;
    let next = made(&world, &next).await;

    // Or until that is given up.
    world.link(next, 1).await;
    world.accepted(&world.delete(next)).await;
    let last = called("kiosk", "kiosk", 5_555_555_555);
    assert_eq!(rejected(world.create(&last).await), RejectionCodeV1::StillLeaving);
    world.clock.advance_seconds(DAY_SECONDS + 60);
    let is_given_up =
        async || world.state(next).await.unwrap().unlinks[0].status == UnlinkStatusV1::Abandoned;
    world.until("its unlink is given up", is_given_up).await;
    // Its device may be linked there still: that is nobody else's, unless the operator says so.
    let others = called("bar", "kiosk", 6_666_666_666);
    assert_eq!(rejected(create_in(&mut world, target(), &others).await), RejectionCodeV1::NameTaken);
    made(&world, &last).await;
}

#[tokio::test]
async fn what_was_not_reserved_when_it_is_deleted_is_waited_for_all_the_same() {
    let mut world = World::without_replica().await;
    let before = Settings { write_version: WriteVersion::new(2).unwrap(), ..Settings::default() };
    world.add_replica_with(before).await;
    let shop = made(&world, &called("shop", "there", 1_111_111_111)).await;
    world.link(shop, 1).await;
    world.crash().await;
    world.add_replica().await;
    world.accepted(&world.delete(shop)).await;
    let next = called("shop", "there", 2_222_222_222);
    assert_eq!(rejected(world.create(&next).await), RejectionCodeV1::StillLeaving);
}

#[tokio::test]
async fn what_an_attempt_left_there_is_waited_for_and_given_up_after_a_day() {
    let world = World::start().await;
    for (number, is_ended) in [(1_111_111_111, true), (2_222_222_222, false)] {
        let wanted = called("shop", "shop", number);
        let shop = made(&world, &wanted).await;
        world.accepted(&world.request(shop, ConnectV1 { method: MethodV1::Qr })).await;
        world.keep_device_keys(shop, 1).await;
        world.accepted(&world.delete(shop)).await;
        assert!(world.keys.key(shop.as_bytes()).await.unwrap().is_none(), "its data are erased at once");
        let next = Wanted { number: number + 1, ..wanted };
        assert_eq!(rejected(world.create(&next).await), RejectionCodeV1::StillLeaving);
        if is_ended {
            // Whoever owns its link has asked the upstream.
            world.forget_device_keys(shop, 1).await;
        } else {
            world.clock.advance_seconds(DAY_SECONDS + 60);
            world.until("it is given up", async || !world.has_device_keys(shop, 1).await).await;
        }
        let next = made(&world, &next).await;
        world.accepted(&world.delete(next)).await;
    }
}

#[tokio::test]
async fn a_create_that_crashed_has_it_when_it_is_repeated_or_leaves_it_to_another() {
    for is_repeated in [true, false] {
        // Of six appends: creation key, name, token, number, name there, instance.
        for steps in 1..=5 {
            let mut world = with_target(World::start().await).await;
            let (id, request) =
                world.create_request(&called("shop", "there", 1_111_111_111).keyed("c")).await;
            world.log.fail_after(steps);
            assert!(unavailable(&world.send(&request).await), "after {steps}");
            world.crash().await;
            world.log.mend();
            world.add_replica().await;
            if is_repeated {
                accepted(world.send(&request).await);
                assert_eq!(holder(&world, "there").await, Some((id, world.account)), "after {steps}");
                continue;
            }
            world.clock.advance_seconds(61);
            let is_given_up = async || world.keys.key(id.as_bytes()).await.unwrap().is_none();
            world.until("it is given up", is_given_up).await;
            let others = called("till", "there", 2_222_222_222);
            let made = accepted(create_in(&mut world, target(), &others).await).stream_id.instance();
            assert_eq!(holder(&world, "there").await, Some((made, target())), "after {steps}");
        }
    }
}

#[tokio::test]
async fn what_was_made_before_names_were_reserved_has_its_own_after_the_upgrade() {
    let mut world = World::without_replica().await;
    let before = Settings { write_version: WriteVersion::new(2).unwrap(), ..Settings::default() };
    world.add_replica_with(before).await;
    let shop = made(&world, &called("shop", "there", 1_111_111_111)).await;
    let deleted = made(&world, &called("bar", "bar", 2_222_222_222)).await;
    world.accepted(&world.delete(deleted)).await;
    assert_eq!(holder(&world, "there").await, None, "a process of the release before could not read it");
    world.crash().await;

    world.add_replica().await;
    world.until("it is reserved", async || holder(&world, "there").await.is_some()).await;
    assert_eq!(holder(&world, "there").await, Some((shop, world.account)));
    let second = called("till", "there", 3_333_333_333);
    assert_eq!(rejected(world.create(&second).await), RejectionCodeV1::NameTaken);
    made(&world, &called("bar", "bar", 2_222_222_222)).await;
    world.verify(shop).await;
}
