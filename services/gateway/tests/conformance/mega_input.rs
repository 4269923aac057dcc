//! What the Mega dialect refuses: each row is a request and what it is answered, in the dialect's own words.

use reqwest::Method;
use serde_json::json;

use crate::{
    is_told,
    story::{Request, Story},
    world::{ACCOUNT, World},
};

/// A URL that a webhook may have.
const HOOK: &str = "https://hooks.example/mega";
/// The routes that take a body.
const WITH_BODY: [&str; 2] = ["/rest/instance/init?instance_key=till", "/rest/webhook/shop/configWebhook"];

fn request(method: &Method, path: &str) -> Request {
    Request::new(method.clone(), path).bearer(ACCOUNT)
}

/// A row that is answered with this status; `error` says the same.
async fn is_answered(story: &mut Story<'_>, request: Request, status: u16) {
    let what = format!("{} {}", request.method, request.path);
    let answer = story.row(request).await;
    assert_eq!(answer.status, status, "{what}");
    assert_eq!(answer.body["error"], status >= 400, "{what}");
}

#[tokio::test]
async fn bodies() {
    let world = World::start().await;
    world.instance("shop").await;
    let mut story = world.story();
    let deep = format!(r#"{{"messageData":{}{}}}"#, "[".repeat(500), "]".repeat(500));
    let surrogate = r#"{"messageData":{"webhookUrl":"\ud800"}}"#;
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(1024 * 1024));
    for path in WITH_BODY {
        story.table(path);
        for body in ["{", "null", "[]", "\"text\"", "1", "messageData=x", surrogate, &deep] {
            is_answered(&mut story, request(&Method::POST, path).raw(body), 400).await;
        }
        is_answered(&mut story, request(&Method::POST, path).raw(&long), 413).await;
        for data in [
            json!("https://hooks.example"),
            json!(1),
            json!([]),
            json!({}),
            json!([HOOK, true]),
            json!({"webhookEnabled": true}),
            json!({"webhookUrl": HOOK}),
            json!({"webhookUrl": null, "webhookEnabled": true}),
            json!({"webhookUrl": 1, "webhookEnabled": true}),
            json!({"webhookUrl": [HOOK], "webhookEnabled": true}),
            json!({"webhookUrl": HOOK, "webhookEnabled": "yes"}),
            json!({"webhookUrl": HOOK, "webhookEnabled": 1}),
            json!({"webhookUrl": HOOK, "webhookEnabled": null}),
            json!({"webhookUrl": "", "webhookEnabled": true}),
            json!({"webhookUrl": "hooks.example", "webhookEnabled": true}),
            json!({"webhookUrl": "http://hooks.example/", "webhookEnabled": true}),
            json!({"webhookUrl": "ftp://hooks.example/", "webhookEnabled": true}),
            json!({"webhookUrl": "https://10.1.2.3/", "webhookEnabled": true}),
            json!({"webhookUrl": "https://user:password@hooks.example/", "webhookEnabled": true}),
            json!({"webhookUrl": format!("{HOOK}/{}", "x".repeat(20_000)), "webhookEnabled": true}),
        ] {
            let body = json!({"messageData": data});
            is_answered(&mut story, request(&Method::POST, path).json(&body), 400).await;
        }
    }
    story.table("nothing to set");
    for body in ["", " ", "{}", r#"{"messageData":null}"#, r#"{"message_data":{}}"#] {
        is_answered(&mut story, request(&Method::POST, WITH_BODY[1]).raw(body), 400).await;
    }
    story.table("what came of all this");
    is_answered(&mut story, request(&Method::GET, "/rest/instance/till"), 404).await;
    is_answered(&mut story, request(&Method::GET, "/rest/webhook/shop"), 200).await;
    is_told("mega_bad_fields", &story);
}

