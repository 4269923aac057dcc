//! A login at an Evolution API that hangs: it may have come of an attempt which is over, and nobody can tell it from one that comes.

use axum::http::StatusCode;
use berth_proto::InstanceId;

use crate::{
    comes::Comes,
    scripted::{Fault, Fourth, JID, Logout, Script, Scripted},
    upstream::shows_a_code,
    world::{Connector, World},
};

#[tokio::test]
async fn codes_of_which_one_was_scanned_are_not_ended_however_long_the_login_takes() {
    for is_deleted in [false, true] {
        let world = World::new().await;
        let (upstream, driver) = Scripted::start("drive").await;
        upstream.script(|script| (script.logout, script.is_paired) = (Logout::FailingThatWorks, Some(false)));
        let _connector = world.connector_driven_by(driver).await;
        let id = shows_a_code(&world).await;
        // It was scanned, and WhatsApp does not answer the login: by its state nobody can tell that from a code that is shown.
        upstream.script(|script| script.is_paired = Some(true));
        if is_deleted {
            world.delete(id).await;
        } else {
            world.logout(id).await;
        }
        upstream.looked_at(&world, 40).await;
        assert_eq!(upstream.asked("DELETE"), 0, "it would leave a device that nobody can unlink");
        // The login fails, and is tried again.
        upstream.stands("shop", "close", "connecting");
        upstream.looked_at(&world, 4).await;
        upstream.set("shop", "open", Some(JID));
        world.until("nothing is kept of it", async || !world.has_device_keys(id, 1).await).await;
        assert_eq!(upstream.asked("DELETE"), 1);
    }
}

#[tokio::test]
async fn a_login_that_hangs_for_an_hour_is_ended_so_that_its_name_is_free() {
    let hangs: [fn(&mut Script); 5] = [
        |script| script.is_paired = Some(true),
        // The upstream cannot say whether it does.
        |script| (script.is_paired, script.untold) = (None, StatusCode::SERVICE_UNAVAILABLE),
        // It is never seen to connect for a second.
        |script| (script.is_paired, script.fourth) = (Some(true), Fourth::Replaced),
        // Some looks fail.
        |script| (script.is_paired, script.fourth) = (Some(true), Fourth::Failing),
        // It has given up, but for its database.
        |script| {
            script.is_paired = Some(true);
            script.stand("shop", "close", "connecting");
        },
    ];
    for (case, hang) in hangs.into_iter().enumerate() {
        let world = World::new().await;
        let (upstream, driver) = Scripted::start("drive").await;
        upstream.script(|script| (script.logout, script.is_paired) = (Logout::FailingThatWorks, Some(false)));
        let _connector = world.connector_driven_by(driver).await;
        let id = shows_a_code(&world).await;
        upstream.script(hang);
        world.delete(id).await;
        upstream.looked_at(&world, 40).await;
        nearly_an_hour_passes(&world, &upstream).await;
        upstream.looked_at(&world, 40).await;
        assert_eq!(upstream.asked("DELETE"), 0, "{case}: it may still come");
        world.clock.advance_seconds(2 * 60);
        world.until("nothing is kept of it", async || !world.has_device_keys(id, 1).await).await;
        assert_eq!(upstream.asked("DELETE"), 1, "{case}");
        assert_eq!(upstream.script(|script| script.instances["shop"].socket), "close", "{case}");
    }
}

/// An hour less a minute, in which it is looked at.
async fn nearly_an_hour_passes(world: &World, upstream: &Scripted) {
    for _ in 0..6 {
        world.clock.advance_seconds(9 * 60);
        upstream.looked_at(world, 30).await;
    }
    world.clock.advance_seconds(5 * 60);
}

#[tokio::test]
async fn a_login_that_hangs_for_an_hour_where_it_is_only_looked_is_left_and_its_name_is_free() {
    let world = World::new().await;
    let (upstream, driver) = Scripted::start("drive").await;
    upstream.script(|script| (script.logout, script.is_paired) = (Logout::FailingThatWorks, Some(false)));
    let connector = world.connector_driven_by(driver).await;
    let id = shows_a_code(&world).await;
    upstream.script(|script| script.is_paired = Some(true));
    connector.kill().await;
    // The attempt ran until then, and is over.
    let _looks = world.connector_driven_by(upstream.driver("observe", None)).await;
    upstream.looked_at(&world, 40).await;
    nearly_an_hour_passes(&world, &upstream).await;
    upstream.looked_at(&world, 40).await;
    assert!(world.has_device_keys(id, 1).await, "it may still come");
    world.clock.advance_seconds(2 * 60);
    world.until("nothing is kept of it", async || !world.has_device_keys(id, 1).await).await;
    assert_eq!(upstream.asked("DELETE"), 0);
}

