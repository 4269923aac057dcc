//! Streams and sockets end with the permission under which they were opened, and no frame shows a token.

use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, protocol::frame::coding::CloseCode},
};

use crate::{
    story::Request,
    world::{ACCOUNT, Instance, ROOT, World},
};

/// How long a story waits for a stream to end.
const PATIENCE: Duration = Duration::from_secs(20);
const NEW_ACCOUNT: &str = "another-token-of-the-account";

/// What a stream said until it ended, and how it ended.
type Ended = (Vec<String>, String);

/// A WebSocket that is read to its end, while the caller goes on.
async fn socket(world: &World, path: &str) -> tokio::sync::oneshot::Receiver<Ended> {
    let (mut socket, _) = connect_async(world.socket(path)).await.unwrap();
    let (done, ended) = tokio::sync::oneshot::channel();
    world.spawn(async move {
        let mut frames = Vec::new();
        let end = loop {
            match socket.next().await {
                Some(Ok(Message::Text(text))) => frames.push(text.to_string()),
                Some(Ok(Message::Close(Some(frame)))) => {
                    assert_eq!(frame.code, CloseCode::Policy);
                    break frame.reason.to_string();
                }
                Some(Ok(Message::Ping(_))) => {}
                other => break format!("{other:?}"),
            }
        };
        let _gone = done.send((frames, end));
    });
    ended
}

/// Server-sent events that are read to their end, while the caller goes on.
async fn events(world: &World, instance: &str, token: &str) -> tokio::sync::oneshot::Receiver<Ended> {
    let path = format!("/v1/instances/{instance}/events/stream");
    let mut response = world.send(&Request::get(&path).bearer(token)).await;
    assert_eq!(response.status().as_u16(), 200);
    let (done, ended) = tokio::sync::oneshot::channel();
    world.spawn(async move {
        let mut came = String::new();
        while let Ok(Some(bytes)) = response.chunk().await {
            came.push_str(std::str::from_utf8(&bytes).unwrap());
        }
        let mut events: Vec<String> = came.split("\n\n").map(str::to_owned).collect();
        events.retain(|event| !event.is_empty() && event != ":");
        let end = events.pop().unwrap_or_default();
        let _gone = done.send((events, end));
    });
    ended
}

async fn end_of(stream: tokio::sync::oneshot::Receiver<Ended>) -> Ended {
    timeout(PATIENCE, stream).await.unwrap().unwrap()
}

async fn as_root(world: &World, request: Request) {
    let (status, body) = world.native(request, ROOT).await;
    assert_eq!(status, 200, "{body}");
}

/// Gives the account another token.
async fn rotate(world: &World) {
    let path = format!("/v1/accounts/{}/token", world.account_id);
    as_root(world, Request::post(&path).json(&json!({"token": NEW_ACCOUNT}))).await;
}

async fn with_socket(world: &World, name: &str) -> Instance {
    let instance = world.instance(name).await;
    let path = format!("/api/events/websocket/{name}");
    let request = Request::post(&path).header("token", ACCOUNT).json(&json!({"enabled": true}));
    assert_eq!(world.send(&request).await.status().as_u16(), 200);
    instance
}

/// What somebody is answered who waits for a notice of an instance for a minute, while this happens. If it does not wait by then, it is
/// answered all the same.
async fn while_it_waits_for_a_notice(world: &World, happens: impl AsyncFnOnce()) -> (u16, String) {
    let shop = world.instance("shop").await;
    let path = format!("/waInstance{}/receiveNotification/{ACCOUNT}?receiveTimeout=60", shop.number);
    let asked = Request::get(&path);
    let (answered, ()) = tokio::join!(timeout(PATIENCE, world.send(&asked)), async {
        world.until(&shop.id, "it is there", |now| now["state"] == "created").await;
        happens().await;
    });
    // It is not waited for as long as was asked.
    let answered = answered.unwrap();
    (answered.status().as_u16(), answered.text().await.unwrap())
}

#[tokio::test]
async fn what_happens_after_an_accounts_token_was_rotated_is_told_to_no_stream_of_it() {
    let world = World::start().await;
    let shop = with_socket(&world, "shop").await;
    let ryze = socket(&world, &format!("/ws/shop?token={ACCOUNT}")).await;
    let native = events(&world, &shop.id, ACCOUNT).await;
    rotate(&world).await;
    let connect = Request::post("/v1/instances/shop/connect").json(&json!({}));
    let (status, body) = world.native(connect, NEW_ACCOUNT).await;
    assert!(status == 200 && body["qr"]["text"].is_string(), "{status}: {body}");

    let none: Vec<String> = Vec::new();
    assert_eq!(end_of(ryze).await, (none.clone(), "the token is not valid any more".to_owned()));
    let (told, end) = end_of(native).await;
    assert_eq!(told, none);
    assert!(end.starts_with("event: end\n") && end.contains("\"code\":\"unauthorized\""), "{end}");
}

#[tokio::test]
async fn who_waits_for_a_code_is_told_nothing_by_a_token_that_was_rotated_meanwhile() {
    let world = World::start().await;
    let shop = world.instance("shop").await;
    world.simulate(&shop.id, "never_show_code").await;
    let connect =
        Request::post("/v1/instances/shop/connect").json(&json!({"wait_ms": 60_000})).bearer(ACCOUNT);
    let (answered, ()) = tokio::join!(world.send(&connect), async {
        world.until(&shop.id, "it connects", |now| now["state"] == "connecting").await;
        rotate(&world).await;
        // The attempt ends, and with it the wait.
        let logout = Request::post("/v1/instances/shop/logout").json(&json!({}));
        assert_eq!(world.native(logout, NEW_ACCOUNT).await.0, 200);
    });
    assert_eq!(answered.status().as_u16(), 401, "{}", answered.text().await.unwrap());
}

