//! The Mega API dialect.

use serde_json::json;

use crate::{
    is_told,
    story::Request,
    world::{ACCOUNT, OTHER_ACCOUNT, ROOT, World},
};

fn by_host(request: Request) -> Request {
    request.bearer(ACCOUNT)
}

#[tokio::test]
async fn the_life_of_an_instance() {
    let world = World::start().await;
    let mut story = world.story();
    let body =
        json!({"messageData": {"webhookUrl": "https://hooks.example/mega?secret=1", "webhookEnabled": true}});
    let made =
        story.ask("init", by_host(Request::post("/rest/instance/init?instance_key=shop")).json(&body)).await;
    let token = made.body["instance"]["token"].as_str().unwrap().to_owned();
    story.calls(&token, "token of shop");
    let own = |request: Request| request.bearer(&token);
    story.ask("the key is taken", by_host(Request::post("/rest/instance/init?instance_key=shop"))).await;
    story.ask("its webhook", own(Request::get("/rest/webhook/shop"))).await;
    story.ask("its status", own(Request::get("/rest/instance/shop"))).await;
    story
        .ask("nothing can be sent", own(Request::post("/rest/sendMessage/shop/text")).json(&json!({})))
        .await;
    story.ask("a QR code as a page", own(Request::get("/rest/instance/qrcode/shop"))).await;
    story
        .ask(
            "a QR code as a data URL, with a body on a GET",
            own(Request::get("/rest/instance/qrcode_base64/shop")).json(&json!({})),
        )
        .await;
    story.ask("its status while a code is shown", own(Request::get("/rest/instance/shop"))).await;
    world.scan("shop").await;
    story.ask("its status when it is connected", own(Request::get("/rest/instance/shop"))).await;
    story
        .ask("no QR code for a connected instance", own(Request::get("/rest/instance/qrcode_base64/shop")))
        .await;
    story.ask("nor as a page", own(Request::get("/rest/instance/qrcode/shop"))).await;
    story
        .ask(
            "nor a pairing code",
            own(Request::get("/rest/instance/pairingCode/shop?phoneNumber=5511987654321")),
        )
        .await;
    story
        .ask(
            "messages are not this service's",
            own(Request::post("/rest/sendMessage/shop/text")).json(&json!({})),
        )
        .await;
    story.ask("restart", own(Request::delete("/rest/instance/shop/restart"))).await;
    world.until("shop", "the connection is open again", |now| now["connection"] == "open").await;
    story
        .ask(
            "logout, with a body on a DELETE",
            own(Request::delete("/rest/instance/shop/logout")).json(&json!({})),
        )
        .await;
    story.ask("a repeated logout", own(Request::delete("/rest/instance/shop/logout"))).await;
    story.ask("a restart without a session", own(Request::delete("/rest/instance/shop/restart"))).await;
    story.ask("its status after the logout", own(Request::get("/rest/instance/shop"))).await;
    story.ask("nothing can be sent any more", own(Request::get("/rest/chat/shop/allChats"))).await;
    story
        .ask("a pairing code", own(Request::get("/rest/instance/pairingCode/shop?phoneNumber=5511987654321")))
        .await;
    story.ask("it may not delete itself", own(Request::delete("/rest/instance/shop/delete"))).await;
    world.until_listed(1).await;
    story.ask("list", by_host(Request::get("/rest/instance/list"))).await;
    story.ask("delete", by_host(Request::delete("/rest/instance/shop/delete"))).await;
    story.ask("it is gone", by_host(Request::delete("/rest/instance/shop/delete"))).await;
    story.ask("and so is its token", own(Request::get("/rest/instance/shop"))).await;
    is_told("mega_life", &story);
}

#[tokio::test]
async fn logout_when_not_connected() {
    let world = World::start().await;
    world.instance("shop").await;
    let mut story = world.story();
    story.ask("never connected", by_host(Request::delete("/rest/instance/shop/logout"))).await;
    story.ask("again", by_host(Request::delete("/rest/instance/shop/logout"))).await;
    is_told("mega_logout_when_not_connected", &story);
}

