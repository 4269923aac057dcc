//! Creates that are overtaken between two steps.

use std::sync::Arc;

use berth_bus::{Bus, local::LocalBus};
use berth_proto::frame::RejectionCodeV1;
use berth_runtime::UniqueInAccount;

use crate::world::{Wanted, World, accepted, rejected};

/// Two replicas, each on a bus of its own; the first one sweeps.
async fn two_replicas() -> (World, Arc<dyn Bus>, Arc<dyn Bus>) {
    let mut world = World::without_replica().await;
    let (one, two): (Arc<dyn Bus>, Arc<dyn Bus>) = (Arc::new(LocalBus::new()), Arc::new(LocalBus::new()));
    world.add_replica_on(Arc::clone(&one)).await;
    world.until("the first replica sweeps", async || world.sweeps()).await;
    world.add_replica_on(Arc::clone(&two)).await;
    (world, one, two)
}

#[tokio::test]
async fn a_create_that_is_given_up_while_it_runs_loses_cleanly() {
    let (world, one, two) = two_replicas().await;
    let wanted = Wanted { alias: Some("ext".to_owned()), ..Wanted::named("shop", 1_111_111_111) };
    let (id, request) = world.create_request(&wanted).await;
    let go_on = world.log.pause_next();
    let slow = world.send_on(&two, &request);
    let overtake = async {
        world.until("the create is about to append", async || world.log.is_paused()).await;
        world.clock.advance_seconds(61);
        let gone = async || world.keys.key(id.as_bytes()).await.unwrap().is_none();
        world.until("it is given up", gone).await;
        go_on.send(()).unwrap();
    };
    let (reply, ()) = tokio::join!(slow, overtake);
    assert_eq!(rejected(reply), RejectionCodeV1::Changed);
    for entry in [
        world.account_entry(UniqueInAccount::Name, "shop").await,
        world.account_entry(UniqueInAccount::Alias, "ext").await,
        world.token_entry("token-of-shop"),
        world.number_entry(1_111_111_111),
    ] {
        assert_eq!(world.holder(entry).await, None);
    }
    let (_, again) = world.create_request(&wanted).await;
    accepted(world.send_on(&one, &again).await);
}

#[tokio::test]
async fn a_create_that_is_refused_while_another_gateway_finishes_it_answers_like_that_one() {
    let (world, one, two) = two_replicas().await;
    let (other, create) = world.create_request(&Wanted::named("other", 9_999_999_999)).await;
    accepted(world.send_on(&one, &create).await);
    // The token is taken when the first try looks, and free when the second does.
    let wanted =
        Wanted { token: "token-of-other".to_owned(), ..Wanted::named("shop", 1_111_111_111).keyed("c") };
    let (id, first) = world.create_request(&wanted).await;
    let (_, second) = world.create_request(&wanted).await;
    let go_on = world.log.pause_next();
    let slow = world.send_on(&two, &first);
    let overtake = async {
        world.until("the first try is about to give up", async || world.log.is_paused()).await;
        accepted(world.send_on(&one, &world.delete(other)).await);
        let made = accepted(world.send_on(&one, &second).await);
        go_on.send(()).unwrap();
        made.stream_id.instance()
    };
    let (reply, made) = tokio::join!(slow, overtake);
    assert_eq!((accepted(reply).stream_id.instance(), made), (id, id));
    for entry in [
        world.account_entry(UniqueInAccount::Name, "shop").await,
        world.token_entry("token-of-other"),
        world.number_entry(1_111_111_111),
    ] {
        assert_eq!(world.holder(entry).await, Some(id), "nothing of the living instance was released");
    }
    world.verify(id).await;
}

#[tokio::test]
async fn a_rotation_that_is_overtaken_by_the_process_manager_reserves_again() {
    let (world, one, two) = two_replicas().await;
    let (id, create) = world.create_request(&Wanted::named("shop", 1_111_111_111)).await;
    accepted(world.send_on(&one, &create).await);
    let rotation = world.request(id, world.rotate(id, "second"));
    let go_on = world.log.pause_next();
    let slow = world.send_on(&two, &rotation);
    let overtake = async {
        world.until("the rotation is about to append", async || world.log.is_paused()).await;
        world.clock.advance_seconds(61);
        let free = async || world.holder(world.token_entry("second")).await.is_none();
        world.until("its token is released", free).await;
        go_on.send(()).unwrap();
    };
    let (reply, ()) = tokio::join!(slow, overtake);
    accepted(reply);
    let hold = world.entry(world.token_entry("second")).await.unwrap().hold.unwrap();
    assert_eq!((hold.instance, hold.credential_version), (Some(id), 2));
    assert_eq!(world.state(id).await.unwrap().entries.token, world.token_entry("second"));
    world.verify(id).await;
}
