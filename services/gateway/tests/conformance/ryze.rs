//! The RyzeAPI dialect.

use serde_json::json;

use crate::{
    is_told,
    story::Request,
    world::{ACCOUNT, OTHER_ACCOUNT, ROOT, World},
};

fn by_account(request: Request) -> Request {
    request.header("token", ACCOUNT)
}

#[tokio::test]
async fn the_life_of_an_instance() {
    let world = World::start().await;
    let mut story = world.story();
    let body = json!({
        "name": "shop", "token": "token-of-shop", "autoRejectCalls": true, "callRejectMessage": "Write, please",
        "webhookEnabled": true, "webhookURL": "https://hooks.example/ryze", "webhookAuthorization": "Bearer x",
        "webhookEvents": ["instance.state"], "proxyEnabled": true, "proxyHost": "proxy.example",
        "proxyPort": "8080", "proxyPassword": "secret", "s3Enabled": true, "s3SecretKey": "secret",
    });
    story.ask("new", by_account(Request::post("/api/instance/new")).json(&body)).await;
    story
        .ask(
            "the name is taken",
            by_account(Request::post("/api/instance/new")).json(&json!({"name": "shop"})),
        )
        .await;
    story
        .ask(
            "the token is taken",
            by_account(Request::post("/api/instance/new"))
                .json(&json!({"name": "till", "token": "token-of-shop"})),
        )
        .await;
    let one = || by_account(Request::get("/api/instance/list?instanceName=shop"));
    story.ask("it is disconnected", one()).await;
    story.ask("nothing to reconnect yet", by_account(Request::post("/api/instance/reconnect/shop"))).await;
    story.ask("connect", by_account(Request::get("/api/instance/connect/shop"))).await;
    story.ask("it is connecting", one()).await;
    story.ask("still nothing to reconnect", by_account(Request::post("/api/instance/reconnect/shop"))).await;
    world.scan("shop").await;
    story.ask("it is connected", one()).await;
    story
        .ask(
            "connect leaves a connected instance alone",
            by_account(Request::get("/api/instance/connect/shop")),
        )
        .await;
    story
        .ask(
            "reconnect, with the instance's token as a bearer token",
            Request::post("/api/instance/reconnect/shop").bearer("token-of-shop"),
        )
        .await;
    world.until("shop", "the connection is open again", |now| now["connection"] == "open").await;
    story.ask("logout", by_account(Request::delete("/api/instance/logout/shop"))).await;
    story.ask("a repeated logout", by_account(Request::delete("/api/instance/logout/shop"))).await;
    story.ask("it is logged out, and keeps what it had", one()).await;
    story
        .ask("no session to reconnect any more", by_account(Request::post("/api/instance/reconnect/shop")))
        .await;
    story
        .ask(
            "connect with a pairing code",
            by_account(Request::get("/api/instance/connect/shop?number=5511987654321")),
        )
        .await;
    story
        .ask(
            "it may not delete itself",
            Request::delete("/api/instance/delete/shop").header("token", "token-of-shop"),
        )
        .await;
    story.ask("delete", by_account(Request::delete("/api/instance/delete/shop"))).await;
    story.ask("it is gone", by_account(Request::delete("/api/instance/delete/shop"))).await;
    story
        .ask(
            "and so is its token",
            Request::delete("/api/instance/logout/shop").header("token", "token-of-shop"),
        )
        .await;
    let list = Request::get("/api/instance/list").header("token", "token-of-shop");
    story.ask("everywhere", list).await;
    is_told("ryze_life", &story);
}

#[tokio::test]
async fn a_stopped_link_is_resumed_by_connect() {
    let world = World::start().await;
    world.linked("shop").await;
    let mut story = world.story();
    world.simulate("shop", "replace").await;
    let one = || by_account(Request::get("/api/instance/list?instanceName=shop,shop"));
    story.ask("another client took its place; a name that is asked for twice is shown once", one()).await;
    story.ask("connect takes it up again", by_account(Request::get("/api/instance/connect/shop"))).await;
    world.until("shop", "the connection is open again", |now| now["connection"] == "open").await;
    is_told("ryze_stopped", &story);
}