#[tokio::test]
async fn who_may_not() {
    let world = World::start().await;
    world.linked("shop").await;
    world.instance("till").await;
    let mut story = world.story();
    for (method, path) in [
        ("POST", "/rest/instance/init"),
        ("GET", "/rest/instance/list"),
        ("GET", "/rest/instance/shop"),
        ("GET", "/rest/instance/qrcode/shop"),
        ("GET", "/rest/instance/qrcode_base64/shop"),
        ("GET", "/rest/instance/pairingCode/shop?phoneNumber=5511987654321"),
        ("DELETE", "/rest/instance/shop/logout"),
        ("DELETE", "/rest/instance/shop/restart"),
        ("DELETE", "/rest/instance/shop/delete"),
        ("GET", "/rest/webhook/shop"),
        ("POST", "/rest/webhook/shop/configWebhook"),
        ("POST", "/rest/sendMessage/shop/text"),
    ] {
        let request = Request::new(method.parse().unwrap(), path);
        let none = story.ask("no token", request.clone()).await;
        let wrong = story.ask("a wrong token", request.bearer("wrong")).await;
        assert_eq!((none.status, wrong.status), (401, 401), "{path}");
    }
    let asks = |token: &str| Request::delete("/rest/instance/shop/logout").bearer(token);
    story.ask("another instance's token", asks("token-of-till")).await;
    story
        .ask(
            "another instance's token and no such instance",
            Request::delete("/rest/instance/nobody/logout").bearer("token-of-till"),
        )
        .await;
    story.ask("another account's token", asks(OTHER_ACCOUNT)).await;
    story.ask("the root key, which is nobody here", asks(ROOT)).await;
    story
        .ask(
            "an instance's token creates nothing",
            Request::post("/rest/instance/init").bearer("token-of-till"),
        )
        .await;
    story.ask("nor lists it", Request::get("/rest/instance/list").bearer("token-of-till")).await;
    story
        .ask(
            "another instance's messages",
            Request::post("/rest/sendMessage/shop/text").bearer("token-of-till"),
        )
        .await;
    is_told("mega_refused", &story);
}

