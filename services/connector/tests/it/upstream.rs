//! Instances on an Evolution API that plays every trick that the real one was seen to play.

use berth_proto::{
    InstanceId,
    event::{Event, LogoutOriginV1},
    instance::{PhaseV1, UnlinkStatusV1},
};
use serde_json::json;

use crate::{
    scripted::{Fault, Fourth, JID, Logout, Scripted},
    world::World,
};

const OTHER_JID: &str = "5511912345678@s.whatsapp.net";

/// The origins of the logouts of an instance.
fn origins(history: &[Event]) -> Vec<LogoutOriginV1> {
    let origin = |event: &Event| match event {
        Event::LoggedOut(out) => Some(out.origin),
        _ => None,
    };
    history.iter().filter_map(origin).collect()
}

/// An instance on the upstream that shows its first code.
pub(crate) async fn shows_a_code(world: &World) -> InstanceId {
    let id = world.instance_on("evo", "shop").await;
    world.connect(id).await;
    world.until_qr(id, 1).await;
    id
}

#[tokio::test]
async fn what_an_observed_upstream_says_is_told_once_and_nothing_is_asked_of_it() {
    let world = World::new().await;
    let (upstream, driver) = Scripted::start("observe").await;
    upstream.set("shop", "close", None);
    let _connector = world.connector_driven_by(driver).await;
    let id = world.instance_on("evo", "shop").await;
    upstream.looked_at(&world, 3).await;
    assert!(matches!(world.state(id).await.phase, PhaseV1::Created));

    // Somebody scans a code there.
    upstream.set("shop", "open", Some(JID));
    world.until_open(id).await;
    let found = ["InstanceCreated", "LinkBound", "DeviceLinked", "WebhooksResumed", "ConnectionOpened"];
    assert_eq!(world.events(id).await, found);

    // It flaps, and answers nonsense for a while; its database still has the code of an earlier end.
    upstream.script(|script| script.instances.get_mut("shop").unwrap().code = Some(401));
    for fault in [Fault::Html, Fault::Failing, Fault::Huge, Fault::Redirecting, Fault::OfAnotherInstance] {
        upstream.script(|script| script.fault = fault);
        upstream.looked_at(&world, 3).await;
        upstream.script(|script| script.fault = Fault::None);
        upstream.looked_at(&world, 3).await;
    }
    upstream.script(|script| script.instances.get_mut("shop").unwrap().socket = "connecting");
    upstream.looked_at(&world, 1).await;
    upstream.set("shop", "open", Some(JID));
    upstream.looked_at(&world, 3).await;
    assert_eq!(world.events(id).await, found, "nothing of that happened");

    // It is lost for longer, and comes back.
    upstream.script(|script| script.instances.get_mut("shop").unwrap().socket = "connecting");
    world.until("it is lost", async || world.events(id).await.last() == Some(&"ConnectionLost")).await;
    upstream.set("shop", "open", Some(JID));
    world.until_open(id).await;

    // It vanishes without a word: its link is lost, and no end of its session is made up.
    upstream.script(|script| script.instances.clear());
    world.until("it is lost again", async || world.events(id).await.last() == Some(&"ConnectionLost")).await;
    upstream.set("shop", "open", Some(JID));
    world.until_open(id).await;

    // The person removes the device on the phone, and links another one later.
    upstream.ended("shop", 401, json!({"tag": "conflict"}));
    world.until_state(id, "it is logged out", |state| matches!(state.phase, PhaseV1::LoggedOut { .. })).await;
    upstream.looked_at(&world, 3).await;
    assert_eq!(origins(&world.history(id).await), [LogoutOriginV1::Phone], "exactly once");
    upstream.set("shop", "open", Some(OTHER_JID));
    world.until_open(id).await;
    assert_eq!(world.state(id).await.attempt, 2);
    for asked in ["POST", "DELETE", "PUT", "GET /instance/connect/"] {
        assert_eq!(upstream.asked(asked), 0, "{asked}");
    }
}

