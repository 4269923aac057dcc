//! The GREEN-API dialect.

use std::time::Duration;

use futures::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::{connect_async, tungstenite::Message};

use crate::{
    is_told,
    story::{Answer, Request, Story},
    world::{ACCOUNT, Instance, OTHER_ACCOUNT, ROOT, World},
};

/// The methods of one instance, each a second after the one before, as their rate wants it.
struct Client<'a, 'w> {
    world: &'w World,
    story: &'a mut Story<'w>,
    number: String,
    token: String,
}

impl<'a, 'w> Client<'a, 'w> {
    fn of(world: &'w World, story: &'a mut Story<'w>, instance: &Instance) -> Self {
        story.calls(&instance.number, "number");
        Self { world, story, number: instance.number.to_string(), token: instance.token.clone() }
    }

    fn path(&self, method: &str) -> String {
        format!("/waInstance{}/{method}/{}", self.number, self.token)
    }

    /// A method, with its query if it has one.
    async fn get(&mut self, why: &str, method: &str) -> Answer {
        self.world.advance_seconds(1);
        let path = match method.split_once('?') {
            Some((method, query)) => format!("{}?{query}", self.path(method)),
            None => self.path(method),
        };
        self.story.ask(why, Request::get(&path)).await
    }

    async fn post(&mut self, why: &str, method: &str, body: &Value) -> Answer {
        self.world.advance_seconds(1);
        self.story.ask(why, Request::post(&self.path(method)).json(body)).await
    }
}

#[tokio::test]
async fn the_life_of_an_account() {
    let world = World::start().await;
    let shop = world.instance("shop").await;
    let mut story = world.story();
    let mut client = Client::of(&world, &mut story, &shop);
    client.get("the state at first", "getStateInstance").await;
    client.get("the socket", "getStatusInstance").await;
    client.get("nobody is linked", "getWaSettings").await;
    client.get("logout when there is nothing to end", "logout").await;
    client.get("again", "logout").await;
    client.get("a QR code", "qr").await;
    client.get("the state while a code is shown", "GetStateInstance").await;
    world.scan(&shop.id).await;
    client.get("the state when it is linked", "getStateInstance").await;
    client.get("the socket", "GETSTATUSINSTANCE").await;
    client.get("who is linked", "getWaSettings").await;
    client.get("no QR code for a linked account", "qr").await;
    client
        .post("nor a code to type", "getAuthorizationCode", &json!({"phoneNumber": 5_511_987_654_321_u64}))
        .await;
    client.get("the settings say who is linked", "getSettings").await;
    client.get("reboot", "reboot").await;
    world.until(&shop.id, "the connection is open again", |now| now["connection"] == "open").await;
    client.get("logout", "Logout").await;
    client.get("a repeated logout", "logout").await;
    client.get("the state after it", "getStateInstance").await;
    world
        .until(&shop.id, "the device is unlinked", |now| {
            now["unlinks"].as_array().is_none_or(Vec::is_empty) || now["unlinks"][0]["status"] != "pending"
        })
        .await;
    client.get("nobody is linked any more", "getWaSettings").await;
    client.get("a reboot without a session", "reboot").await;
    client
        .post("a code to type", "GetAuthorizationCode", &json!({"phoneNumber": 5_511_987_654_321_u64}))
        .await;
    client.get("how the state changed", "getStateInstanceHistory").await;
    client.get("the last change", "getStateInstanceHistory?count=1").await;
    let token = client.get("another token", "updateApiToken").await;
    let token = token.body["apiTokenInstance"].as_str().unwrap().to_owned();
    client.story.calls(&token, "the new token");
    client.get("the former one ended at once", "getStateInstance").await;
    client.token = token;
    client.get("the new one works", "getStateInstance").await;
    is_told("green_life", &story);
}

