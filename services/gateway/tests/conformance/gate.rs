//! The gate: may this token use this instance for messaging now?

use serde_json::json;

use crate::{
    story::Request,
    world::{ACCOUNT, OTHER_ACCOUNT, ROOT, World},
};

/// The status and the reason of an answer.
async fn told(world: &World, request: &Request) -> (u16, String) {
    let answer = world.send(request).await;
    let reason = answer.headers()["x-berth-reason"].to_str().unwrap().to_owned();
    (answer.status().as_u16(), reason)
}

fn is(status: u16, reason: &str) -> (u16, String) {
    (status, reason.to_owned())
}

#[tokio::test]
async fn the_gate_is_open_exactly_while_a_device_is_linked() {
    let world = World::start().await;
    let shop = world.instance("shop").await;
    let gate = Request::get("/v1/gate/shop").bearer(&shop.token);
    assert_eq!(told(&world, &gate).await, is(403, "created"));
    let connect = Request::post("/v1/instances/shop/connect").json(&json!({}));
    assert_eq!(world.native(connect.clone(), ACCOUNT).await.0, 200);
    assert_eq!(told(&world, &gate).await, is(403, "pairing"));
    world.scan("shop").await;
    assert_eq!(told(&world, &gate).await, is(200, "open"));
    let answer = world.send(&gate).await;
    assert_eq!(answer.headers()["x-berth-instance"].to_str().unwrap(), shop.id);
    assert_eq!(answer.text().await.unwrap(), "");

    assert_eq!(world.native(Request::post("/v1/instances/shop/disconnect"), ACCOUNT).await.0, 200);
    assert_eq!(told(&world, &gate).await, is(403, "paused"));
    assert_eq!(world.native(Request::post("/v1/instances/shop/reconnect"), ACCOUNT).await.0, 200);
    assert_eq!(told(&world, &gate).await.0, 200);
    world.until("shop", "it is open", |now| now["connection"] == "open").await;
    world.simulate("shop", "ban").await;
    world.until("shop", "it is banned", |now| now["state"] == "paused").await;
    assert_eq!(told(&world, &gate).await, is(403, "banned"));

    assert_eq!(world.native(Request::post("/v1/instances/shop/logout"), ACCOUNT).await.0, 200);
    assert_eq!(told(&world, &gate).await, is(403, "logged_out"), "at once");
    assert_eq!(world.native(Request::delete("/v1/instances/shop"), ACCOUNT).await.0, 200);
    assert_eq!(told(&world, &gate).await, is(401, "unauthorized"), "its token ended with it");
    let by_id = Request::get(&format!("/v1/gate/{}", shop.id)).bearer(ACCOUNT);
    assert_eq!(told(&world, &by_id).await, is(403, "not_found"));
}

#[tokio::test]
async fn the_gate_asks_whose_token_it_is() {
    let world = World::start().await;
    let (shop, till) = (world.linked("shop").await, world.linked("till").await);
    let gate = Request::get("/v1/gate/shop");
    for (token, expected) in [
        (shop.token.as_str(), is(200, "open")),
        (ACCOUNT, is(200, "open")),
        (&till.token, is(403, "not_found")),
        (OTHER_ACCOUNT, is(403, "not_found")),
        (ROOT, is(403, "forbidden")),
        ("nobody's", is(401, "unauthorized")),
    ] {
        assert_eq!(told(&world, &gate.clone().bearer(token)).await, expected, "{token}");
        assert_eq!(told(&world, &gate.clone().header("apikey", token)).await, expected, "{token}");
    }
    assert_eq!(told(&world, &gate).await, is(401, "unauthorized"));
    let rotate = Request::post("/v1/instances/shop/token").json(&json!({}));
    assert_eq!(world.native(rotate, ACCOUNT).await.0, 200);
    assert_eq!(told(&world, &gate.bearer(&shop.token)).await, is(401, "unauthorized"), "it was rotated");
}

#[tokio::test]
async fn the_instance_is_read_from_the_path_that_a_proxy_asks_about() {
    let world = World::start().await;
    let shop = world.linked("shop two").await;
    world.linked("other").await;
    let about = |place: &str, target: &str| {
        let gate = Request::get(&format!("/v1/gate/segment/{place}")).bearer(&shop.token);
        gate.header("x-forwarded-uri", target)
    };
    let open = "/message/sendText/shop%20two?delay=1";
    assert_eq!(told(&world, &about("3", open)).await, is(200, "open"));
    let prefixed = Request::post(&format!("/v1/gate/segment/3{open}")).bearer(&shop.token);
    assert_eq!(told(&world, &prefixed).await, is(200, "open"));
    let foreign = "/message/sendText/other";
    assert_eq!(told(&world, &about("3", foreign)).await, is(403, "not_found"));
    for target in [
        "/message/sendText",
        "/message/sendText/shop%20two/../other",
        "/message/sendText/shop%20two%2F..%2Fother",
        "/message/sendText/shop%20two?instanceName=other",
        "//message/sendText/shop%20two",
    ] {
        assert_eq!(told(&world, &about("3", target)).await, is(403, "invalid_path"), "{target}");
    }
    for place in ["0", "9", "x", "-1"] {
        assert_eq!(told(&world, &about(place, open)).await, is(403, "invalid_path"), "{place}");
    }
    let without = Request::get("/v1/gate/segment/3").bearer(&shop.token);
    assert_eq!(told(&world, &without).await, is(403, "invalid_path"));
    let twice = about("3", open).header("x-forwarded-uri", foreign);
    assert_eq!(told(&world, &twice).await, is(403, "invalid_path"));
}