#[tokio::test]
async fn queries() {
    let world = World::start().await;
    world.instance("shop").await;
    let mut story = world.story();
    story.table("keys of new instances");
    let long = "x".repeat(129);
    for key in ["", "%20", "a%2Fb", "a%5Cb", "a%00b", "..", "a&instance_key=b", "%FF", &long] {
        let init = format!("/rest/instance/init?instance_key={key}");
        is_answered(&mut story, request(&Method::POST, &init), 400).await;
    }
    is_answered(&mut story, request(&Method::POST, "/rest/instance/init?instance_key=shop"), 409).await;
    story.table("numbers for a pairing code");
    for number in [
        "",
        "12",
        "abc",
        "%2B5511987654321",
        "00511987654321",
        "%FF",
        "-1",
        "1e9",
        "%D9%A1%D9%A2",
        "5511987654321&phoneNumber=5511987654322",
        &"5".repeat(200),
    ] {
        let pair = format!("/rest/instance/pairingCode/shop?phoneNumber={number}");
        is_answered(&mut story, request(&Method::GET, &pair), 400).await;
    }
    is_answered(&mut story, request(&Method::GET, "/rest/instance/pairingCode/shop?phone_number=1"), 400)
        .await;
    is_told("mega_bad_queries", &story);
}

#[tokio::test]
async fn keys_that_are_written_otherwise() {
    let world = World::start().await;
    let mut story = world.story();
    for (name, written) in [
        ("loja São João", "loja%20S%C3%A3o%20Jo%C3%A3o"),
        ("店", "%E5%BA%97"),
        ("🛒", "%F0%9F%9B%92"),
        ("a+b", "a%2Bb"),
        ("50%", "50%25"),
        ("a?b#c&d", "a%3Fb%23c%26d"),
        ("1199999999", "1199999999"),
    ] {
        story.table(name);
        let init = request(&Method::POST, &format!("/rest/instance/init?instance_key={written}"));
        let made = world.json(&init).await;
        assert_eq!(made["instance"]["key"], name, "{made}");
        let shown = story.row(request(&Method::GET, &format!("/rest/instance/{written}"))).await;
        assert_eq!(shown.body["instance"]["key"], name);
        is_answered(&mut story, init, 409).await;
        let webhook = json!({"messageData": {"webhookUrl": HOOK, "webhookEnabled": true}});
        let set = request(&Method::POST, &format!("/rest/webhook/{written}/configWebhook"));
        is_answered(&mut story, set.json(&webhook), 200).await;
        let send = format!("/rest/sendMessage/{written}/text");
        is_answered(&mut story, request(&Method::POST, &send), 400).await;
        is_answered(&mut story, request(&Method::DELETE, &format!("/rest/instance/{written}/logout")), 200)
            .await;
        is_answered(&mut story, request(&Method::DELETE, &format!("/rest/instance/{written}/delete")), 200)
            .await;
    }
    is_told("mega_names", &story);
}

#[tokio::test]
async fn routes_and_methods_that_are_not_there() {
    let world = World::start().await;
    world.instance("shop").await;
    let mut story = world.story();
    let methods = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    for (path, has) in [
        ("/rest/instance/init", &[Method::POST][..]),
        ("/rest/instance/list", &[Method::GET]),
        ("/rest/instance/shop", &[Method::GET]),
        ("/rest/instance/qrcode/shop", &[Method::GET]),
        ("/rest/instance/qrcode_base64/shop", &[Method::GET]),
        ("/rest/instance/pairingCode/shop", &[Method::GET]),
        ("/rest/instance/shop/logout", &[Method::DELETE]),
        ("/rest/instance/shop/restart", &[Method::DELETE]),
        ("/rest/instance/shop/delete", &[Method::DELETE]),
        ("/rest/webhook/shop", &[Method::GET]),
        ("/rest/webhook/shop/configWebhook", &[Method::POST]),
        ("/rest", &[]),
        ("/rest/", &[]),
        ("/rest/instance", &[]),
        ("/rest/instance/", &[]),
        ("/rest/instance/logout/shop", &[]),
        ("/rest/instance/shop/logout/now", &[]),
        ("/rest/instance/shop/status", &[]),
        ("/rest/connectionStatus/nobody", &[]),
        ("/rest/config/shop", &[]),
        ("/rest/sendMessage", &[]),
        ("/rest/sendMessage/nobody/text", &[]),
        ("/rest/sendMessage/%FF/text", &[]),
        ("/rest/a/b/c/d/e/shop", &[]),
        ("//rest/instance/list", &[]),
    ] {
        story.table(path);
        for method in methods.iter().filter(|method| !has.contains(method)) {
            let answer = story.row(request(method, path)).await;
            assert_eq!(answer.status, 404, "{method} {path}");
        }
    }
    is_told("mega_bad_routes", &story);
}