#[tokio::test]
async fn an_account_that_cannot_be_connected() {
    let world = World::start().await;
    let shop = world.linked("shop").await;
    let mut story = world.story();
    let mut client = Client::of(&world, &mut story, &shop);
    world.simulate(&shop.id, "drop").await;
    world.until(&shop.id, "the connection is lost", |now| now["connection"] == "lost").await;
    client.get("the connection is lost", "getStateInstance").await;
    client.get("and the socket", "getStatusInstance").await;
    world.simulate(&shop.id, "return").await;
    world.until(&shop.id, "the connection is open again", |now| now["connection"] == "open").await;
    world.simulate(&shop.id, "replace").await;
    client.get("another device took over", "getStateInstance").await;
    client.get("a look at the code takes it back", "qr").await;
    world.until(&shop.id, "the connection is open again", |now| now["connection"] == "open").await;
    world.simulate(&shop.id, "ban").await;
    client.get("the number is banned", "getStateInstance").await;
    client.get("the socket of a banned number", "getStatusInstance").await;
    client.get("nobody is shown", "getWaSettings").await;
    client.get("no code", "qr").await;
    client
        .post("nor one to type", "getAuthorizationCode", &json!({"phoneNumber": 5_511_987_654_321_u64}))
        .await;
    client.get("a reboot is allowed, and helps nothing", "reboot").await;
    client.get("how the state changed", "getStateInstanceHistory").await;
    let refused = json!({"type": "error", "message": "Instance has auth. You need to make log out"});
    assert_eq!(frames(&world, &client.path("scanqrcode"), async |_| {}).await, [refused]);
    client.get("logout helps", "logout").await;
    client.get("a new code", "qr").await;
    is_told("green_banned", &story);
}

#[tokio::test]
async fn settings_and_the_queue() {
    let world = World::start().await;
    let shop = world.instance("shop").await;
    let mut story = world.story();
    let mut client = Client::of(&world, &mut story, &shop);
    client.get("a new instance has everything off", "getSettings").await;
    client
        .post(
            "state notices without a URL are kept to be fetched",
            "setSettings",
            &json!({"stateWebhook": "yes", "delaySendMessagesMilliseconds": 1_000}),
        )
        .await;
    client.get("shown", "getSettings").await;
    for body in [
        json!({}),
        json!({"unknown": "yes"}),
        json!({"stateWebhook": true}),
        json!({"webhookUrl": 1}),
        json!({"webhookUrl": "http://hooks.example"}),
        json!({"delaySendMessagesMilliseconds": 1}),
    ] {
        let answer = client.post("settings that are refused", "setSettings", &body).await;
        assert_eq!(answer.status, 400, "{body}");
    }
    client.get("a code", "qr").await;
    world.scan(&shop.id).await;
    let mut seen = Vec::new();
    while seen.last() != Some(&json!("authorized")) {
        let received = client.get("a notice", "receiveNotification").await;
        let receipt = received.body["receiptId"].clone();
        client.story.calls(&receipt, &format!("receipt {}", seen.len() + 1));
        seen.push(received.body["body"]["stateInstance"].clone());
        let path = format!("{}/{receipt}", client.path("deleteNotification"));
        client.story.ask("it is done", Request::delete(&path)).await;
    }
    assert!(seen.contains(&json!("starting")), "{seen:?}");
    let receipt = client.path("deleteNotification");
    client.story.ask("a receipt that nobody has", Request::delete(&format!("{receipt}/1"))).await;
    client.story.ask("a receipt that is none", Request::delete(&format!("{receipt}/x"))).await;
    client.get("how long to wait is bounded", "receiveNotification?receiveTimeout=61").await;
    client.get("clear the queue", "clearWebhooksQueue").await;
    client.get("once a minute", "clearWebhooksQueue").await;
    is_told("green_settings", &story);
}

#[tokio::test]
async fn who_may_not() {
    let world = World::start().await;
    let shop = world.linked("shop").await;
    let till = world.instance("till").await;
    let mut story = world.story();
    story.calls(&shop.number, "number of shop");
    story.calls(&till.number, "number of till");
    let asks = |number: u64, method: &str, token: &str| {
        Request::get(&format!("/waInstance{number}/{method}/{token}"))
    };
    for method in [
        "getStateInstance",
        "getStatusInstance",
        "getSettings",
        "getWaSettings",
        "reboot",
        "logout",
        "qr",
        "scanqrcode",
        "updateApiToken",
        "getStateInstanceHistory",
        "receiveNotification",
        "clearWebhooksQueue",
    ] {
        let answer = story.ask("a wrong token", asks(shop.number, method, "wrong")).await;
        assert_eq!(answer.status, 401, "{method}");
        assert!(!answer.body.to_string().contains("wrong"), "an error never shows a token");
    }
    story.ask("an unknown number", asks(1_000_000_000, "logout", &shop.token)).await;
    story.ask("a number that is none", Request::get("/waInstanceX/logout/token-of-shop")).await;
    story.ask("another instance's token", asks(shop.number, "logout", &till.token)).await;
    story.ask("another account's token", asks(shop.number, "logout", OTHER_ACCOUNT)).await;
    story.ask("the root key, which is nobody here", asks(shop.number, "logout", ROOT)).await;
    story.ask("the account's token works for its instances", asks(till.number, "logout", ACCOUNT)).await;
    is_told("green_refused", &story);
}

