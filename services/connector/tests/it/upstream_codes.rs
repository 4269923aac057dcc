//! Codes that an Evolution API shows: asked for, passed on, and ended with their attempt, but not while somebody who scanned one logs in.

use axum::http::StatusCode;

use crate::{
    scripted::{Fault, JID, Logout, Scripted},
    upstream::shows_a_code,
    world::World,
};

#[tokio::test]
async fn a_pairing_code_is_asked_for_with_the_number_and_shown_as_often_as_it_changes() {
    let world = World::new().await;
    let (upstream, driver) = Scripted::start("drive").await;
    let _connector = world.connector_driven_by(driver).await;
    let id = world.instance_on("evo", "shop").await;
    world.connect_by_code(id, "5511987654321").await;
    world.until("the first code", async || world.code(id, "pairing", 1).await.is_some()).await;
    assert_eq!(world.code(id, "pairing", 1).await.as_deref(), Some("ABCD1234"));
    upstream.script(|script| script.pairing = "WXYZ9876");
    world.until("the second code", async || world.code(id, "pairing", 2).await.is_some()).await;
    assert_eq!(world.code(id, "pairing", 2).await.as_deref(), Some("WXYZ9876"));
    assert!(upstream.script(|script| script.numbers.iter().all(|number| number == "5511987654321")));
    upstream.set("shop", "open", Some(JID));
    world.until_open(id).await;
    assert_eq!(upstream.asked("DELETE"), 0, "nothing was in the way");
}

#[tokio::test]
async fn a_pairing_code_that_is_not_ready_with_its_qr_code_is_asked_for_again_before_that_is_over() {
    let world = World::new().await;
    let upstream = Scripted::listening().await;
    // With these pauses its QR code counts as shown for longer than the story waits for anything.
    let _connector = world.connector_driven_by(upstream.driver_that_looks("drive", None, "1000")).await;
    upstream.script(|script| script.pairing_after = 3);
    let id = world.instance_on("evo", "shop").await;
    world.connect_by_code(id, "5511987654321").await;
    world.until("a code can be typed", async || world.code(id, "pairing", 1).await.is_some()).await;
}

#[tokio::test]
async fn the_code_of_the_session_before_is_not_shown_again() {
    let world = World::new().await;
    let (upstream, driver) = Scripted::start("drive").await;
    upstream.script(|script| script.logout = Logout::FailingThatWorks);
    let _connector = world.connector_driven_by(driver).await;
    let id = shows_a_code(&world).await;
    world.logout(id).await;
    world.until("its codes end", async || upstream.asked("DELETE") == 1).await;
    // It answers the former one until WhatsApp has given another.
    upstream.script(|script| script.stale = 3);
    world.connect(id).await;
    world.until_qr(id, 1).await;
    assert_eq!(world.code(id, "qr", 1).await.as_deref(), Some("2@the-code-2"));
}

#[tokio::test]
async fn codes_of_the_session_before_are_replaced_before_they_are_over() {
    let world = World::new().await;
    let upstream = Scripted::listening().await;
    upstream.set("shop", "close", None);
    upstream.script(|script| script.is_paired = Some(false));
    let _connector = world.connector_driven_by(upstream.driver_that_looks("drive", None, "1000")).await;
    let id = world.instance_on("evo", "shop").await;
    world.connect_by_code(id, "5511987654321").await;
    // It has shown these before, and answers them until it has others.
    world.until("a code can be typed", async || world.code(id, "pairing", 1).await.is_some()).await;
    upstream.script(|script| script.pairing = "WXYZ9876");
    world.until("the new one is shown", async || world.code(id, "pairing", 2).await.is_some()).await;
    assert_eq!(world.code(id, "pairing", 2).await.as_deref(), Some("WXYZ9876"));
}

#[tokio::test]
async fn a_code_is_not_asked_for_between_a_scan_and_the_login_and_a_link_that_opened_is_not_restarted() {
    let world = World::new().await;
    let (upstream, driver) = Scripted::start("drive").await;
    let _connector = world.connector_driven_by(driver).await;
    upstream.set("shop", "close", None);
    let id = world.instance_on("evo", "shop").await;
    upstream.looked_at(&world, 3).await;
    world.connect(id).await;
    world.until_qr(id, 1).await;
    upstream.stands("shop", "close", "connecting");
    upstream.looked_at(&world, 2).await;
    let before = upstream.asked("GET /instance/connect/");
    upstream.looked_at(&world, 8).await;
    assert_eq!(
        upstream.asked("GET /instance/connect/"),
        before,
        "it would be a second connection of the same device"
    );
    upstream.set("shop", "open", Some(JID));
    world.until_open(id).await;
    upstream.looked_at(&world, 5).await;
    assert_eq!(upstream.asked("POST /instance/restart"), 0);
    assert_eq!(upstream.asked("DELETE"), 0);
}

