//! Webhooks that stand with the account, as the native API has them: what they hear, and how they are configured.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    receiver::Receiver,
    story::Request,
    world::{ACCOUNT, OTHER_ACCOUNT, ROOT, World, eventually},
};

const HOOKS: &str = "/v1/webhooks";

async fn ask(world: &World, status: u16, request: Request) -> Value {
    let shown = format!("{request:?}");
    let (answered, body) = world.native(request, ACCOUNT).await;
    assert_eq!(answered, status, "{shown}: {body}");
    body
}

async fn hook(world: &World, body: &Value) -> String {
    ask(world, 201, Request::post(HOOKS).json(body)).await["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_instance_is_heard_with_its_own_silence() {
    let world = World::start_with_deliveries().await;
    let receiver = Receiver::start().await;
    let shop = world.linked("shop").await;
    let id = hook(&world, &json!({"url": receiver.url("/all"), "events": ["instance.l*"]})).await;
    let kiosk = world.linked("kiosk").await;
    receiver.received(1).await;
    ask(&world, 200, Request::post("/v1/instances/shop/logout").json(&json!({}))).await;
    let hits = receiver.received(2).await;
    let told: Vec<_> = hits.iter().map(|hit| (&hit.body["type"], &hit.body["data"]["instance"])).collect();
    assert_eq!(told[0], (&json!("instance.linked"), &json!(kiosk.id)));
    assert_eq!(told[1], (&json!("instance.logged_out"), &json!(shop.id)));

    // Nothing of it stands at the instances, and whoever looks there is told where it is.
    let own = ask(&world, 200, Request::get("/v1/instances/kiosk/webhooks")).await;
    assert_eq!(own["webhooks"], json!([]));
    let there = format!("/v1/instances/kiosk/webhooks/{id}");
    for request in [
        Request::patch(&there).json(&json!({"enabled": false})),
        Request::delete(&there),
        Request::post(&format!("{there}/secret")).json(&json!({})),
    ] {
        let refused = ask(&world, 409, request).await;
        assert_eq!(refused["code"], "webhook_of_account");
        assert!(refused["detail"].as_str().unwrap().contains("/v1/webhooks"), "{refused}");
    }

    let list = format!("{HOOKS}/{id}/deliveries");
    let delivered = async || {
        let page = ask(&world, 200, Request::get(&format!("{list}?state=delivered"))).await;
        page["deliveries"].as_array().unwrap().len() == 2
    };
    eventually("both are delivered", delivered).await;
    let page = ask(&world, 200, Request::get(&list)).await;
    let all = page["deliveries"].as_array().unwrap();
    let instances: BTreeSet<_> = all.iter().map(|one| one["instance"].as_str().unwrap()).collect();
    assert_eq!(instances, BTreeSet::from([shop.id.as_str(), kiosk.id.as_str()]));
    // Each is shown, and sent again, at its instance.
    let linked = all.iter().find(|one| one["event"] == "instance.linked").unwrap();
    let message = linked["id"].as_str().unwrap();
    let one = format!("/v1/instances/kiosk/webhooks/{id}/deliveries/{message}");
    assert_eq!(ask(&world, 200, Request::get(&one)).await["delivery"]["state"], "delivered");
    let again = Request::post(&format!("{one}/resend")).json(&json!({}));
    assert_eq!(ask(&world, 202, again).await["deliveries"], 1);
    let hits = receiver.received(3).await;
    assert_eq!(hits[2].headers["webhook-id"], hits[0].headers["webhook-id"]);
    let silent = Request::post(&format!("/v1/instances/shop/webhooks/{id}/recover"))
        .json(&json!({"since": "2025-01-01T10:00:00Z"}));
    assert_eq!(ask(&world, 409, silent).await["code"], "silent");
    let all = Request::post("/v1/deliveries/recover").json(&json!({"since": "2025-01-01T10:00:00Z"}));
    assert_eq!(ask(&world, 202, all).await["silent"], 1);

    // A test is about no instance.
    let tested = ask(&world, 200, Request::post(&format!("{HOOKS}/{id}/test")).json(&json!({}))).await;
    assert_eq!((&tested["delivered"], &tested["status"]), (&json!(true), &json!(200)));
    let hits = receiver.received(4).await;
    assert_eq!(hits[3].body["data"], json!({ "account": world.account_id }));

    // Of a deletion it hears although the instance's data key is gone by then, and the instance has no endpoint itself.
    let doomed = world.instance("doomed").await;
    let events = json!({"events": ["instance.l*", "instance.deleted"]});
    ask(&world, 200, Request::patch(&format!("{HOOKS}/{id}")).json(&events)).await;
    ask(&world, 200, Request::delete("/v1/instances/doomed")).await;
    let hits = receiver.received(5).await;
    assert_eq!(
        (&hits[4].body["type"], &hits[4].body["data"]["instance"]),
        (&json!("instance.deleted"), &json!(doomed.id))
    );
    assert_eq!(hits[4].body["data"]["name"], "doomed");

    // Once it is removed nobody is told.
    ask(&world, 204, Request::delete(&format!("{HOOKS}/{id}"))).await;
    ask(&world, 200, Request::post("/v1/instances/kiosk/logout").json(&json!({}))).await;
    ask(&world, 404, Request::get(&format!("{HOOKS}/{id}"))).await;
    ask(&world, 200, Request::get(&list)).await;
    assert_eq!(receiver.received(5).await.len(), 5);
}

#[tokio::test]
async fn it_is_configured_by_the_account_alone() {
    let world = World::start().await;
    let shop = world.instance("shop").await;
    let body = json!({"url": "https://example.com/hook", "label": "main", "headers": {"x-tenant": "7"}});
    let made = ask(&world, 201, Request::post(HOOKS).json(&body)).await;
    let path = format!("{HOOKS}/{}", made["id"].as_str().unwrap());
    let shown = ask(&world, 200, Request::get(&path)).await;
    assert_eq!(
        (&shown["label"], &shown["headers"], &shown["secret"]),
        (&json!("main"), &body["headers"], &Value::Null)
    );
    assert_eq!(ask(&world, 200, Request::get(HOOKS)).await["webhooks"], json!([shown]));
    for (token, status) in [(ROOT, 403), (shop.token.as_str(), 403), (OTHER_ACCOUNT, 404), ("nobody", 401)] {
        for request in [
            Request::get(&path),
            Request::patch(&path).json(&json!({"enabled": false})),
            Request::get(&format!("{path}/secret")),
            Request::post(&format!("{path}/secret")).json(&json!({})),
            Request::post(&format!("{path}/test")).json(&json!({})),
            Request::get(&format!("{path}/deliveries")),
            Request::delete(&path),
        ] {
            let shown = format!("{request:?}");
            assert_eq!(world.native(request, token).await.0, status, "{shown} as {token}");
        }
    }
    let others = world.native(Request::get(HOOKS), OTHER_ACCOUNT).await;
    assert_eq!(others.1["webhooks"], json!([]));

    // The secret is shown again, and changed with an overlap or at once.
    let secret = ask(&world, 200, Request::get(&format!("{path}/secret"))).await;
    assert_eq!(secret["secret"], made["secret"]);
    let rotate = |body: Value| Request::post(&format!("{path}/secret")).json(&body);
    let rotated = ask(&world, 200, rotate(json!({}))).await;
    assert_ne!(rotated["secret"], made["secret"]);
    assert_eq!(rotated["former"][0]["secret"], made["secret"]);
    let at_once = ask(&world, 200, rotate(json!({"overlap_hours": 0}))).await;
    let former = at_once["former"].as_array().unwrap();
    assert!(former.iter().all(|one| one["secret"] != rotated["secret"]), "{at_once}");
    ask(&world, 400, rotate(json!({"overlap_hours": 169}))).await;

    for (wrong, says) in [
        (json!({"url": "https://example.com/", "events": ["instance.x*"]}), "instance.logged_out"),
        (json!({"url": "https://example.com/", "events": ["*.linked"]}), "instance.logged_out"),
        (json!({"url": "https://example.com/", "format": "green"}), "queue"),
        (json!({"url": "https://example.com/", "format": "codechat.business"}), "native"),
        (json!({"url": "http://10.0.0.1/"}), "address"),
        (json!({"url": ""}), "url"),
    ] {
        let refused = ask(&world, 400, Request::post(HOOKS).json(&wrong)).await;
        assert!(refused["detail"].as_str().unwrap().contains(says), "{wrong}: {refused}");
    }
    for events in [json!(["*"]), json!(["instance.*", "instance.linked"])] {
        let changed = ask(&world, 200, Request::patch(&path).json(&json!({ "events": events }))).await;
        assert_eq!(changed["events"], events);
    }
    ask(&world, 400, Request::patch(&path).json(&json!({"events": ["nothing*"]}))).await;
    for _ in 0..19 {
        hook(&world, &body).await;
    }
    let full = ask(&world, 409, Request::post(HOOKS).json(&body)).await;
    assert_eq!(full["code"], "too_many_webhooks");
}

#[tokio::test]
async fn a_keyed_request_is_done_once_and_two_changes_at_once_both_hold() {
    let world = World::start().await;
    let body = json!({"url": "https://example.com/hook"});
    let keyed = |key: &str| Request::post(HOOKS).json(&body).header("idempotency-key", key);
    let first = ask(&world, 201, keyed("one")).await;
    let again = ask(&world, 201, keyed("one")).await;
    assert_eq!(first["id"], again["id"]);
    assert_eq!(first["secret"], again["secret"], "the secret of the one that is there");
    let path = format!("{HOOKS}/{}", first["id"].as_str().unwrap());
    let other = Request::post(HOOKS).json(&json!({"url": "https://example.com/"}));
    ask(&world, 422, other.header("idempotency-key", "one")).await;
    let change = |body: Value| world.native(Request::patch(&path).json(&body), ACCOUNT);
    for round in 0..8 {
        let (label, enabled) = (format!("round {round}"), round % 2 == 0);
        let url = format!("https://example.com/{round}");
        let (a, b, c) = tokio::join!(
            change(json!({"label": label})),
            change(json!({"enabled": enabled})),
            change(json!({"url": url}))
        );
        assert_eq!((a.0, b.0, c.0), (200, 200, 200), "{} {} {}", a.1, b.1, c.1);
        let now = ask(&world, 200, Request::get(&path)).await;
        assert_eq!(
            (&now["label"], &now["enabled"], &now["url"]),
            (&json!(label), &json!(enabled), &json!(url))
        );
    }
    let keyed_change = |body: Value| Request::patch(&path).json(&body).header("idempotency-key", "two");
    for _ in 0..2 {
        ask(&world, 200, keyed_change(json!({"label": "last"}))).await;
    }
    ask(&world, 204, Request::delete(&path)).await;
    ask(&world, 404, Request::delete(&path)).await;
    assert_eq!(ask(&world, 410, keyed("one")).await["code"], "webhook_removed");
    assert_eq!(ask(&world, 410, keyed_change(json!({"label": "last"}))).await["code"], "webhook_removed");
    ask(&world, 422, keyed_change(json!({"label": "first"}))).await;
    let never = Request::patch(&path).json(&json!({"label": "last"}));
    ask(&world, 404, never.header("idempotency-key", "three")).await;
    ask(&world, 404, Request::patch(&path).json(&json!({"label": "last"}))).await;
}

#[tokio::test]
async fn what_a_webhook_is_sent_at_most_is_its_own_to_say() {
    let world = World::start().await;
    world.instance("shop").await;
    for hooks in [HOOKS, "/v1/instances/shop/webhooks"] {
        let body = json!({"url": "https://example.com/hook", "rate": 20, "concurrency": 4});
        let made = ask(&world, 201, Request::post(hooks).json(&body)).await;
        assert_eq!((&made["rate"], &made["concurrency"]), (&json!(20), &json!(4)));
        let path = format!("{hooks}/{}", made["id"].as_str().unwrap());
        let changed =
            ask(&world, 200, Request::patch(&path).json(&json!({"rate": null, "ed25519": true}))).await;
        assert_eq!(
            (&changed["rate"], &changed["concurrency"], &changed["ed25519"]),
            (&Value::Null, &json!(4), &json!(true))
        );
        ask(&world, 200, Request::patch(&path).json(&json!({"concurrency": 192, "rate": 1_000}))).await;
        let now = ask(&world, 200, Request::get(&path)).await;
        assert_eq!(
            (&now["rate"], &now["concurrency"], &now["ed25519"]),
            (&json!(1_000), &json!(192), &json!(true))
        );
        for (wrong, says) in [
            (json!({"rate": 0}), "1000"),
            (json!({"rate": 1_001}), "1000"),
            (json!({"concurrency": 0}), "192"),
            (json!({"concurrency": 193}), "192"),
            (json!({"rate": 0.5}), "u32"),
            (json!({"rate": -1}), "u32"),
            (json!({"concurrency": "4"}), "u32"),
        ] {
            let refused = ask(&world, 400, Request::patch(&path).json(&wrong)).await;
            assert!(refused["detail"].as_str().unwrap().contains(says), "{wrong}: {refused}");
            let mut new = wrong.clone();
            new["url"] = json!("https://example.com/");
            ask(&world, 400, Request::post(hooks).json(&new)).await;
        }
        assert_eq!(ask(&world, 200, Request::get(&path)).await["rate"], 1_000, "nothing was changed");
    }
}

#[tokio::test]
async fn when_a_webhook_is_tried_again_is_its_own_to_say() {
    let world = World::start().await;
    world.instance("shop").await;
    for hooks in [HOOKS, "/v1/instances/shop/webhooks"] {
        let body = json!({"url": "https://example.com/hook", "rate": 20, "retries": [10, 600]});
        let made = ask(&world, 201, Request::post(hooks).json(&body)).await;
        assert_eq!(made["retries"], json!([10, 600]));
        let path = format!("{hooks}/{}", made["id"].as_str().unwrap());
        let kept = ask(&world, 200, Request::patch(&path).json(&json!({"label": "mine"}))).await;
        assert_eq!((&kept["retries"], &kept["rate"]), (&json!([10, 600]), &json!(20)));
        let once = ask(&world, 200, Request::patch(&path).json(&json!({"retries": []}))).await;
        assert_eq!(once["retries"], json!([]));
        let usual = ask(&world, 200, Request::patch(&path).json(&json!({"retries": null}))).await;
        assert_eq!((&usual["retries"], &usual["rate"]), (&Value::Null, &json!(20)));
        for (wrong, says) in [
            (json!([0]), "86400"),
            (json!([86_401]), "86400"),
            (json!(vec![1; 21]), "at most 20"),
            (json!([86_400, 86_400, 86_400, 86_400]), "272105 in all"),
            (json!([1.5]), "u32"),
            (json!("10"), "sequence"),
        ] {
            let refused = ask(&world, 400, Request::patch(&path).json(&json!({"retries": wrong}))).await;
            assert!(refused["detail"].as_str().unwrap().contains(says), "{wrong}: {refused}");
            let new = json!({"url": "https://example.com/", "retries": wrong});
            ask(&world, 400, Request::post(hooks).json(&new)).await;
        }
    }
    let green = json!({"url": "https://example.com/", "format": "green", "retries": [10]});
    let refused = ask(&world, 400, Request::post("/v1/instances/shop/webhooks").json(&green)).await;
    assert!(refused["detail"].as_str().unwrap().contains("a schedule of its own"), "{refused}");
}

#[tokio::test]
async fn what_a_dialect_configures_for_the_account_is_seen_and_changed_here() {
    let world = World::start().await;
    let business = format!("/api/v2/business/{}/webhook", world.account_id);
    let body = json!({"name": "main", "url": "https://hooks.example/all", "enabled": true});
    let made = world.json(&Request::post(&business).bearer(ACCOUNT).json(&body)).await;
    let here = ask(&world, 200, Request::get(HOOKS)).await["webhooks"][0].clone();
    assert_eq!((&here["id"], &here["format"]), (&made["webhookId"], &json!("codechat.business")));
    let path = format!("{HOOKS}/{}", here["id"].as_str().unwrap());
    ask(&world, 200, Request::patch(&path).json(&json!({"enabled": false}))).await;
    let there = world.json(&Request::get(&business).bearer(ACCOUNT)).await;
    assert_eq!((&there["enabled"], &there["url"]), (&json!(false), &body["url"]));
    let secret = ask(&world, 200, Request::get(&format!("{path}/secret"))).await;
    let rotated = ask(&world, 200, Request::post(&format!("{path}/secret")).json(&json!({}))).await;
    assert_eq!(rotated["former"][0]["secret"], secret["secret"]);
    assert_ne!(rotated["secret"], secret["secret"]);
}