#[tokio::test]
async fn logout_when_not_connected() {
    let world = World::start().await;
    world.instance("shop").await;
    let mut story = world.story();
    story.ask("never connected", by_account(Request::delete("/api/instance/logout/shop"))).await;
    story.ask("again", by_account(Request::delete("/api/instance/logout/shop"))).await;
    story.ask("the state after it", by_account(Request::get("/api/instance/list?instanceName=shop"))).await;
    is_told("ryze_logout_when_not_connected", &story);
}

#[tokio::test]
async fn who_may_not() {
    let world = World::start().await;
    world.linked("shop").await;
    world.instance("till").await;
    let mut story = world.story();
    for (method, path) in [
        ("POST", "/api/instance/new"),
        ("GET", "/api/instance/list"),
        ("GET", "/api/instance/connect/shop"),
        ("POST", "/api/instance/reconnect/shop"),
        ("DELETE", "/api/instance/logout/shop"),
        ("DELETE", "/api/instance/delete/shop"),
        ("GET", "/api/instance/getSettings/shop"),
        ("POST", "/api/instance/settings/shop"),
        ("GET", "/api/instance/getProxy/shop"),
        ("POST", "/api/events/webhook/shop"),
        ("GET", "/api/events/getWebhook/shop"),
        ("POST", "/api/events/websocket/shop"),
        ("GET", "/api/events/getWebsocket/shop"),
    ] {
        let request = Request::new(method.parse().unwrap(), path);
        let none = story.ask("no token", request.clone()).await;
        let wrong = story.ask("a wrong token", request.header("token", "wrong")).await;
        assert_eq!((none.status, wrong.status), (401, 401), "{path}");
    }
    let asks = |token: &str| Request::delete("/api/instance/logout/shop").header("token", token);
    story.ask("another instance's token", asks("token-of-till")).await;
    story
        .ask(
            "another instance's token and no such instance",
            Request::delete("/api/instance/logout/nobody").header("token", "token-of-till"),
        )
        .await;
    story.ask("another account's token", asks(OTHER_ACCOUNT)).await;
    story.ask("the root key, which is nobody here", asks(ROOT)).await;
    story
        .ask(
            "an instance's token creates nothing",
            Request::post("/api/instance/new").header("token", "token-of-till").json(&json!({"name": "x"})),
        )
        .await;
    story
        .ask("the token in the query", Request::get("/api/instance/getSettings/till?token=token-of-till"))
        .await;
    story
        .ask(
            "a list with an instance's token is its own",
            Request::get("/api/instance/list?instanceName=shop").header("token", "token-of-till"),
        )
        .await;
    is_told("ryze_refused", &story);
}