#[tokio::test]
async fn a_driven_upstream_is_unlinked_when_that_can_succeed_and_is_believed_when_it_is_seen() {
    let world = World::new().await;
    let (upstream, driver) = Scripted::start("drive").await;
    let _connector = world.connector_driven_by(driver).await;
    let id = shows_a_code(&world).await;
    assert_eq!(world.code(id, "qr", 1).await.as_deref(), Some("2@the-code"));
    assert_eq!(upstream.asked("POST /instance/create"), 1);
    upstream.set("shop", "open", Some(JID));
    world.until_open(id).await;

    // It reconnects for ever: a logout there would wipe its keys and leave the device.
    upstream.script(|script| script.instances.get_mut("shop").unwrap().socket = "connecting");
    world.logout(id).await;
    assert!(matches!(world.state(id).await.phase, PhaseV1::LoggedOut { .. }), "decided at once");
    upstream.looked_at(&world, 2).await;
    world.clock.advance_seconds(3_600);
    assert_eq!(upstream.asked("DELETE"), 0);
    assert_eq!(world.state(id).await.unlinks[0].status, UnlinkStatusV1::Pending, "for an hour");
    // Then it is open, and lies.
    upstream.set("shop", "open", Some(JID));
    world.until("a logout is asked for", async || upstream.asked("DELETE") > 0).await;
    upstream.looked_at(&world, 3).await;
    assert_eq!(world.state(id).await.unlinks[0].status, UnlinkStatusV1::Pending);
    // Then it fails, and has done it.
    upstream.script(|script| script.logout = Logout::FailingThatWorks);
    world.until_unlink(id, UnlinkStatusV1::Confirmed).await;
    assert_eq!(origins(&world.history(id).await), [LogoutOriginV1::Command]);

    // Whoever links a device there now does not bring the session back.
    upstream.set("shop", "open", Some(JID));
    world.connect(id).await;
    world.until_qr(id, 1).await;
    assert_eq!(upstream.asked("DELETE"), 3, "what was linked there meanwhile is logged out first");
}

#[tokio::test]
async fn an_instance_without_an_upstream_has_the_own_driver_and_one_of_an_unknown_upstream_waits() {
    let world = World::new().await;
    let (_upstream, driver) = Scripted::start("drive").await;
    let _connector = world.connector_driven_by(driver).await;
    let (own, lost) = (world.instance().await, world.instance_on("gone", "shop").await);
    world.connect(lost).await;
    world.connect(own).await;
    world.until_qr(own, 1).await;
    assert!(matches!(world.state(lost).await.phase, PhaseV1::Connecting(_)));
    world.logout(lost).await;
    assert!(matches!(world.state(lost).await.phase, PhaseV1::Created), "a logout needs no upstream");
}

#[tokio::test]
async fn a_hint_makes_an_instance_be_looked_at() {
    let world = World::new().await;
    let upstream = Scripted::listening().await;
    upstream.set("shop", "close", None);
    let driver = upstream.driver_that_looks("observe", None, "60000");
    let _connector = world.connector_driven_by(driver).await;
    let id = world.instance_on("evo", "shop").await;
    world.until("it is looked at once", async || upstream.asked("GET /instance/connectionState") == 1).await;
    world
        .until("a hint is heard", async || {
            world.hint(id).await;
            upstream.asked("GET /instance/connectionState") > 1
        })
        .await;
}

#[tokio::test]
async fn a_restart_is_asked_for_once_and_only_where_the_upstream_is_driven() {
    let world = World::new().await;
    let upstream = Scripted::listening().await;
    upstream.set("shop", "open", Some(JID));
    let observing = world.connector_driven_by(upstream.driver("observe", None)).await;
    let id = world.instance_on("evo", "shop").await;
    world.until_open(id).await;
    // Decided before the upstream was only looked at: nothing is asked for.
    world.restart(id).await;
    upstream.looked_at(&world, 3).await;
    assert_eq!(upstream.asked("POST"), 0);
    observing.kill().await;

    let _driving = world.connector_driven_by(upstream.driver("drive", None)).await;
    upstream.looked_at(&world, 3).await;
    let before = upstream.asked("POST /instance/restart");
    world.restart(id).await;
    world.until("a restart is asked for", async || upstream.asked("POST /instance/restart") > before).await;
    upstream.looked_at(&world, 3).await;
    assert_eq!(upstream.asked("POST /instance/restart"), before + 1);
    world.until_open(id).await;
}

