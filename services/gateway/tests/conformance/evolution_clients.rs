//! What clients of the Evolution dialect rely on that its routes alone do not say.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

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

#[tokio::test]
async fn a_restart_during_an_attempt_shows_its_code() {
    let world = World::start().await;
    let body = json!({"instanceName": "shop", "qrcode": true});
    let made = world.json(&with_key(Request::post("/instance/create")).json(&body)).await;
    let code = made["qrcode"]["code"].clone();
    assert!(code.is_string(), "{made}");
    for request in [Request::post("/instance/restart/shop"), Request::put("/instance/restart/shop")] {
        let again = world.json(&with_key(request)).await;
        assert_eq!(again["instance"]["state"], "connecting", "{again}");
        assert_eq!((&again["code"], &again["count"]), (&code, &json!(1)));
        assert_eq!(again["base64"], made["qrcode"]["base64"]);
    }
    let by_phone = Request::get("/instance/connect/shop?number=5511987654321");
    let pairing = world.json(&with_key(by_phone)).await["pairingCode"].clone();
    assert!(pairing.is_string());
    let again = world.json(&with_key(Request::post("/instance/restart/shop"))).await;
    assert_eq!(again["pairingCode"], pairing, "the method stays");
    let till = world.linked("till").await;
    let linked = world.json(&with_key(Request::post(&format!("/instance/restart/{}", till.id)))).await;
    assert!(linked["instance"].is_object() && linked.get("count").is_none(), "{linked}");
}

#[tokio::test]
async fn a_client_that_gives_up_after_five_seconds_has_an_answer_without_a_code() {
    let world = World::start().await;
    let shop = world.instance("shop").await;
    world.simulate(&shop.id, "never_show_code").await;
    let patience = Duration::from_secs(5);
    let connect = with_key(Request::get("/instance/connect/shop"));
    assert_eq!(timeout(patience, world.json(&connect)).await.unwrap(), json!({"count": 0}));
    let restart = with_key(Request::post("/instance/restart/shop"));
    let answer = timeout(patience, world.json(&restart)).await.unwrap();
    assert_eq!((&answer["count"], answer.get("code")), (&json!(0), None));
}
