//! The native API's own: whose token it is, the token of an instance, one account, how many instances there are.

use serde_json::json;

use crate::{
    is_told,
    story::Request,
    world::{ACCOUNT, OTHER_ACCOUNT, ROOT, World, eventually},
};

#[tokio::test]
async fn whoever_shows_a_token_is_told_whose_it_is() {
    let world = World::start().await;
    let shop = world.instance("shop").await;
    let mut story = world.story();
    story.calls(&shop.id, "id of shop");
    let whoami = |token: &str| Request::get("/v1/whoami").bearer(token);
    story.ask("the root key", whoami(ROOT)).await;
    story.ask("an account", whoami(ACCOUNT)).await;
    story.ask("an instance", whoami(&shop.token)).await;
    story.ask("nobody", whoami("wrong")).await;
    story.ask("no token", Request::get("/v1/whoami")).await;
    let path = format!("/v1/accounts/{}/move-instance", world.other_account_id);
    let moved = world.native(Request::post(&path).json(&json!({"instance": shop.id})), ROOT).await;
    assert_eq!(moved.0, 200);
    story.calls(&world.other_account_id, "id of the other account");
    story.ask("an instance that was moved", whoami(&shop.token)).await;
    is_told("native_whoami", &story);
}

#[tokio::test]
async fn an_instance_gets_another_token_and_the_old_one_ends() {
    let world = World::start().await;
    let (shop, till) = (world.instance("shop").await, world.instance("till").await);
    let mut story = world.story();
    for (value, name) in [(&shop.id, "id of shop"), (&shop.number.to_string(), "number of shop")] {
        story.calls(value, name);
    }
    let rotate = |body| Request::post("/v1/instances/shop/token").json(&body);
    let given = rotate(json!({"token": "token-that-was-given"})).header("idempotency-key", "rotate");
    let first = story.ask("a token that is given", given.clone().bearer(ACCOUNT)).await;
    assert_eq!(first.body["token"], "token-that-was-given");
    story.ask("the same request", given.clone().bearer(ACCOUNT)).await;
    story.table("the old token ended, the new one opens");
    let own = |token: &str| Request::get("/v1/instances/shop").bearer(token);
    assert_eq!(story.row(own(&shop.token)).await.status, 401);
    assert_eq!(story.row(own("token-that-was-given")).await.status, 200);

    let made_up = world.native(rotate(json!({})), "token-that-was-given").await;
    assert_eq!(made_up.0, 200, "its own token may do it too: {}", made_up.1);
    let fresh = made_up.1["token"].as_str().unwrap().to_owned();
    assert_eq!(world.native(own(&fresh), &fresh).await.0, 200);
    assert_eq!(world.native(own("token-that-was-given"), "token-that-was-given").await.0, 401);

    story.table("what is refused");
    for (body, status) in [
        (json!({"token": till.token}), 409),
        (json!({"token": ROOT}), 409),
        (json!({"token": ""}), 400),
        (json!({"token": "two words"}), 400),
        (json!({"name": "x"}), 400),
        (json!([]), 400),
    ] {
        assert_eq!(story.row(rotate(body.clone()).bearer(ACCOUNT)).await.status, status, "{body}");
    }
    for (token, status) in [(ROOT, 403), (OTHER_ACCOUNT, 404), (&till.token, 404), ("wrong", 401)] {
        assert_eq!(story.row(rotate(json!({})).bearer(token)).await.status, status, "{token}");
    }
    assert_eq!(world.native(own(&fresh), &fresh).await.0, 200, "nothing of that changed it");
    let gone = world.native(Request::delete("/v1/instances/shop"), ACCOUNT).await;
    assert_eq!(gone.0, 200);
    let by_id = Request::post(&format!("/v1/instances/{}/token", shop.id)).json(&json!({}));
    assert_eq!(world.native(by_id, ACCOUNT).await.0, 410);
    is_told("native_instance_token", &story);
}

#[tokio::test]
async fn an_account_is_shown_to_the_operator() {
    let world = World::start().await;
    let mut story = world.story();
    let path = format!("/v1/accounts/{}", world.account_id);
    story.ask("an account", Request::get(&path).bearer(ROOT)).await;
    story.table("who may not, and what is not there");
    for (token, status) in [(ACCOUNT, 403), (OTHER_ACCOUNT, 403), ("wrong", 401)] {
        assert_eq!(story.row(Request::get(&path).bearer(token)).await.status, status);
    }
    for other in ["nobody", "06gvptn1m9vt9ademgnjm3g4ik"] {
        let request = Request::get(&format!("/v1/accounts/{other}")).bearer(ROOT);
        assert_eq!(story.row(request).await.status, 404);
    }
    let close = world.native(Request::delete(&path), ROOT).await;
    assert_eq!(close.0, 200);
    assert_eq!(story.row(Request::get(&path).bearer(ROOT)).await.status, 404, "it is closed");
    is_told("native_account", &story);
}

#[tokio::test]
async fn instances_are_counted_by_their_states() {
    let world = World::start().await;
    let shop = world.linked("shop").await;
    for name in ["till", "bar", "gone"] {
        world.instance(name).await;
    }
    assert_eq!(world.native(Request::delete("/v1/instances/gone"), ACCOUNT).await.0, 200);
    let counts = Request::get("/v1/counts");
    let expected = json!({"created": 2, "connecting": 0, "pairing": 0, "linked": 1, "paused": 0, "logged_out": 0,
        "deleted": 1});
    eventually("everything is counted", async || {
        world.native(counts.clone(), ACCOUNT).await.1["states"] == expected
    })
    .await;
    let mut story = world.story();
    story.ask("an account's", counts.clone().bearer(ACCOUNT)).await;
    story.ask("an instance's own", counts.clone().bearer(&shop.token)).await;
    story.ask("another account has none", counts.clone().bearer(OTHER_ACCOUNT)).await;
    story.ask("the root key has no instances", counts.bearer(ROOT)).await;
    is_told("native_counts", &story);
}
