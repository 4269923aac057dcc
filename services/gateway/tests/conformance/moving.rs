//! An instance that is moved to another account, at every door.

use serde_json::{Value, json};

use crate::{
    is_told,
    story::Request,
    world::{ACCOUNT, Instance, OTHER_ACCOUNT, ROOT, World},
};

/// What an instance's own token, or its account's, opens in each dialect.
fn doors(shop: &Instance, token: &str) -> Vec<(&'static str, Request)> {
    let Instance { id, number, .. } = shop;
    vec![
        ("native", Request::get(&format!("/v1/instances/{id}")).bearer(token)),
        ("native, by name", Request::get("/v1/instances/shop").bearer(token)),
        ("Evolution", Request::get("/instance/connectionState/shop").header("apikey", token)),
        ("RyzeAPI", Request::get("/api/instance/getSettings/shop").header("token", token)),
        ("CodeChat", Request::get(&format!("/api/v2/instance/{id}/connection-state")).bearer(token)),
        ("Mega", Request::get("/rest/instance/shop").bearer(token)),
        ("GREEN-API", Request::get(&format!("/waInstance{number}/getStateInstance/{token}"))),
    ]
}

async fn statuses(world: &World, shop: &Instance, token: &str) -> Vec<(&'static str, u16, u16)> {
    let mut statuses = Vec::new();
    for (door, request) in doors(shop, token) {
        // Some count what an instance is asked in a second.
        world.advance_seconds(2);
        let here = world.send(&request).await.status().as_u16();
        world.advance_seconds(2);
        statuses.push((door, here, world.send_to_neighbour(&request).await.status().as_u16()));
    }
    statuses
}

