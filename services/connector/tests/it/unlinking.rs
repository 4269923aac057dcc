//! Ending sessions: by a command, from the phone, by a delete; and the device that is unlinked after it.

use std::sync::atomic::Ordering;

use berth_proto::instance::{PhaseV1, UnlinkStatusV1};
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn a_logout_is_followed_by_a_confirmed_unlink() {
    let world = World::new().await;
    let _connector = world.connector().await;
    let id = world.linked().await;
    world.plays(id, json!({"action": "confirm_unlink_twice"})).await;
    world.logout(id).await;
    world.until_unlink(id, UnlinkStatusV1::Confirmed).await;
    world.until("the keys are gone", async || !world.has_device_keys(id, 1).await).await;
    let events = world.events(id).await;
    assert_eq!(events[events.len() - 3..], ["LoggedOut", "WebhooksSuspended", "DeviceUnlinked"]);
    world.link(id).await;
    assert_eq!(world.state(id).await.attempt, 2);
}

#[tokio::test]
async fn a_logout_from_the_phone_needs_no_unlink() {
    let world = World::new().await;
    let _connector = world.connector().await;
    let id = world.linked().await;
    world.plays(id, json!({"action": "logout_from_phone"})).await;
    let state = world.state(id).await;
    assert!(matches!(state.phase, PhaseV1::LoggedOut { .. }));
    assert!(state.unlinks.is_empty());
    assert!(!world.has_device_keys(id, 1).await);
}

#[tokio::test]
async fn a_logout_with_a_dead_socket_is_done_and_the_unlink_is_pursued() {
    let world = World::new().await;
    let _connector = world.connector().await;
    let id = world.linked().await;
    world.plays(id, json!({"action": "fail_unlink", "times": 2})).await;
    world.plays(id, json!({"action": "drop", "returns": false})).await;
    world.logout(id).await;
    let state = world.state(id).await;
    assert!(matches!(state.phase, PhaseV1::LoggedOut { .. }));
    assert_eq!(state.unlinks.last().unwrap().status, UnlinkStatusV1::Pending);
    world.until_unlink(id, UnlinkStatusV1::Confirmed).await;
}

#[tokio::test]
async fn an_unlink_that_gets_no_answer_is_tried_again() {
    let world = World::new().await;
    let _connector = world.connector().await;
    let id = world.linked().await;
    world.plays(id, json!({"action": "unlink_timeout"})).await;
    world.logout(id).await;
    world.until_unlink(id, UnlinkStatusV1::Pending).await;
    // An answer would have come by now, and the instance can be connected meanwhile.
    world.link(id).await;
    world.plays(id, json!({"action": "heal"})).await;
    world.until_unlink(id, UnlinkStatusV1::Confirmed).await;
    world.until("the keys are gone", async || !world.has_device_keys(id, 1).await).await;
    assert!(world.has_device_keys(id, 2).await);
}

#[tokio::test]
async fn an_unlink_that_is_never_answered_is_abandoned_at_its_deadline() {
    let world = World::new().await;
    let _connector = world.connector().await;
    let id = world.linked().await;
    world.plays(id, json!({"action": "unlink_timeout"})).await;
    world.logout(id).await;
    world.until_unlink(id, UnlinkStatusV1::Pending).await;
    world.clock.advance_seconds(berth_domain::instance::UNLINK_SECONDS + 60);
    world.until_unlink(id, UnlinkStatusV1::Abandoned).await;
    world.until("the keys are gone", async || !world.has_device_keys(id, 1).await).await;
}

#[tokio::test]
async fn an_unlink_without_keys_is_abandoned() {
    let world = World::new().await;
    let connector = world.connector().await;
    let id = world.linked().await;
    connector.kill().await;
    world.device_keys.delete(id, 1).await.unwrap();
    world.logout(id).await;
    let _next = world.connector().await;
    world.until_unlink(id, UnlinkStatusV1::Abandoned).await;
}

#[tokio::test]
async fn a_deleted_instance_is_unlinked_without_its_data_key() {
    let world = World::new().await;
    let connector = world.connector().await;
    let id = world.linked().await;
    connector.kill().await;
    world.delete(id).await;
    world
        .until("the data key is gone", async || world.keys.key(id.as_bytes()).await.unwrap().is_none())
        .await;
    // The next owner has nothing but the device's own keys.
    let _next = world.connector().await;
    world.until_unlink(id, UnlinkStatusV1::Confirmed).await;
    world.until("the keys are gone", async || !world.has_device_keys(id, 1).await).await;
}

#[tokio::test]
async fn a_device_that_is_linked_while_its_attempt_is_cancelled_is_unlinked() {
    let world = World::new().await;
    let _connector = world.connector().await;
    let id = world.instance().await;
    world.connect(id).await;
    world.until_qr(id, 1).await;
    // The phone scans, and its report waits at the door while the attempt is ended and the link stopped.
    world.bus.closed.store(true, Ordering::SeqCst);
    let cancelling = async {
        let reported = async || world.bus.sent().iter().any(|sent| sent.1 == "ReportLinked");
        world.until("the device is linked", reported).await;
        assert!(world.has_device_keys(id, 1).await);
        world.logout(id).await;
    };
    let (reply, ()) = tokio::join!(world.play(id, json!({"action": "scan"})), cancelling);
    assert_eq!(reply["code"], "not_connected");
    world.bus.open();
    world.until("the device is unlinked", async || !world.has_device_keys(id, 1).await).await;
    assert_eq!(world.state(id).await.phase, PhaseV1::Created);
    assert!(!world.events(id).await.contains(&"DeviceLinked"));
}
