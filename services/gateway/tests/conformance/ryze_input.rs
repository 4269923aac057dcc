//! What the RyzeAPI dialect refuses: each row is a request and what it is answered, in the dialect's own words.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    is_told,
    story::{Request, Story},
    world::{ACCOUNT, World},
};

/// A URL that a webhook may have.
const HOOK: &str = "https://hooks.example/ryze";
/// The routes that take a body.
const WITH_BODY: [&str; 6] = [
    "/api/instance/new",
    "/api/instance/settings/shop",
    "/api/instance/proxy/shop",
    "/api/instance/s3/shop",
    "/api/events/webhook/shop",
    "/api/events/websocket/shop",
];

fn request(method: &Method, path: &str) -> Request {
    Request::new(method.clone(), path).header("token", ACCOUNT)
}

/// A row that is answered with this status; `success` says the same.
async fn is_answered(story: &mut Story<'_>, request: Request, status: u16) {
    let what = format!("{} {} {:?}", request.method, request.path, request.body);
    let answer = story.row(request).await;
    assert_eq!(answer.status, status, "{what}");
    assert_eq!(answer.body["success"], status < 400, "{what}");
}

/// A table of bodies that a route refuses.
async fn refuses(world: &World, story: &mut Story<'_>, path: &str, bodies: impl IntoIterator<Item = Value>) {
    // Rates are counted in windows of a minute.
    world.advance_seconds(60);
    story.table(&format!("what {path} refuses"));
    for body in bodies {
        is_answered(story, request(&Method::POST, path).json(&body), 400).await;
    }
}

#[tokio::test]
async fn bodies_of_a_wrong_form() {
    let world = World::start().await;
    world.instance("shop").await;
    let mut story = world.story();
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(500), "]".repeat(500));
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(1024 * 1024));
    for path in WITH_BODY {
        world.advance_seconds(60);
        story.table(path);
        for body in ["", "{", "null", "[]", "\"text\"", "1", r#"{"a":"\ud800"}"#, "name=x", &deep, &long] {
            is_answered(&mut story, request(&Method::POST, path).raw(body), 400).await;
        }
    }
    story.table("whose instance it is comes before what is asked of it");
    let till = world.instance("till").await;
    for (path, name) in WITH_BODY.iter().skip(1).flat_map(|path| [(path, "nobody"), (path, "shop")]) {
        let path = path.replace("shop", name);
        let status = if name == "shop" { 403 } else { 404 };
        let request = Request::post(&path).header("token", &till.token).raw("{");
        is_answered(&mut story, request, status).await;
    }
    story.table("removals");
    for body in ["{", "null", "[]", r#"{"label":1}"#, r#"{"label":["a"]}"#] {
        is_answered(&mut story, request(&Method::DELETE, WITH_BODY[4]).raw(body), 400).await;
    }
    is_told("ryze_bad_forms", &story);
}

#[tokio::test]
async fn fields() {
    let world = World::start().await;
    world.instance("shop").await;
    let mut story = world.story();
    let long = "x".repeat(129);
    let names = [
        json!(null),
        json!(""),
        json!("  "),
        json!(1),
        json!(["x"]),
        json!("a/b"),
        json!("a\\b"),
        json!(".."),
        json!("a\u{0}b"),
        json!(long),
    ];
    refuses(&world, &mut story, WITH_BODY[0], names.map(|name| json!({"name": name}))).await;
    let long = "x".repeat(257);
    let tokens = [json!(1), json!("with space"), json!("ção"), json!(long)];
    refuses(&world, &mut story, WITH_BODY[0], tokens.map(|token| json!({"name": "till", "token": token})))
        .await;
    let settings = [
        json!({}),
        json!({"unknown": true}),
        json!({"autoRejectCalls": 1}),
        json!({"callRejectMessage": false}),
        json!({"ignoreGroupMessages": "true"}),
        json!({"keepOnlineStatus": []}),
        json!({"autoReadMessages": null}),
        json!({"disableHistorySync": {}}),
        json!({"ignoreStatus": 0}),
        json!({"callRejectMessage": "x".repeat(70_000)}),
    ];
    refuses(&world, &mut story, WITH_BODY[1], settings).await;
    let webhooks = [
        json!({"enabled": "yes", "url": HOOK}),
        json!({"enabled": 1, "url": HOOK}),
        json!({"enabled": true}),
        json!({"enabled": true, "url": ""}),
        json!({"enabled": true, "url": 1}),
        json!({"enabled": true, "url": "hooks.example"}),
        json!({"enabled": true, "url": "ftp://hooks.example"}),
        json!({"enabled": true, "url": "https://10.1.2.3/"}),
        json!({"enabled": true, "url": "https://user:password@hooks.example/"}),
        json!({"enabled": true, "url": format!("{HOOK}/{}", "x".repeat(20_000))}),
        json!({"enabled": true, "url": HOOK, "label": 1}),
        json!({"enabled": true, "url": HOOK, "label": "x".repeat(1_000)}),
        json!({"enabled": true, "url": HOOK, "authorization": {}}),
        json!({"enabled": true, "url": HOOK, "authorization": "line\nline"}),
        json!({"enabled": true, "url": HOOK, "byEvents": 1}),
        json!({"enabled": true, "url": HOOK, "mediaBase64": "no"}),
        json!({"enabled": true, "url": HOOK, "events": "instance.state"}),
        json!({"enabled": true, "url": HOOK, "events": [1]}),
        json!({"enabled": true, "url": HOOK, "events": ["INSTANCE_STATE"]}),
    ];
    refuses(&world, &mut story, WITH_BODY[4], webhooks).await;
    let websockets = [
        json!({}),
        json!({"enabled": null}),
        json!({"enabled": "yes"}),
        json!({"enabled": true, "events": "all"}),
        json!({"enabled": true, "events": ["nothing"]}),
        json!({"enabled": true, "mediaBase64": 1}),
    ];
    refuses(&world, &mut story, WITH_BODY[5], websockets).await;
    story.table("what came of all this");
    is_answered(&mut story, request(&Method::GET, "/api/instance/list?instanceName=till"), 404).await;
    is_answered(&mut story, request(&Method::GET, "/api/events/getWebhook/shop"), 200).await;
    is_answered(&mut story, request(&Method::GET, "/api/events/getWebsocket/shop"), 404).await;
    is_answered(&mut story, request(&Method::GET, "/api/instance/getSettings/shop"), 200).await;
    is_told("ryze_bad_fields", &story);
}