#[tokio::test]
async fn codes_end_with_their_attempt_and_those_of_another_are_not_shown() {
    let world = World::new().await;
    let (upstream, driver) = Scripted::start("drive").await;
    upstream.script(|script| script.logout = Logout::FailingThatWorks);
    let _connector = world.connector_driven_by(driver).await;
    for deleted in [false, true] {
        let name = if deleted { "harbour" } else { "shop" };
        let id = world.instance_on("evo", name).await;
        // Somebody has codes shown there, which would hide that one is to be typed.
        upstream.set(name, "connecting", None);
        let before = upstream.asked("DELETE");
        world.connect_by_code(id, "5511987654321").await;
        world.until("a code can be typed", async || world.code(id, "pairing", 1).await.is_some()).await;
        assert_eq!(upstream.asked("DELETE"), before + 1);
        if deleted {
            world.delete(id).await;
        } else {
            world.logout(id).await;
        }
        world.until("its codes end", async || upstream.asked("DELETE") == before + 2).await;
        assert_eq!(upstream.script(|script| script.instances[name].socket), "close");
    }
}

#[tokio::test]
async fn codes_that_are_shown_when_it_is_only_looked_from_now_on_are_ended_and_a_device_is_left() {
    for is_scanned in [false, true] {
        let world = World::new().await;
        let (upstream, driver) = Scripted::start("drive").await;
        upstream.script(|script| script.logout = Logout::FailingThatWorks);
        let connector = world.connector_driven_by(driver).await;
        let id = shows_a_code(&world).await;
        connector.kill().await;
        if is_scanned {
            upstream.set("shop", "open", Some(JID));
        }
        let _looks = world.connector_driven_by(upstream.driver("observe", None)).await;
        world.until("nothing is kept of it", async || !world.has_device_keys(id, 1).await).await;
        if is_scanned {
            // Who scanned it linked the device there, and it is found as any other.
            world.until_open(id).await;
            assert_eq!(upstream.asked("DELETE"), 0);
        } else {
            assert_eq!(upstream.script(|script| script.instances["shop"].socket), "close");
            upstream.looked_at(&world, 10).await;
            assert_eq!(upstream.asked("DELETE"), 1, "and nothing else is asked for");
        }
    }
}

#[tokio::test]
async fn codes_of_an_attempt_that_was_over_before_it_is_only_looked_are_left() {
    let world = World::new().await;
    let (upstream, driver) = Scripted::start("drive").await;
    upstream.script(|script| script.logout = Logout::FailingThatWorks);
    let connector = world.connector_driven_by(driver).await;
    let id = shows_a_code(&world).await;
    connector.kill().await;
    world.logout(id).await;
    let _looks = world.connector_driven_by(upstream.driver("observe", None)).await;
    world.until("nothing is kept of it", async || !world.has_device_keys(id, 1).await).await;
    upstream.looked_at(&world, 10).await;
    assert_eq!(upstream.asked("DELETE"), 0, "somebody may have asked for them there");
}

#[tokio::test]
async fn codes_end_where_it_is_not_told_whether_one_was_scanned_and_not_while_that_fails() {
    for (untold, is_told_later) in [
        (StatusCode::NOT_FOUND, false),
        (StatusCode::FORBIDDEN, false),
        (StatusCode::OK, false),
        (StatusCode::SERVICE_UNAVAILABLE, true),
    ] {
        let world = World::new().await;
        let (upstream, driver) = Scripted::start("drive").await;
        upstream.script(|script| (script.logout, script.untold) = (Logout::FailingThatWorks, untold));
        let _connector = world.connector_driven_by(driver).await;
        let id = shows_a_code(&world).await;
        world.delete(id).await;
        if is_told_later {
            upstream.looked_at(&world, 40).await;
            assert_eq!(upstream.asked("DELETE"), 0, "{untold}");
            upstream.script(|script| script.is_paired = Some(false));
        }
        world.until("nothing is kept of it", async || !world.has_device_keys(id, 1).await).await;
        assert_eq!(upstream.asked("DELETE"), 1, "{untold}");
    }
}

