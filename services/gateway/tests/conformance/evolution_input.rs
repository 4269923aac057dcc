//! Bodies that the Evolution dialect refuses: each row is a request and what it is answered, in the dialect's own words.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    is_told,
    story::{Request, Story},
    world::{ACCOUNT, World},
};

/// Every route that takes a body.
const WITH_BODY: [&str; 11] = [
    "/instance/create",
    "/instance/setPresence/shop",
    "/webhook/set/shop",
    "/settings/set/shop",
    "/proxy/set/shop",
    "/websocket/set/shop",
    "/rabbitmq/set/shop",
    "/nats/set/shop",
    "/pusher/set/shop",
    "/sqs/set/shop",
    "/kafka/set/shop",
];
/// A URL that a webhook may have.
const HOOK: &str = "https://hooks.example/evolution";

fn request(method: &Method, path: &str) -> Request {
    Request::new(method.clone(), path).header("apikey", ACCOUNT)
}

/// A table of bodies that a route refuses with 400.
async fn refuses(story: &mut Story<'_>, path: &str, bodies: impl IntoIterator<Item = Value>) {
    story.table(&format!("what {path} refuses"));
    for body in bodies {
        let answer = story.row(request(&Method::POST, path).json(&body)).await;
        assert_eq!(answer.status, 400, "{path} {body}");
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
        story.table(path);
        for body in
            ["{", "", "null", "[]", "\"text\"", "1", "{}", r#"{"a":"\ud800"}"#, "instanceName=x", &deep]
        {
            let answer = story.row(request(&Method::POST, path).raw(body)).await;
            // No setting is no change; anything else has a field that it needs.
            let wanted = if path.starts_with("/settings") && ["", "{}"].contains(&body) { 201 } else { 400 };
            assert_eq!(answer.status, wanted, "{path} {body}");
        }
        assert_eq!(story.row(request(&Method::POST, path).raw(&long)).await.status, 413, "{path}");
    }
    is_told("evolution_bad_bodies", &story);
}

#[tokio::test]
async fn fields_of_a_create() {
    let world = World::start().await;
    world.instance("shop").await;
    let mut story = world.story();
    let names = [
        json!(""),
        json!("  "),
        json!(1),
        json!(null),
        json!(["x"]),
        json!("a/b"),
        json!("a\\b"),
        json!(".."),
        json!("a\u{0}b"),
        json!("x".repeat(129)),
    ];
    refuses(&mut story, "/instance/create", names.map(|name| json!({"instanceName": name}))).await;
    let fields = [
        json!({"integration": "TELEGRAM"}),
        json!({"integration": 1}),
        json!({"integration": "WHATSAPP-BUSINESS"}),
        json!({"token": 1}),
        json!({"token": "with space"}),
        json!({"token": "ção"}),
        json!({"token": "x".repeat(257)}),
        json!({"token": "token-of-shop"}),
        json!({"token": ACCOUNT}),
        json!({"qrcode": "yes"}),
        json!({"number": 5_511_987_654_321_u64}),
        json!({"number": "+5511987654321"}),
        json!({"number": "5"}),
        json!({"number": "12", "qrcode": true}),
        json!({"number": "00511987654321", "qrcode": true}),
        json!({"number": "5".repeat(16), "qrcode": true}),
        json!({"businessId": 1}),
        json!({"rejectCall": "yes"}),
        json!({"reject_call": 1}),
        json!({"msgCall": false}),
        json!({"wavoipToken": {}}),
        json!({"msgCall": "x".repeat(70_000)}),
        json!({"websocket": true}),
        json!({"nats": {"enabled": 1}}),
        json!({"sqs": {"enabled": true, "events": ["NOTHING"]}}),
        json!({"proxyHost": 1}),
        json!({"proxyHost": "proxy.example", "proxyPort": 8080}),
        json!({"webhook": 1}),
        json!({"webhook": []}),
        json!({"webhook": "hooks.example"}),
        json!({"webhook": "http://hooks.example/"}),
        json!({"webhook": HOOK, "events": "all"}),
        json!({"webhook": {"url": 1}}),
        json!({"webhook": {"url": "http://10.0.0.1/"}}),
        json!({"webhook": {"url": HOOK, "byEvents": "yes"}}),
        json!({"webhook": {"url": HOOK, "base64": 1}}),
        json!({"webhook": {"url": HOOK, "headers": "x-a: b"}}),
        json!({"webhook": {"url": HOOK, "headers": {"a b": "c"}}}),
        json!({"webhook": {"url": HOOK, "events": [1]}}),
    ];
    let creates = fields.map(|mut body| {
        body["instanceName"] = json!("till");
        body
    });
    refuses(&mut story, "/instance/create", creates).await;
    let taken = request(&Method::POST, "/instance/create").json(&json!({"instanceName": "shop"}));
    assert_eq!(story.row(taken).await.status, 403);
    let nothing = request(&Method::GET, "/instance/fetchInstances?instanceName=till");
    assert_eq!(story.row(nothing).await.status, 404, "no refused create made an instance");
    is_told("evolution_bad_creates", &story);
}

#[tokio::test]
async fn fields_of_other_bodies() {
    let world = World::start().await;
    world.instance("shop").await;
    let mut story = world.story();
    let nested = [
        json!({}),
        json!(null),
        json!("https://hooks.example"),
        json!({"enabled": true}),
        json!({"enabled": true, "url": ""}),
        json!({"enabled": true, "url": null}),
        json!({"enabled": true, "url": 1}),
        json!({"url": HOOK}),
        json!({"enabled": "yes", "url": HOOK}),
        json!({"enabled": null, "url": HOOK}),
        json!({"enabled": true, "url": "ftp://hooks.example"}),
        json!({"enabled": true, "url": "https://10.1.2.3/"}),
        json!({"enabled": true, "url": "https://user:password@hooks.example/"}),
        json!({"enabled": true, "url": "https://hooks.example:22/"}),
        json!({"enabled": true, "url": format!("https://hooks.example/{}", "x".repeat(20_000))}),
        json!({"enabled": true, "url": HOOK, "byEvents": 1}),
        json!({"enabled": true, "url": HOOK, "base64": "no"}),
        json!({"enabled": true, "url": HOOK, "headers": ["a"]}),
        json!({"enabled": true, "url": HOOK, "headers": {"": "b"}}),
        json!({"enabled": true, "url": HOOK, "headers": {"x-a": "line\nline"}}),
        json!({"enabled": true, "url": HOOK, "headers": {"x-a": "x".repeat(5_000)}}),
        json!({"enabled": true, "url": HOOK, "events": "all"}),
        json!({"enabled": true, "url": HOOK, "events": ["NOTHING"]}),
        json!({"enabled": true, "url": HOOK, "events": ["QRCODE_UPDATED", null]}),
    ];
    refuses(&mut story, "/webhook/set/shop", nested.map(|webhook| json!({"webhook": webhook}))).await;
    let flat = [
        json!({"enabled": true}),
        json!({"enabled": true, "url": ""}),
        json!({"enabled": 1, "url": HOOK}),
        json!({"enabled": true, "url": [HOOK]}),
        json!({"url": HOOK, "webhook_by_events": "yes"}),
        json!({"url": HOOK, "webhookBase64": "yes"}),
        json!({"url": HOOK, "events": {}}),
    ];
    refuses(&mut story, "/webhook/set/shop", flat).await;
    let settings = [
        json!({"rejectCall": 1}),
        json!({"msgCall": 1}),
        json!({"groups_ignore": "true"}),
        json!({"alwaysOnline": []}),
        json!({"readMessages": "false"}),
        json!({"read_status": 0}),
        json!({"syncFullHistory": {}}),
        json!({"wavoipToken": true}),
        json!({"msgCall": "x".repeat(70_000)}),
    ];
    refuses(&mut story, "/settings/set/shop", settings).await;
    let presences =
        [json!({}), json!({"presence": null}), json!({"presence": 1}), json!({"presence": "asleep"})];
    refuses(&mut story, "/instance/setPresence/shop", presences).await;
    let proxies = [
        json!({"host": "proxy.example"}),
        json!({"enabled": "yes"}),
        json!({"proxy": []}),
        json!({"enabled": true, "host": 1}),
        json!({"proxy": {"enabled": true, "host": "proxy.example", "port": 8080}}),
        json!({"enabled": true, "password": 1}),
    ];
    refuses(&mut story, "/proxy/set/shop", proxies).await;
    for transport in ["websocket", "rabbitmq", "nats", "pusher", "sqs", "kafka"] {
        let bodies = [
            json!({transport: []}),
            json!({transport: {}}),
            json!({"enabled": "yes"}),
            json!({transport: {"enabled": true, "events": 1}}),
            json!({transport: {"enabled": true, "events": ["NOTHING"]}}),
        ];
        refuses(&mut story, &format!("/{transport}/set/shop"), bodies).await;
    }
    story.table("what was set in spite of all this");
    for path in ["/webhook/find/shop", "/proxy/find/shop", "/websocket/find/shop", "/settings/find/shop"] {
        story.row(request(&Method::GET, path)).await;
    }
    is_told("evolution_bad_fields", &story);
}