#[tokio::test]
async fn names_and_queries() {
    let world = World::start().await;
    world.instance("shop").await;
    let mut story = world.story();
    story.table("numbers to connect");
    for number in ["12", "abc", "%2B", "00511987654321", "%FF", "-1", "1e9", "%D9%A1%D9%A2", &"5".repeat(200)]
    {
        let connect = format!("/api/instance/connect/shop?number={number}");
        is_answered(&mut story, request(&Method::GET, &connect), 400).await;
    }
    for (name, written) in [
        ("loja São João", "loja%20S%C3%A3o%20Jo%C3%A3o"),
        ("店", "%E5%BA%97"),
        ("🛒", "%F0%9F%9B%92"),
        ("a+b", "a%2Bb"),
        ("50%", "50%25"),
        ("a?b#c&d", "a%3Fb%23c%26d"),
        ("1199999999", "1199999999"),
    ] {
        world.advance_seconds(60);
        story.table(name);
        let create = || request(&Method::POST, "/api/instance/new").json(&json!({"name": name}));
        assert_eq!(world.send(&create()).await.status(), 201, "{name}");
        is_answered(&mut story, create(), 409).await;
        let read = format!("/api/instance/getProxy/{written}");
        is_answered(&mut story, request(&Method::GET, &read), 200).await;
        let listed =
            world.json(&request(&Method::GET, &format!("/api/instance/list?instanceName={written}"))).await;
        assert_eq!(listed["instances"][0]["name"], name);
        let logout = format!("/api/instance/logout/{written}");
        is_answered(&mut story, request(&Method::DELETE, &logout), 200).await;
        let delete = format!("/api/instance/delete/{written}");
        is_answered(&mut story, request(&Method::DELETE, &delete), 200).await;
    }
    is_told("ryze_names", &story);
}

#[tokio::test]
async fn routes_and_methods_that_are_not_there() {
    let world = World::start().await;
    world.instance("shop").await;
    let mut story = world.story();
    let methods = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    for (path, has) in [
        ("/api/instance/new", &[Method::POST][..]),
        ("/api/instance/list", &[Method::GET]),
        ("/api/instance/connect/shop", &[Method::GET]),
        ("/api/instance/reconnect/shop", &[Method::POST]),
        ("/api/instance/logout/shop", &[Method::DELETE]),
        ("/api/instance/delete/shop", &[Method::DELETE]),
        ("/api/instance/getSettings/shop", &[Method::GET]),
        ("/api/instance/settings/shop", &[Method::POST]),
        ("/api/events/webhook/shop", &[Method::GET, Method::POST, Method::DELETE]),
        ("/api/events/getWebhook/shop", &[Method::GET]),
        ("/api/events/websocket/shop", &[Method::POST]),
        ("/ws/shop", &[Method::GET]),
        ("/api", &[]),
        ("/api/", &[]),
        ("/api/instance", &[]),
        ("/api/instance/connect", &[]),
        ("/api/instance/connect/", &[]),
        ("/api/instance/logout/shop/now", &[]),
        ("/api/instance/shop", &[]),
        ("/api/v1/instance/list", &[]),
        ("/api/message/sendText/shop", &[]),
        ("/api/instance/connect/%FF/%FF", &[]),
        ("/ws", &[]),
        ("/ws/shop/x", &[]),
    ] {
        world.advance_seconds(60);
        story.table(path);
        for method in methods.iter().filter(|method| !has.contains(method)) {
            is_answered(&mut story, request(method, path), 404).await;
        }
    }
    is_told("ryze_bad_routes", &story);
}