fn all_are(statuses: &[(&'static str, u16, u16)], refused: bool) -> bool {
    statuses.iter().all(|(_, here, there)| (*here >= 400) == refused && (*there >= 400) == refused)
}

fn native(world: &World, body: &Value) -> Request {
    let path = format!("/v1/accounts/{}/move-instance", world.other_account_id);
    Request::post(&path).json(body)
}

/// Waits until the list of an account, which may lag, has so many instances.
async fn until_listed(world: &World, token: &str, instances: usize) {
    let request = Request::get("/v1/instances").bearer(token);
    loop {
        let list = world.json(&request).await;
        if list["instances"].as_array().unwrap().len() == instances {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn the_token_works_on_in_every_dialect_and_the_former_account_sees_nothing() {
    let world = World::start().await;
    let shop = world.linked("shop").await;
    // Both gateways remember the token, the name and the number of before.
    for token in [&shop.token, ACCOUNT] {
        let seen = statuses(&world, &shop, token).await;
        assert!(all_are(&seen, false), "{seen:?}");
    }
    let seen = statuses(&world, &shop, OTHER_ACCOUNT).await;
    assert!(all_are(&seen, true), "{seen:?}");
    until_listed(&world, ACCOUNT, 1).await;
    let moving = native(&world, &json!({"instance": shop.id})).bearer(ROOT).header("idempotency-key", "m-1");
    let moved = world.json(&moving).await;
    assert_eq!((&moved["id"], &moved["connection"]), (&json!(shop.id), &json!("open")), "{moved}");
    assert_eq!(world.json(&moving).await, moved, "the same answer");
    for token in [&shop.token, OTHER_ACCOUNT] {
        let seen = statuses(&world, &shop, token).await;
        assert!(all_are(&seen, false), "{seen:?}");
    }
    let seen = statuses(&world, &shop, ACCOUNT).await;
    assert!(all_are(&seen, true), "{seen:?}");
    until_listed(&world, ACCOUNT, 0).await;
    until_listed(&world, OTHER_ACCOUNT, 1).await;
    let partner = format!("/partner/getInstances/{OTHER_ACCOUNT}");
    assert_eq!(world.json(&Request::get(&partner)).await.as_array().unwrap().len(), 1);
    // The history goes with it: the new account reads all of it, the former one nothing.
    let events = Request::get(&format!("/v1/instances/{}/events", shop.id));
    let told = world.json(&events.clone().bearer(OTHER_ACCOUNT)).await;
    assert!(
        told.to_string().contains("InstanceCreated") && told.to_string().contains("InstanceMoved"),
        "{told}"
    );
    assert_eq!(world.send(&events.bearer(ACCOUNT)).await.status(), 404);
    let before = Request::get(&format!("/v1/instances/{}?at=2100-01-01T00:00:00Z", shop.id));
    assert_eq!(world.send(&before.clone().bearer(OTHER_ACCOUNT)).await.status(), 200);
    assert_eq!(world.send(&before.bearer(ACCOUNT)).await.status(), 404);
    // The former account has its name again, the new one ends the session.
    let namesake = Request::post("/v1/instances").json(&json!({"name": "shop"}));
    assert_eq!(world.send(&namesake.bearer(ACCOUNT)).await.status(), 201);
    let seen = statuses(&world, &shop, &shop.token).await;
    assert!(all_are(&seen, false), "{seen:?}");
    let logout = Request::post("/v1/instances/shop/logout").json(&json!({})).bearer(OTHER_ACCOUNT);
    let out = world.json(&logout).await;
    assert_eq!((&out["id"], &out["state"]), (&json!(shop.id), &json!("logged_out")), "{out}");
}

#[tokio::test]
async fn the_native_move_says_what_is_wrong() {
    let world = World::start().await;
    let mut story = world.story();
    let shop = world.instance("shop").await;
    story.calls(&shop.id, "id of the shop");
    story.calls(&shop.number, "number of the shop");
    story.calls(&world.other_account_id, "id of the other account");
    let body = json!({"instance": shop.id});
    story.ask("the account may not", native(&world, &body).bearer(ACCOUNT)).await;
    story.ask("nor may the instance", native(&world, &body).bearer(&shop.token)).await;
    story.ask("no body", native(&world, &json!({})).bearer(ROOT)).await;
    story.ask("no such instance", native(&world, &json!({"instance": "x"})).bearer(ROOT)).await;
    let nobody = Request::post("/v1/accounts/x/move-instance").json(&body).bearer(ROOT);
    story.ask("no such account", nobody).await;
    let taken = Request::post("/v1/instances").json(&json!({"name": "shop"})).bearer(OTHER_ACCOUNT);
    let taken = world.json(&taken).await["id"].as_str().unwrap().to_owned();
    story.ask("the name is taken there", native(&world, &body).bearer(ROOT)).await;
    world.send(&Request::delete(&format!("/v1/instances/{taken}")).bearer(OTHER_ACCOUNT)).await;
    let keyed = |body: &Value| native(&world, body).bearer(ROOT).header("idempotency-key", "m-1");
    story.ask("it is moved", keyed(&body)).await;
    story.ask("a repeat", keyed(&body)).await;
    let back = Request::post(&format!("/v1/accounts/{}/move-instance", world.account_id)).json(&body);
    story.ask("the same key for another account", back.bearer(ROOT).header("idempotency-key", "m-1")).await;
    story.ask("it is there already", native(&world, &body).bearer(ROOT)).await;
    world.send(&Request::delete(&format!("/v1/instances/{}", shop.id)).bearer(OTHER_ACCOUNT)).await;
    story.ask("deleted", native(&world, &body).bearer(ROOT)).await;
    is_told("native_move", &story);
}

#[tokio::test]
async fn codechat_moves_an_instance() {
    let world = World::start().await;
    let mut story = world.story();
    story.calls(&world.other_account_id, "id of the other business");
    let create = |business: &str, token: &str, body: &Value| {
        Request::post(&format!("/api/v2/business/{business}/instance")).bearer(token).json(body)
    };
    let body = json!({"instanceName": "shop", "externalId": "crm-7"});
    let made = world.json(&create(&world.account_id, ACCOUNT, &body)).await;
    let jwt = made["Auth"]["jwt"].as_str().unwrap().to_owned();
    story.calls(&jwt, "former JWT");
    let ask = |body: &Value| {
        Request::patch("/api/v2/admin/business/move-instance").header("apikey", ROOT).json(body)
    };
    let there = world.other_account_id.clone();
    let wanted = json!({"sourceInstanceId": "crm-7", "businessIdTarget": there});
    let as_business = Request::patch("/api/v2/admin/business/move-instance").bearer(ACCOUNT).json(&wanted);
    story.ask("a business may not", as_business).await;
    story.ask("no source", ask(&json!({"businessIdTarget": there}))).await;
    story.ask("no target", ask(&json!({"sourceInstanceId": "crm-7"}))).await;
    story.ask("no text", ask(&json!({"sourceInstanceId": 7, "businessIdTarget": there}))).await;
    let nobody = json!({"sourceInstanceId": "crm-8", "businessIdTarget": there});
    story.ask("no such instance", ask(&nobody)).await;
    let nowhere = json!({"sourceInstanceId": "crm-7", "businessIdTarget": "initech"});
    story.ask("no such business", ask(&nowhere)).await;
    // Taken there: the name, then the foreign id, which is ambiguous then.
    let other = json!({"instanceName": "shop", "externalId": "crm-9"});
    world.json(&create(&there, OTHER_ACCOUNT, &other)).await;
    story.ask("the name is taken there", ask(&wanted)).await;
    let delete =
        |id: &str| Request::delete(&format!("/api/v2/business/{there}/instance/{id}")).bearer(OTHER_ACCOUNT);
    world.json(&delete("crm-9")).await;
    let other = json!({"instanceName": "kiosk", "externalId": "crm-7"});
    world.json(&create(&there, OTHER_ACCOUNT, &other)).await;
    story.ask("two have that foreign id", ask(&wanted)).await;
    let id = world.id("shop").await;
    story.calls(&id, "id of the shop");
    let by_id = json!({"sourceInstanceId": id, "businessIdTarget": there});
    story.ask("the foreign id is taken there", ask(&by_id)).await;
    world.json(&delete("crm-7")).await;
    let moved = story.ask("it is moved", ask(&wanted)).await;
    let auth = &moved.body["Instance"][0]["Auth"];
    story.calls(&auth["authId"].as_str().unwrap(), "authId");
    let new = auth["jwt"].as_str().unwrap().to_owned();
    story.calls(&new, "new JWT");
    let own = |jwt: &str| Request::get("/api/v2/instance/crm-7/connection-state").bearer(jwt);
    story.ask("the former JWT ended", own(&jwt)).await;
    story.ask("the new one works", own(&new)).await;
    story.ask("the new business finds it", own(OTHER_ACCOUNT)).await;
    story.ask("the former one does not", own(ACCOUNT)).await;
    story.ask("it is there already", ask(&wanted)).await;
    is_told("codechat_move", &story);
}