#[tokio::test]
async fn unknown_methods_and_rates() {
    let world = World::start().await;
    let shop = world.instance("shop").await;
    let mut story = world.story();
    story.calls(&shop.number, "number");
    let path = |method: &str| format!("/waInstance{}/{method}/token-of-shop", shop.number);
    for (method, path) in [
        (Method::GET, path("sendNothing")),
        (Method::POST, path("logout")),
        (Method::GET, path("setSettings")),
        (Method::GET, path("scanqrcode")),
        (Method::GET, format!("{}/more", path("logout"))),
        (Method::GET, format!("/waInstance{}/logout", shop.number)),
        (Method::GET, "/waInstance".to_owned()),
        (Method::GET, "/partner".to_owned()),
        (Method::GET, format!("/waInstance{}/logout/%FF", shop.number)),
    ] {
        let answer = story.ask("not there", Request::new(method, &path)).await;
        assert!(matches!(answer.status, 404), "{path}: {}", answer.status);
    }
    story.ask("OPTIONS", Request::new(Method::OPTIONS, &path("logout"))).await;
    story.ask("one a second", Request::get(&path("getStateInstance"))).await;
    story.ask("is the rate, whatever the case", Request::get(&path("GetStateInstance"))).await;
    story.ask("of each method", Request::get(&path("getStatusInstance"))).await;
    world.advance_seconds(1);
    story.ask("the next second", Request::get(&path("getStateInstance"))).await;
    story.ask("no JSON", Request::post(&path("setSettings")).raw("{")).await;
    world.advance_seconds(1);
    story.ask("no object", Request::post(&path("setSettings")).raw("[]")).await;
    world.advance_seconds(1);
    story
        .ask("a body without end", Request::post(&path("setSettings")).raw(&" ".repeat(1024 * 1024 + 1)))
        .await;
    for body in [
        json!({}),
        json!({"phoneNumber": "5511987654321"}),
        json!({"phoneNumber": 12}),
        json!({"phoneNumber": -1}),
    ] {
        world.advance_seconds(1);
        story.ask("a phone", Request::post(&path("getAuthorizationCode")).json(&body)).await;
    }
    is_told("green_unknown", &story);
}

