//! An Evolution API that tells on its Socket.IO what happens: sooner seen, and never believed.

use axum::extract::ws::Message;
use berth_upstreams::UpstreamError;
use bytes::Bytes;

use crate::{
    scripted::{Fault, JID, Scripted},
    world::World,
};

/// Nobody waits for the next look.
const SELDOM: [(&str, &str); 3] = [("MODE", "drive"), ("POLL_MS", "60000"), ("HEAR", "socket")];
const LOOK: &str = "GET /instance/connectionState/";

/// An upstream that tells, with these settings.
async fn telling(given: &[(&str, &str)]) -> (Scripted, berth_upstreams::Upstreams) {
    let upstream = Scripted::listening().await;
    upstream.1.switch(true);
    let upstreams = upstream.upstreams(given);
    (upstream, upstreams)
}

#[tokio::test]
async fn what_an_upstream_tells_is_looked_at_at_once_and_its_lies_change_nothing() {
    let world = World::new().await;
    let (upstream, upstreams) = telling(&SELDOM).await;
    upstream.set("shop", "close", None);
    let _connector = world.connector_driven_by(Scripted::driver_of(&upstreams)).await;
    let id = world.instance_on("evo", "shop").await;
    world.until("it is heard", async || upstream.1.opened() == 1).await;
    world.connect(id).await;
    world.until("a code is asked for", async || upstream.asked("GET /instance/connect/") == 1).await;
    // There was none yet; it says when there is one, and when it was scanned.
    upstream.1.tell("qrcode.updated", "shop");
    world.until_qr(id, 1).await;
    upstream.set("shop", "open", Some(JID));
    upstream.1.tell("connection.update", "shop");
    world.until_open(id).await;

    let told = world.events(id).await;
    let state = r#"{"instance":"shop","data":{"state":"close","statusReason":401}}"#;
    for _ in 0..3 {
        for event in ["logout.instance", "status.instance", "remove.instance", "CONNECTION_UPDATE"] {
            upstream.1.say(&Message::text(format!(r#"42["{event}",{state}]"#)));
        }
        for nonsense in
            ["", "4", "é", "42", "42[", r#"42["connection.update"]"#, r#"451-["a",{"_placeholder":true}]"#]
        {
            upstream.1.say(&Message::text(nonsense));
        }
        upstream.1.say(&Message::Binary(Bytes::from_static(b"shop")));
        upstream.1.tell("connection.update", "of-nobody");
        let before = upstream.asked(LOOK);
        upstream.1.tell("connection.update", "shop");
        world.until("it is looked at", async || upstream.asked(LOOK) > before).await;
    }
    assert_eq!(world.events(id).await, told, "nothing of that happened");
    assert_eq!(upstream.asked("DELETE"), 0);
    world.until("it says that it is there", async || upstream.1.pongs() > 0).await;
    assert_eq!(upstream.1.opened(), 1, "on one socket");
}

#[tokio::test]
async fn an_instance_is_heard_in_a_namespace_of_its_own_too() {
    let world = World::new().await;
    let (upstream, upstreams) = telling(&SELDOM).await;
    for name in ["shop", "bar"] {
        upstream.set(name, "close", None);
        upstream.1.has_namespace(name);
    }
    let _connector = world.connector_driven_by(Scripted::driver_of(&upstreams)).await;
    let shop = world.instance_on("evo", "shop").await;
    world.until("it is heard", async || upstream.1.joined() == ["shop"]).await;
    // One that has none, and one that is run later than the socket is opened.
    world.instance_on("evo", "kiosk").await;
    world.instance_on("evo", "bar").await;
    world.until("both are heard", async || upstream.1.joined() == ["shop", "bar"]).await;
    world.connect(shop).await;
    world.until("a code is asked for", async || upstream.asked("GET /instance/connect/shop") == 1).await;
    // It does not say once more whose it is.
    upstream.1.say(&Message::text(r#"42/shop,["qrcode.updated",{"data":{}}]"#));
    world.until_qr(shop, 1).await;
}

#[tokio::test]
async fn a_socket_that_ends_is_opened_again_and_looks_go_on_meanwhile() {
    let world = World::new().await;
    let (upstream, upstreams) = telling(&[("POLL_MS", "20"), ("HEAR", "socket")]).await;
    let _connector = world.connector_driven_by(Scripted::driver_of(&upstreams)).await;
    let id = world.instance_on("evo", "shop").await;
    world.until("it is heard", async || upstream.1.opened() == 1).await;
    upstream.1.hang_up();
    // Nobody tells that it is open.
    upstream.set("shop", "open", Some(JID));
    world.until_open(id).await;
    world.until("it is heard again", async || upstream.1.opened() == 2).await;
    // It falls silent with the connection standing.
    upstream.1.fall_silent();
    upstream.script(|script| script.set_socket("shop", "connecting"));
    world.until("it is lost", async || world.events(id).await.last() == Some(&"ConnectionLost")).await;
    world.until("it is heard once more", async || upstream.1.opened() == 3).await;
}

#[tokio::test]
async fn what_an_upstream_may_not_say_ends_its_socket() {
    let (upstream, upstreams) = telling(&[]).await;
    let client = &upstreams.named("evo").unwrap().client;
    for (fault, error) in [
        (Fault::Html, UpstreamError::Unexpected),
        (Fault::Failing, UpstreamError::Status(500)),
        (Fault::Huge, UpstreamError::Unexpected),
        (Fault::Redirecting, UpstreamError::Redirected),
    ] {
        upstream.script(|script| script.fault = fault);
        assert_eq!(client.ear().await.unwrap_err(), error);
    }
    upstream.script(|script| script.fault = Fault::None);
    upstream.1.switch(false);
    assert_eq!(client.ear().await.unwrap_err(), UpstreamError::NoSocket);
    upstream.1.switch(true);
    let stranger = upstream.upstreams(&[("KEY", "another")]);
    assert_eq!(stranger.named("evo").unwrap().client.ear().await.unwrap_err(), UpstreamError::KeyRefused);

    let ends = async |last: Message| {
        let mut ear = client.ear().await.unwrap();
        upstream.1.say(&last);
        ear.hear().await.unwrap_err()
    };
    assert_eq!(ends(Message::text("x".repeat(9 * 1024 * 1024))).await, UpstreamError::TooLarge);
    for goodbye in [Message::text("1"), Message::text("41"), Message::Close(None)] {
        assert_eq!(ends(goodbye).await, UpstreamError::Unreachable);
    }
    let mut ear = client.ear().await.unwrap();
    upstream.1.fall_silent();
    assert_eq!(ear.hear().await.unwrap_err(), UpstreamError::TimedOut);
}

#[tokio::test]
async fn an_upstream_that_hangs_delays_no_other() {
    let world = World::new().await;
    let (hanging, telling) = (Scripted::listening().await, Scripted::listening().await);
    for upstream in [&hanging, &telling] {
        upstream.1.switch(true);
        upstream.set("shop", "close", None);
    }
    hanging.script(|script| script.fault = Fault::Hanging);
    let upstreams = Scripted::named(&[("HANGS", &hanging), ("TELLS", &telling)], &SELDOM);
    let _connector = world.connector_driven_by(Scripted::driver_of(&upstreams)).await;
    world.instance_on("hangs", "shop").await;
    world.until("it is asked for its socket", async || hanging.asked("GET /socket.io/") > 0).await;
    world.until("the other one is heard", async || telling.1.opened() == 1).await;
    let id = world.instance_on("tells", "shop").await;
    world.until("it is looked at", async || telling.asked(LOOK) > 0).await;
    // Looks are rare: only what it tells makes the next one.
    telling.set("shop", "open", Some(JID));
    telling.1.tell("connection.update", "shop");
    world.until("it is looked at for that", async || telling.asked(LOOK) > 1).await;
    world.connect(id).await;
    world.until_open(id).await;
    assert_eq!(hanging.1.opened(), 0);
}