#[tokio::test]
async fn a_login_that_begins_after_its_upstream_was_away_for_hours_is_waited_for() {
    let world = World::new().await;
    let (upstream, driver) = Scripted::start("drive").await;
    upstream.script(|script| (script.logout, script.is_paired) = (Logout::FailingThatWorks, Some(true)));
    let _connector = world.connector_driven_by(driver).await;
    let id = shows_a_code(&world).await;
    // It was scanned, and looked at, when the upstream went away.
    world.delete(id).await;
    upstream.looked_at(&world, 40).await;
    upstream.script(|script| script.fault = Fault::Failing);
    upstream.looked_at(&world, 20).await;
    world.clock.advance_seconds(2 * 60 * 60);
    upstream.script(|script| script.fault = Fault::None);
    upstream.looked_at(&world, 40).await;
    assert_eq!(upstream.asked("DELETE"), 0, "it may still come");
    upstream.set("shop", "open", Some(JID));
    world.until("nothing is kept of it", async || !world.has_device_keys(id, 1).await).await;
    assert_eq!(upstream.asked("DELETE"), 1);
}

/// A login that came of an attempt which is over, and was given up there: an hour less a minute ago.
async fn given_up(upstream: &Scripted, poll_ms: &str) -> (World, InstanceId, Connector) {
    let world = World::new().await;
    upstream.script(|script| (script.logout, script.is_paired) = (Logout::FailingThatWorks, Some(true)));
    let connector = world.connector_driven_by(upstream.driver_that_looks("drive", None, poll_ms)).await;
    let id = shows_a_code(&world).await;
    upstream.stands("shop", "close", "connecting");
    world.delete(id).await;
    upstream.looked_at(&world, 10).await;
    nearly_an_hour_passes(&world, upstream).await;
    (world, id, connector)
}

#[tokio::test]
async fn an_upstream_that_gives_each_connect_up_is_logged_out_nevertheless() {
    // Soon after it was asked, and before anybody could see that it connects.
    for looks in [3, 0] {
        let upstream = Scripted::listening().await;
        let (world, id, _connector) = given_up(&upstream, "20").await;
        let before = upstream.asked("GET /instance/connect/");
        upstream.script(|script| script.comes = Some(Comes::given_up(usize::MAX, looks)));
        world.clock.advance_seconds(2 * 60);
        world.until("nothing is kept of it", async || !world.has_device_keys(id, 1).await).await;
        assert!(upstream.asked("GET /instance/connect/") > before);
        assert_eq!(upstream.asked("DELETE"), 1, "{looks}");
    }
}

#[tokio::test]
async fn a_login_that_comes_of_a_new_connect_is_logged_out_when_it_is_there_and_not_in_its_middle() {
    // Of the first one, or of the one after it.
    for given_up_before in [0, 1] {
        let upstream = Scripted::listening().await;
        let (world, id, _connector) = given_up(&upstream, "50").await;
        upstream.script(|script| script.comes = Some(Comes::given_up(given_up_before, 1)));
        world.clock.advance_seconds(2 * 60);
        let mut asked_before = 0;
        let is_there = async || {
            upstream.script(|script| {
                asked_before = script.asked("DELETE");
                script.instances["shop"].socket == "open"
            })
        };
        world.until("it logs in", is_there).await;
        assert_eq!(asked_before, 0, "{given_up_before}");
        world.until("nothing is kept of it", async || !world.has_device_keys(id, 1).await).await;
        assert_eq!(upstream.asked("DELETE"), 1);
    }
}

#[tokio::test]
async fn a_login_that_somebody_else_began_there_is_left_by_an_attempt_that_could_ask_for_no_code() {
    let world = World::new().await;
    let (upstream, driver) = Scripted::start("drive").await;
    upstream.script(|script| (script.logout, script.is_paired) = (Logout::FailingThatWorks, Some(true)));
    let _connector = world.connector_driven_by(driver).await;
    let id = world.instance_on("evo", "shop").await;
    upstream.set("shop", "connecting", None);
    world.connect(id).await;
    world.until("it has begun", async || world.has_device_keys(id, 1).await).await;
    upstream.looked_at(&world, 10).await;
    world.delete(id).await;
    world.until("nothing is kept of it", async || !world.has_device_keys(id, 1).await).await;
    assert_eq!((upstream.asked("DELETE"), upstream.asked("GET /instance/connect/")), (0, 0));
}

#[tokio::test]
async fn a_login_of_a_former_attempt_is_unlinked_by_the_next_one_that_could_ask_for_no_code() {
    let world = World::new().await;
    let (upstream, driver) = Scripted::start("drive").await;
    upstream.script(|script| (script.logout, script.is_paired) = (Logout::FailingThatWorks, Some(false)));
    let _connector = world.connector_driven_by(driver).await;
    let id = shows_a_code(&world).await;
    upstream.script(|script| script.is_paired = Some(true));
    world.logout(id).await;
    upstream.looked_at(&world, 10).await;
    world.connect(id).await;
    world.until("the next one sees to it", async || !world.has_device_keys(id, 1).await).await;
    upstream.looked_at(&world, 10).await;
    world.delete(id).await;
    upstream.looked_at(&world, 10).await;
    assert_eq!(upstream.asked("DELETE"), 0, "it may still come");
    upstream.set("shop", "open", Some(JID));
    world.until("nothing is kept of it", async || !world.has_device_keys(id, 2).await).await;
    assert_eq!(upstream.asked("DELETE"), 1);
}