#[tokio::test]
async fn partners() {
    let world = World::start().await;
    let mut story = world.story();
    let partner = |method: &str, token: &str| format!("/partner/{method}/{token}");
    // A second after the one before, as the rate of partners wants it.
    let post = |method: &str, body: Value| {
        world.advance_seconds(1);
        Request::post(&partner(method, ACCOUNT)).json(&body)
    };
    let made = story
        .ask("create", post("createInstance", json!({"name": "loja São João", "stateWebhook": "yes"})))
        .await;
    story.calls(&made.body["idInstance"], "number of the first");
    story.calls(&made.body["apiTokenInstance"].as_str().unwrap(), "token of the first");
    let twin = story
        .ask("names are not unique here", post("CreateInstance", json!({"name": "loja São João"})))
        .await;
    story.calls(&twin.body["idInstance"], "number of the second");
    story.calls(&twin.body["apiTokenInstance"].as_str().unwrap(), "token of the second");
    let path = |made: &Answer, method: &str| {
        format!(
            "/waInstance{}/{method}/{}",
            made.body["idInstance"],
            made.body["apiTokenInstance"].as_str().unwrap()
        )
    };
    story.ask("it is there at once", Request::get(&path(&made, "getStateInstance"))).await;
    world.until_listed(2).await;
    story.ask("list", Request::get(&partner("getInstances", ACCOUNT))).await;
    story.ask("delete", post("deleteInstanceAccount", json!({"idInstance": made.body["idInstance"]}))).await;
    story
        .ask("a repeat", post("deleteInstanceAccount", json!({"idInstance": made.body["idInstance"]})))
        .await;
    story.ask("its token ended", Request::get(&path(&made, "getStateInstance"))).await;
    world.until_listed(1).await;
    story.ask("it is listed as deleted", Request::get(&partner("getInstances", ACCOUNT))).await;
    for request in [
        Request::get(&partner("getInstances", "wrong")),
        Request::post(&partner("createInstance", "wrong")).json(&json!({"name": "x"})),
        Request::post(&partner("deleteInstanceAccount", "wrong")).json(&json!({"idInstance": 1})),
        Request::get(&partner("getInstances", twin.body["apiTokenInstance"].as_str().unwrap())),
        Request::get(&partner("getInstances", ROOT)),
        Request::post(&partner("deleteInstanceAccount", OTHER_ACCOUNT))
            .json(&json!({"idInstance": twin.body["idInstance"]})),
    ] {
        let answer = story.ask("failures come with 200", request).await;
        assert_eq!(answer.status, 200);
    }
    story.ask("nothing to create", post("createInstance", json!({}))).await;
    story.ask("a setting that is refused", post("createInstance", json!({"stateWebhook": 1}))).await;
    story.ask("nothing to delete", post("deleteInstanceAccount", json!({}))).await;
    story.ask("no such method", Request::get(&partner("createInstance", ACCOUNT))).await;
    world.advance_seconds(1);
    story.ask("one a second", Request::get(&partner("getInstances", ACCOUNT))).await;
    story.ask("is the rate", Request::get(&partner("GETINSTANCES", ACCOUNT))).await;
    is_told("green_partners", &story);
}

/// Every frame until the server closes the socket; `seen` is told of each.
async fn frames(world: &World, path: &str, mut seen: impl AsyncFnMut(&Value)) -> Vec<Value> {
    let (mut socket, _) = connect_async(world.socket(path)).await.unwrap();
    let mut frames = Vec::new();
    loop {
        match timeout(Duration::from_secs(20), socket.next()).await.unwrap() {
            Some(Ok(Message::Text(text))) => {
                let frame: Value = serde_json::from_str(&text).unwrap();
                seen(&frame).await;
                frames.push(frame);
            }
            Some(Ok(Message::Close(_))) | None => return frames,
            Some(Ok(_)) => {}
            Some(Err(error)) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn scanning_over_a_websocket() {
    let world = World::start().await;
    let shop = world.instance("shop").await;
    let path = format!("/waInstance{}/scanqrcode/{}", shop.number, shop.token);
    let told = frames(&world, &path, async |frame| {
        if frame["type"] == "qrCode" {
            world.scan(&shop.id).await;
        }
    })
    .await;
    let (code, account) = (&told[0], &told[1]);
    assert!(code["message"].as_str().unwrap().starts_with("iVBOR"), "bare base64: {code}");
    let linked = json!({"type": "accountData", "wid": "5511987654321@c.us", "pushname": "Ana", "proxy": "", "webhookUrl": ""});
    assert_eq!((told.len(), account), (2, &linked));

    world.advance_seconds(1);
    let already = json!({"type": "alreadyLogged", "message": "instance account already authorized"});
    assert_eq!(frames(&world, &path, async |_| {}).await, [already]);

    world.send(&Request::get(&format!("/waInstance{}/logout/{}", shop.number, shop.token))).await;
    world.advance_seconds(1);
    let told = frames(&world, &path, async |frame| {
        if frame["type"] == "qrCode" {
            world.advance_seconds(1);
            world.send(&Request::get(&format!("/waInstance{}/logout/{}", shop.number, shop.token))).await;
        }
    })
    .await;
    let ended = json!({"type": "timeoutExpired", "message": "timeoutExpired"});
    assert_eq!((told.len(), &told[1]), (2, &ended), "a logout ends it, and nothing is started again");

    let wrong = format!("/waInstance{}/scanqrcode/wrong", shop.number);
    assert!(
        connect_async(world.socket(&wrong)).await.is_err(),
        "a wrong token is refused before the upgrade"
    );
}