#[tokio::test]
async fn what_an_attempt_shows_is_ended_by_whoever_owns_the_link_next() {
    for (is_deleted, is_scanned) in [(false, false), (false, true), (true, false), (true, true)] {
        let world = World::new().await;
        let (upstream, driver) = Scripted::start("drive").await;
        upstream.script(|script| script.logout = Logout::FailingThatWorks);
        let connector = world.connector_driven_by(driver).await;
        let id = shows_a_code(&world).await;
        // Whoever runs the attempt dies in the moment in which it is ended.
        connector.kill().await;
        if is_deleted {
            world.delete(id).await;
        } else {
            world.logout(id).await;
        }
        assert_eq!(upstream.script(|script| script.instances["shop"].socket), "connecting");
        if is_scanned {
            upstream.set("shop", "open", Some(JID));
        }
        let next = world.connector_driven_by(upstream.driver("drive", None)).await;
        let is_over = async || upstream.script(|script| script.instances["shop"].socket) == "close";
        world.until("it is ended there", is_over).await;
        world.until("nothing is kept of it", async || !world.has_device_keys(id, 1).await).await;
        next.kill().await;

        // Once is enough.
        let asked = upstream.asked("DELETE");
        let _last = world.connector_driven_by(upstream.driver("drive", None)).await;
        let other = world.instance_on("evo", "harbour").await;
        upstream.set("harbour", "open", Some(JID));
        world.until_open(other).await;
        assert_eq!(upstream.asked("DELETE"), asked);
    }
}

#[tokio::test]
async fn what_an_attempt_shows_is_ended_when_its_upstream_is_back() {
    let world = World::new().await;
    let (upstream, driver) = Scripted::start("drive").await;
    upstream.script(|script| script.logout = Logout::FailingThatWorks);
    let _connector = world.connector_driven_by(driver).await;
    let id = shows_a_code(&world).await;
    upstream.script(|script| script.fault = Fault::Failing);
    world.delete(id).await;
    upstream.looked_at(&world, 3).await;
    assert!(world.has_device_keys(id, 1).await, "its name there is needed, and kept nowhere else");
    upstream.script(|script| script.fault = Fault::None);
    world.until("nothing is kept of it", async || !world.has_device_keys(id, 1).await).await;
    assert_eq!(upstream.script(|script| script.instances["shop"].socket), "close");
}

#[tokio::test]
async fn an_upstream_that_starts_and_does_not_say_how_an_instance_stands_is_waited_for() {
    let world = World::new().await;
    let (upstream, driver) = Scripted::start("drive").await;
    upstream.script(|script| script.logout = Logout::FailingThatWorks);
    let _connector = world.connector_driven_by(driver).await;
    let id = shows_a_code(&world).await;
    // The code was scanned, and the upstream was killed before the device was open. It finds no row of what it has not loaded.
    upstream.stands("shop", "", "connecting");
    upstream.script(|script| script.is_loading = true);
    world.delete(id).await;
    upstream.looked_at(&world, 6).await;
    upstream.script(|script| script.is_loading = false);
    upstream.looked_at(&world, 6).await;
    assert!(world.has_device_keys(id, 1).await, "it may be linked there");
    assert_eq!(upstream.asked("DELETE"), 0);
    upstream.set("shop", "open", Some(JID));
    world.until("nothing is kept of it", async || !world.has_device_keys(id, 1).await).await;
    assert_eq!(upstream.asked("DELETE"), 1);
}

#[tokio::test]
async fn what_no_device_came_of_is_forgotten_after_a_while() {
    let world = World::new().await;
    let (upstream, driver) = Scripted::start("drive").await;
    let _connector = world.connector_driven_by(driver).await;
    let id = shows_a_code(&world).await;
    // It was restarted while it showed the code: nobody logs in any more.
    upstream.stands("shop", "close", "connecting");
    world.delete(id).await;
    world.until("nothing is kept of it", async || !world.has_device_keys(id, 1).await).await;
    assert_eq!(upstream.asked("DELETE"), 0);
}