#[tokio::test]
async fn the_code_of_an_earlier_end_ends_nothing_while_its_database_knows_a_session() {
    let world = World::new().await;
    let (upstream, driver) = Scripted::start("drive").await;
    let _connector = world.connector_driven_by(driver).await;
    upstream.set("shop", "open", Some(JID));
    upstream.script(|script| script.instances.get_mut("shop").unwrap().code = Some(401));
    let id = world.instance_on("evo", "shop").await;
    world.until_open(id).await;

    // WhatsApp is away: its memory flaps.
    upstream.stands("shop", "close", "open");
    world.until("it is lost", async || world.events(id).await.last() == Some(&"ConnectionLost")).await;
    upstream.looked_at(&world, 10).await;
    assert_eq!(origins(&world.history(id).await), [], "no session ended");
    // Nor is it unlinked by that code, nor asked to be, as long as it cannot succeed.
    world.logout(id).await;
    upstream.looked_at(&world, 5).await;
    assert_eq!(world.state(id).await.unlinks[0].status, UnlinkStatusV1::Pending);
    assert_eq!(upstream.asked("DELETE"), 0);

    // A new attempt waits for the former device, and does not take it for one that was just linked.
    world.connect(id).await;
    upstream.looked_at(&world, 10).await;
    assert_eq!(upstream.asked("GET /instance/connect/"), 0);
    upstream.script(|script| script.logout = Logout::FailingThatWorks);
    upstream.set("shop", "open", Some(JID));
    world.until_qr(id, 1).await;
    assert_eq!(world.events(id).await.iter().filter(|event| **event == "DeviceLinked").count(), 1);
}

#[tokio::test]
async fn an_unlink_is_asked_for_when_whatsapp_hears_it() {
    let world = World::new().await;
    let (upstream, driver) = Scripted::start("drive").await;
    upstream.script(|script| (script.logout, script.is_frozen) = (Logout::FailingThatWorks, true));
    let _connector = world.connector_driven_by(driver).await;
    upstream.set("shop", "open", Some(JID));
    let id = world.instance_on("evo", "shop").await;
    world.until_open(id).await;
    world.logout(id).await;
    world.until("whether it hears is asked", async || upstream.asked("POST /chat/") > 0).await;
    assert_eq!(upstream.asked("DELETE"), 0);
    world.until("it is asked again", async || upstream.asked("POST /chat/") > 1).await;
    assert_eq!(upstream.asked("DELETE"), 0);
    upstream.script(|script| script.is_frozen = false);
    world.until_unlink(id, UnlinkStatusV1::Confirmed).await;
}

#[tokio::test]
async fn an_unlink_is_not_asked_for_while_two_sockets_of_the_device_replace_each_other() {
    let world = World::new().await;
    let (upstream, driver) = Scripted::start("drive").await;
    upstream.script(|script| script.logout = Logout::FailingThatWorks);
    let _connector = world.connector_driven_by(driver).await;
    upstream.set("shop", "open", Some(JID));
    upstream.stands("shop", "open", "open");
    let id = world.instance_on("evo", "shop").await;
    world.until_open(id).await;
    upstream.script(|script| script.fourth = Fourth::Replaced);
    world.logout(id).await;
    // It would go to the socket that is just being replaced, be confirmed, and leave the other one.
    upstream.looked_at(&world, 12).await;
    assert_eq!(upstream.asked("DELETE"), 0);
    assert_eq!(world.state(id).await.unlinks[0].status, UnlinkStatusV1::Pending);

    // A restart of the upstream leaves one of them.
    upstream.script(|script| script.fourth = Fourth::Same);
    world.until_unlink(id, UnlinkStatusV1::Confirmed).await;
    assert_eq!(upstream.asked("DELETE"), 1);
}

#[tokio::test]
async fn an_unlink_is_asked_for_although_looks_fail_now_and_then() {
    let world = World::new().await;
    let (upstream, driver) = Scripted::start("drive").await;
    upstream.script(|script| script.logout = Logout::FailingThatWorks);
    let _connector = world.connector_driven_by(driver).await;
    upstream.set("shop", "open", Some(JID));
    let id = world.instance_on("evo", "shop").await;
    world.until_open(id).await;
    upstream.script(|script| script.fourth = Fourth::Failing);
    world.logout(id).await;
    world.until_unlink(id, UnlinkStatusV1::Confirmed).await;
    assert_eq!(upstream.asked("DELETE"), 1);
}