#[tokio::test]
async fn unknown_instances_routes_and_methods() {
    let world = World::start().await;
    let mut story = world.story();
    for (method, path) in [
        ("GET", "/rest/instance/nobody"),
        ("GET", "/rest/instance/qrcode/nobody"),
        ("GET", "/rest/instance/qrcode_base64/nobody"),
        ("GET", "/rest/instance/pairingCode/nobody?phoneNumber=5511987654321"),
        ("DELETE", "/rest/instance/nobody/logout"),
        ("DELETE", "/rest/instance/nobody/restart"),
        ("DELETE", "/rest/instance/nobody/delete"),
        ("GET", "/rest/webhook/nobody"),
        ("POST", "/rest/webhook/nobody/configWebhook"),
        ("POST", "/rest/sendMessage/nobody/text"),
        ("GET", "/rest/instance/isOnWhatsApp/nobody"),
        ("DELETE", "/rest/instance/%FF/logout"),
        // What third parties call and the product does not have.
        ("POST", "/rest/instance/logout/nobody"),
        ("GET", "/rest/connectionStatus/nobody"),
        ("GET", "/rest/instance/nobody/status"),
        ("GET", "/rest/instance/nobody/me"),
        ("PUT", "/rest/instance/nobody"),
        ("GET", "/rest"),
    ] {
        let answer = story.ask("not there", by_host(Request::new(method.parse().unwrap(), path))).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    is_told("mega_unknown", &story);
}

#[tokio::test]
async fn messaging_is_somebody_elses() {
    let world = World::start().await;
    world.linked("open").await;
    world.instance("shop").await;
    let mut story = world.story();
    for (key, status) in [("shop", 400), ("open", 501)] {
        for (method, path) in [
            ("POST", format!("/rest/sendMessage/{key}/text")),
            ("GET", format!("/rest/group/list/{key}")),
            // These stand among the routes of an instance.
            ("GET", format!("/rest/instance/isOnWhatsApp/{key}?jid=5511987654321@s.whatsapp.net")),
            ("POST", format!("/rest/instance/downloadMediaMessage/{key}")),
            ("GET", format!("/rest/instance/chats/{key}")),
            ("GET", format!("/rest/instance/contacts/{key}")),
            ("GET", format!("/rest/instance/messages/{key}")),
        ] {
            let answer = story.row(by_host(Request::new(method.parse().unwrap(), &path))).await;
            assert_eq!(answer.status, status, "{path}");
        }
    }
    is_told("mega_messaging", &story);
}

#[tokio::test]
async fn bodies_and_queries_that_are_refused() {
    let world = World::start().await;
    world.instance("shop").await;
    let mut story = world.story();
    let webhook = |body: &str| by_host(Request::post("/rest/webhook/shop/configWebhook")).raw(body);
    for body in [
        "",
        "{",
        "{}",
        r#"{"messageData":{}}"#,
        r#"{"messageData":{"webhookUrl":1,"webhookEnabled":true}}"#,
        r#"{"messageData":{"webhookUrl":"","webhookEnabled":true}}"#,
        r#"{"messageData":{"webhookUrl":"http://hooks.example","webhookEnabled":true}}"#,
    ] {
        let answer = story.ask("a webhook that is refused", webhook(body)).await;
        assert_eq!(answer.status, 400, "{body}");
    }
    let on = r#"{"messageData":{"webhookUrl":"https://hooks.example/a?x=1","webhookEnabled":true}}"#;
    story.ask("one that is not", webhook(on)).await;
    story.ask("shown", by_host(Request::get("/rest/webhook/shop"))).await;
    story.ask("switched off", webhook(r#"{"messageData":{"webhookUrl":"","webhookEnabled":false}}"#)).await;
    story.ask("shown", by_host(Request::get("/rest/webhook/shop"))).await;
    story.ask("no number", by_host(Request::get("/rest/instance/pairingCode/shop"))).await;
    story
        .ask("a number that is none", by_host(Request::get("/rest/instance/pairingCode/shop?phoneNumber=12")))
        .await;
    story.ask("a key that cannot be", by_host(Request::post("/rest/instance/init?instance_key=a%2Fb"))).await;
    story.ask("a body without end", webhook(&" ".repeat(1024 * 1024 + 1))).await;
    is_told("mega_bad_bodies", &story);
}

#[tokio::test]
async fn an_instance_of_another_door() {
    let world = World::start().await;
    let shop = world.linked("loja São João").await;
    let mut story = world.story();
    story.calls(&shop.id, "id of the shop");
    story.calls(&shop.number, "number of the shop");
    for key in ["loja%20S%C3%A3o%20Jo%C3%A3o", &shop.id, &shop.number.to_string()] {
        let answer =
            story.ask("by name, id or number", by_host(Request::get(&format!("/rest/instance/{key}")))).await;
        assert_eq!(answer.body["instance"]["status"], "connected");
    }
    story
        .ask(
            "logout",
            Request::delete("/rest/instance/loja%20S%C3%A3o%20Jo%C3%A3o/logout").bearer(&shop.token),
        )
        .await;
    is_told("mega_other_door", &story);
}

#[tokio::test]
async fn a_name_that_is_a_word_of_a_path() {
    let world = World::start().await;
    for word in ["init", "list", "pairingCode", "qrcode", "qrcode_base64"] {
        let made = world.instance(word).await;
        let by_id = by_host(Request::get(&format!("/rest/instance/{}", made.id)));
        assert_eq!(world.json(&by_id).await["instance"]["key"], word);
        let by_number = by_host(Request::delete(&format!("/rest/instance/{}/logout", made.number)));
        assert_eq!(world.send(&by_number).await.status(), 200, "{word}");
        for path in [format!("/instance/connectionState/{word}"), format!("/api/instance/getSettings/{word}")]
        {
            let named = by_host(Request::get(&path)).header("apikey", ACCOUNT);
            assert_eq!(world.send(&named).await.status(), 200, "{path}");
        }
    }
    world.until_listed(5).await;
    let list = world.json(&by_host(Request::get("/rest/instance/list"))).await;
    assert_eq!(list["data"].as_array().map(Vec::len), Some(5), "the word wins: {list}");
}