#[tokio::test]
async fn unknown_instances_routes_and_methods() {
    let world = World::start().await;
    let mut story = world.story();
    for (method, path) in [
        ("GET", "/api/instance/list?instanceName=nobody"),
        ("GET", "/api/instance/connect/nobody"),
        ("POST", "/api/instance/reconnect/nobody"),
        ("DELETE", "/api/instance/logout/nobody"),
        ("DELETE", "/api/instance/delete/nobody"),
        ("GET", "/api/instance/getSettings/nobody"),
        ("GET", "/api/events/getWebhook/nobody"),
        ("GET", "/api/events/getWebsocket/nobody"),
        ("DELETE", "/api/instance/logout/%FF"),
        ("DELETE", "/api/instance/logout/a%2Fb"),
        ("GET", "/api/instance/status/nobody"),
        ("POST", "/api/instance/logout/nobody"),
    ] {
        let answer = story.ask("not there", by_account(Request::new(method.parse().unwrap(), path))).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    let several = "/api/instance/list?instanceName=nobody,noone";
    story.ask("of several names the unknown ones are left out", by_account(Request::get(several))).await;
    story.ask("a browser asks first", Request::new(reqwest::Method::OPTIONS, "/api/instance/list")).await;
    is_told("ryze_unknown", &story);
}

#[tokio::test]
async fn settings_webhooks_and_the_websocket() {
    let world = World::start().await;
    world.instance("shop").await;
    let mut story = world.story();
    let get = |path: &str| by_account(Request::get(path));
    let post = |path: &str, body: serde_json::Value| by_account(Request::post(path)).json(&body);
    story.ask("settings at first", get("/api/instance/getSettings/shop")).await;
    story.ask("change one", post("/api/instance/settings/shop", json!({"ignoreStatus": true}))).await;
    story
        .ask("change another", post("/api/instance/settings/shop", json!({"disableHistorySync": false})))
        .await;
    story.ask("change none", post("/api/instance/settings/shop", json!({}))).await;
    story
        .ask("change to something else", post("/api/instance/settings/shop", json!({"ignoreStatus": "yes"})))
        .await;
    story.ask("no JSON", by_account(Request::post("/api/instance/settings/shop")).raw("{")).await;

    story.ask("no webhooks", get("/api/events/getWebhook/shop")).await;
    story.ask("no webhook with the label", get("/api/events/getWebhook/shop?label=")).await;
    let hook = |label: &str| json!({"label": label, "enabled": true, "url": format!("https://hooks.example/{label}")});
    let full = json!({"enabled": true, "url": "https://hooks.example/default?x=1", "authorization": "Bearer x",
                      "byEvents": true, "events": ["instance.state"], "mediaBase64": true});
    story.ask("set the default one", post("/api/events/webhook/shop", full)).await;
    story.ask("a second", post("/api/events/webhook/shop", hook("b"))).await;
    story.ask("a third", post("/api/events/webhook/shop", hook("a"))).await;
    story.ask("a fourth is too many", post("/api/events/webhook/shop", hook("c"))).await;
    story
        .ask(
            "switch one off: nothing but its row is kept",
            post("/api/events/webhook/shop", json!({"enabled": false})),
        )
        .await;
    story.ask("now there is room", post("/api/events/webhook/shop", hook("c"))).await;
    story.ask("all, sorted", get("/api/events/getWebhook/shop")).await;
    story.ask("one, through the alias", get("/api/events/webhook/shop?label=a")).await;
    story
        .ask(
            "remove is switch off",
            by_account(Request::delete("/api/events/webhook/shop")).json(&json!({"label": "a"})),
        )
        .await;
    story
        .ask(
            "also by the query, for clients that send no body",
            by_account(Request::delete("/api/events/webhook/shop?label=c")),
        )
        .await;
    for body in [
        json!({"url": "https://hooks.example"}),
        json!({"enabled": true}),
        json!({"enabled": true, "url": "http://hooks.example"}),
        json!({"enabled": true, "url": "https://127.0.0.1/"}),
        json!({"enabled": true, "url": "https://hooks.example", "events": ["nothing"]}),
        json!({"enabled": "yes", "url": "https://hooks.example"}),
    ] {
        story.ask("a webhook that is refused", post("/api/events/webhook/shop", body)).await;
    }

    story.ask("the WebSocket was never set", get("/api/events/getWebsocket/shop")).await;
    story
        .ask(
            "set the WebSocket",
            post("/api/events/websocket/shop", json!({"enabled": true, "events": ["instance.state"]})),
        )
        .await;
    story.ask("show it", get("/api/events/getWebsocket/shop")).await;
    story.ask("switch it off", post("/api/events/websocket/shop", json!({"enabled": false}))).await;
    story.ask("show it", get("/api/events/getWebsocket/shop")).await;
    story
        .ask(
            "a proxy is kept",
            post(
                "/api/instance/proxy/shop",
                json!({"enabled": true, "host": "proxy.example", "password": "secret"}),
            ),
        )
        .await;
    story.ask("and shown without its password", get("/api/instance/getProxy/shop")).await;
    story
        .ask(
            "S3 is kept",
            post("/api/instance/s3/shop", json!({"enabled": true, "bucket": "b", "secretKey": "secret"})),
        )
        .await;
    story.ask("and shown without its secret", get("/api/instance/getS3/shop")).await;
    is_told("ryze_settings", &story);
}

#[tokio::test]
async fn bodies_that_are_refused() {
    let world = World::start().await;
    let mut story = world.story();
    for body in [
        "",
        "{",
        "[]",
        "{}",
        r#"{"name":""}"#,
        r#"{"name":1}"#,
        r#"{"name":"a/b"}"#,
        r#"{"name":"x","token":"with space"}"#,
        r#"{"name":"x","autoRejectCalls":"yes"}"#,
    ] {
        let answer = story.ask("new", by_account(Request::post("/api/instance/new")).raw(body)).await;
        assert_eq!(answer.status, 400, "{body}");
    }
    story
        .ask(
            "a webhook that is refused does not fail the create",
            by_account(Request::post("/api/instance/new")).json(&json!({
                "name": "x", "token": "token-of-x", "webhookEnabled": true, "webhookURL": "http://10.0.0.1/",
            })),
        )
        .await;
    story.ask("a number that is none", by_account(Request::get("/api/instance/connect/x?number=12"))).await;
    story
        .ask(
            "a body without end",
            by_account(Request::post("/api/instance/new")).raw(&" ".repeat(1024 * 1024 + 1)),
        )
        .await;
    is_told("ryze_bad_bodies", &story);
}

#[tokio::test]
async fn the_rate_of_a_token() {
    let world = World::start().await;
    world.instance("shop").await;
    let mut story = world.story();
    for _ in 0..19 {
        world.send(&by_account(Request::post("/api/instance/new")).raw("{")).await;
    }
    story
        .ask("the twentieth create of a minute", by_account(Request::post("/api/instance/new")).raw("{"))
        .await;
    story.ask("one more", by_account(Request::post("/api/instance/new")).raw("{")).await;
    story
        .ask(
            "other routes have a rate of their own",
            by_account(Request::get("/api/instance/getSettings/shop")),
        )
        .await;
    for _ in 1..100 {
        world.send(&by_account(Request::get("/api/instance/getSettings/shop"))).await;
    }
    story.ask("more than a hundred", by_account(Request::get("/api/instance/getSettings/shop"))).await;
    story
        .ask(
            "another token is not concerned",
            Request::get("/api/instance/getSettings/shop").bearer("token-of-shop"),
        )
        .await;
    world.advance_seconds(60);
    story.ask("the next minute", by_account(Request::get("/api/instance/getSettings/shop"))).await;
    is_told("ryze_rate", &story);
}

#[tokio::test]
async fn an_instance_of_another_door() {
    let world = World::start().await;
    let shop = world.linked("loja São João").await;
    world.until_listed(1).await;
    let mut story = world.story();
    story.calls(&shop.id, "id of the shop");
    story.calls(&shop.number, "number of the shop");
    story.ask("in the list", by_account(Request::get("/api/instance/list"))).await;
    for key in ["loja%20S%C3%A3o%20Jo%C3%A3o", &shop.id, &shop.number.to_string()] {
        let answer = story
            .ask("by name, id or number", by_account(Request::get(&format!("/api/instance/connect/{key}"))))
            .await;
        assert_eq!(answer.body["status"], "connected");
    }
    story
        .ask(
            "logout",
            Request::delete("/api/instance/logout/loja%20S%C3%A3o%20Jo%C3%A3o").bearer(&shop.token),
        )
        .await;
    is_told("ryze_other_door", &story);
}