#[tokio::test]
async fn who_waits_for_a_notice_waits_no_longer_than_the_token_counts() {
    let world = World::start_with_deliveries().await;
    let (status, text) = while_it_waits_for_a_notice(&world, || rotate(&world)).await;
    assert_eq!(status, 401, "{text}");
}

#[tokio::test]
async fn who_waits_for_a_notice_is_answered_when_the_process_stops() {
    let world = World::start_with_deliveries().await;
    let answered = while_it_waits_for_a_notice(&world, async || world.ask_to_stop()).await;
    assert_eq!(answered, (200, "null".to_owned()));
}

#[tokio::test]
async fn who_waits_for_an_unlink_is_told_nothing_by_a_token_that_was_rotated_meanwhile() {
    let world = World::start().await;
    let shop = world.linked("shop").await;
    world.simulate(&shop.id, "unlink_timeout").await;
    let logout =
        Request::post("/v1/instances/shop/logout").json(&json!({"wait": "unlinked"})).bearer(ACCOUNT);
    let (answered, ()) = tokio::join!(world.send(&logout), async {
        world.until(&shop.id, "it is logged out", |now| now["state"] == "logged_out").await;
        rotate(&world).await;
        let heal = Request::post("/v1/instances/shop/simulate").json(&json!({"action": "heal"}));
        assert_eq!(world.native(heal, NEW_ACCOUNT).await.0, 200);
    });
    assert_eq!(answered.status().as_u16(), 401, "{}", answered.text().await.unwrap());
}

#[tokio::test]
async fn streams_on_which_nothing_happens_end_with_the_account() {
    let world = World::start().await;
    let shop = with_socket(&world, "shop").await;
    let till = with_socket(&world, "till").await;
    let ryze = socket(&world, &format!("/ws/shop?token={ACCOUNT}")).await;
    let native = events(&world, &shop.id, ACCOUNT).await;
    let by_itself = socket(&world, &format!("/ws/till?token={}", till.token)).await;
    rotate(&world).await;
    assert_eq!(end_of(ryze).await.0, Vec::<String>::new());
    assert!(end_of(native).await.1.starts_with("event: end\n"));

    let again = events(&world, &shop.id, NEW_ACCOUNT).await;
    let close = Request::delete(&format!("/v1/accounts/{}?force=true", world.account_id));
    as_root(&world, close).await;
    assert!(end_of(again).await.1.starts_with("event: end\n"));
    // The instances go with it.
    end_of(by_itself).await;
}

#[tokio::test]
async fn an_instance_that_goes_takes_the_streams_of_its_former_token_and_account_along() {
    let world = World::start().await;
    let shop = with_socket(&world, "shop").await;
    let till = with_socket(&world, "till").await;

    let by_token = socket(&world, &format!("/ws/shop?token={}", shop.token)).await;
    let native = events(&world, &shop.id, &shop.token).await;
    let path = format!("/waInstance{}/updateApiToken/{}", shop.number, shop.token);
    let renewed = world.json(&Request::get(&path)).await;
    let new = renewed["apiTokenInstance"].as_str().unwrap().to_owned();
    for (told, end) in [end_of(by_token).await, end_of(native).await] {
        assert!(told.is_empty(), "{told:?}");
        assert!(!end.contains(&new) && !end.contains(&shop.token), "{end}");
    }

    let by_account = socket(&world, &format!("/ws/till?token={ACCOUNT}")).await;
    let by_token = socket(&world, &format!("/ws/till?token={}", till.token)).await;
    let native = events(&world, &till.id, ACCOUNT).await;
    let path = format!("/v1/accounts/{}/move-instance", world.other_account_id);
    as_root(&world, Request::post(&path).json(&json!({"instance": till.id}))).await;
    assert_eq!(end_of(by_account).await.1, "there is no such instance any more");
    let (told, end) = end_of(native).await;
    assert!(told.is_empty() && end.contains("\"code\":\"not_found\""), "{told:?} {end}");
    let (status, _) = world.native(Request::delete(&format!("/v1/instances/{}", till.id)), &till.token).await;
    assert_eq!(status, 200, "its own token works on, and the socket with it");
    end_of(by_token).await;
}

#[tokio::test]
async fn no_frame_shows_a_token() {
    let world = World::start().await;
    let shop = with_socket(&world, "shop").await;
    let ryze = socket(&world, &format!("/ws/shop?token={}", shop.token)).await;
    let native = events(&world, &shop.id, ACCOUNT).await;
    let connect = Request::post("/v1/instances/shop/connect").json(&json!({}));
    assert_eq!(world.native(connect, ACCOUNT).await.0, 200);
    world.scan(&shop.id).await;
    let path = format!("/waInstance{}/updateApiToken/{}", shop.number, shop.token);
    let new = world.json(&Request::get(&path)).await["apiTokenInstance"].as_str().unwrap().to_owned();
    let (frames, _) = end_of(ryze).await;
    assert_eq!(world.native(Request::delete(&format!("/v1/instances/{}", shop.id)), ACCOUNT).await.0, 200);
    rotate(&world).await;
    let (told, _) = end_of(native).await;
    let first: Value = serde_json::from_str(&frames[0]).unwrap();
    assert_eq!((&first["event"], &first["instanceData"]["token"]), (&json!("instance.state"), &json!("")));
    assert!(told.iter().any(|event| event.contains("event: TokenRotated")), "{told:?}");
    for said in frames.iter().chain(&told) {
        for token in [&shop.token, &new, ACCOUNT, NEW_ACCOUNT] {
            assert!(!said.contains(token), "{said}");
        }
    }
}
