//! What clients of the Evolution dialect rely on that its routes alone do not say.

use serde_json::{Value, json};

use crate::{
    story::Request,
    world::{ACCOUNT, World},
};

fn with_key(request: Request) -> Request {
    request.header("apikey", ACCOUNT)
}

#[tokio::test]
async fn events_of_other_releases_are_kept_in_a_create_and_in_a_flat_set() {
    let world = World::start().await;
    let url = "https://hooks.example/a";
    let events = json!(["CONNECTION_UPDATE", "NEW_JWT_TOKEN", "GROUPS_UPDATE", "MESSAGING_HISTORY_SET"]);
    for (name, webhook) in [
        ("nested", json!({"webhook": {"url": url, "events": events}})),
        ("flat", json!({"webhook": url, "webhook_by_events": false, "events": events})),
    ] {
        let mut body = webhook;
        body["instanceName"] = json!(name);
        let made = world.send(&with_key(Request::post("/instance/create")).json(&body)).await;
        assert_eq!(made.status(), 201, "{name}");
        let found = world.json(&with_key(Request::get(&format!("/webhook/find/{name}")))).await;
        assert_eq!(found["events"], events, "{name}");
    }
    let set = |body: &Value| with_key(Request::post("/webhook/set/nested")).json(body);
    let other = json!(["NEW_JWT_TOKEN"]);
    let flat = json!({"enabled": true, "url": url, "events": other});
    assert_eq!(world.json(&set(&flat)).await["events"], other);
    // The nested body is checked, as in the product.
    let nested = world.send(&set(&json!({"webhook": flat}))).await;
    assert_eq!(nested.status(), 400);
    let found = world.json(&with_key(Request::get("/webhook/find/nested"))).await;
    assert_eq!(found["events"], other);
}

#[tokio::test]
async fn a_transport_of_a_create_is_switched_on_by_being_there() {
    let world = World::start().await;
    let body = json!({
        "instanceName": "shop", "rabbitmq": {}, "websocket": {"enabled": null, "events": ["CALL"]},
        "sqs": {"enabled": false}, "kafka": null,
    });
    let made = world.json(&with_key(Request::post("/instance/create")).json(&body)).await;
    for transport in ["rabbitmq", "websocket", "sqs"] {
        assert_eq!(made[transport], json!({"enabled": true}), "{transport}: {made}");
        let found = world.json(&with_key(Request::get(&format!("/{transport}/find/shop")))).await;
        assert_eq!(found["enabled"], true, "{transport}: {found}");
    }
    let found = world.json(&with_key(Request::get("/websocket/find/shop"))).await;
    assert_eq!(found["events"], json!(["CALL"]));
    assert_eq!(world.json(&with_key(Request::get("/kafka/find/shop"))).await, Value::Null);
}
