//! What the client of CodeChat v2 that is published asks for: the admin token everywhere, and routes of its own.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    story::Request,
    world::{ACCOUNT, OTHER_ACCOUNT, ROOT, World, eventually},
};

/// Status and body of an answer.
async fn told(world: &World, request: Request) -> (u16, Value) {
    let answer = world.send(&request).await;
    let status = answer.status().as_u16();
    (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
}

#[tokio::test]
async fn the_admin_token_works_on_instances_by_their_id() {
    let world = World::start().await;
    let shop = world.instance("shop").await;
    let path = format!("/api/v2/instance/{}", shop.id);
    let ask = |method: Method, rest: &str| Request::new(method, &format!("{path}{rest}")).bearer(ROOT);
    let (status, found) = told(&world, ask(Method::GET, "")).await;
    assert_eq!((status, &found["name"]), (200, &json!("shop")), "{found}");
    assert_eq!(found["Business"]["businessId"], json!(world.account_id));
    let (status, code) = told(&world, ask(Method::GET, "/connect")).await;
    assert!(status == 200 && code["code"].is_string(), "{code}");
    world.scan(&shop.id).await;
    for rest in ["/connection-state", "/status"] {
        let state = told(&world, ask(Method::GET, rest)).await;
        assert_eq!(state, (200, json!({"state": "open", "statusReason": 200})), "{rest}");
    }
    let hook = json!({"name": "main", "url": "https://hooks.example/a", "enabled": true});
    assert_eq!(told(&world, ask(Method::POST, "/webhook").json(&hook)).await.0, 201);
    assert_eq!(told(&world, ask(Method::GET, "/socket")).await, (200, Value::Null));
    assert_eq!(told(&world, ask(Method::POST, "/socket").json(&json!({"enabled": true}))).await.0, 201);
    let (status, socket) = told(&world, ask(Method::GET, "/socket")).await;
    assert_eq!((status, &socket["enabled"]), (200, &json!(true)));
    assert_eq!(told(&world, ask(Method::DELETE, "/logout")).await.0, 200);
    // The history says who it was.
    let events = Request::get(&format!("/v1/instances/{}/events?limit=100", shop.id));
    let (_, history) = world.native(events, ACCOUNT).await;
    assert!(history.to_string().contains("\"principal\":\"root\""), "{history}");
    for (id, status) in [("shop", 404), ("nobody", 404), ("a%2Fb", 404)] {
        let by_name = Request::get(&format!("/api/v2/instance/{id}")).bearer(ROOT);
        assert_eq!(told(&world, by_name).await.0, status, "{id}");
    }
}

#[tokio::test]
async fn a_foreign_id_of_two_businesses_names_nothing_to_the_admin() {
    let world = World::start().await;
    eventually("both businesses are listed", async || {
        let list = world.json(&Request::get("/api/v2/admin/business").bearer(ROOT)).await;
        list.as_array().map(Vec::len) == Some(2)
    })
    .await;
    for (business, token) in [(&world.account_id, ACCOUNT), (&world.other_account_id, OTHER_ACCOUNT)] {
        let create = Request::post(&format!("/api/v2/business/{business}/instance")).bearer(token);
        assert_eq!(told(&world, create.json(&json!({"externalId": "crm-7"}))).await.0, 201);
        let (status, body) = told(&world, Request::get("/api/v2/instance/crm-7").bearer(ROOT)).await;
        if token == ACCOUNT {
            assert_eq!((status, &body["instanceId"]), (200, &json!("crm-7")));
        } else {
            assert_eq!(status, 400, "{body}");
        }
    }
}

#[tokio::test]
async fn the_admin_token_works_on_the_routes_of_a_business() {
    let world = World::start().await;
    let business = format!("/api/v2/business/{}", world.account_id);
    let ask = |method: Method, rest: &str| Request::new(method, &format!("{business}{rest}")).bearer(ROOT);
    let (status, found) = told(&world, ask(Method::GET, "")).await;
    assert_eq!((status, &found["name"]), (200, &json!("acme")));
    let create = ask(Method::POST, "/instance").json(&json!({"instanceName": "shop"}));
    let (status, made) = told(&world, create).await;
    assert_eq!((status, &made["businessBusinessId"]), (201, &json!(world.account_id)));
    world.until_listed(1).await;
    for token in [ROOT, ACCOUNT] {
        let list = Request::get(&format!("{business}/instance")).bearer(token);
        let (status, list) = told(&world, list).await;
        assert_eq!(status, 200, "{list}");
        assert_eq!(list[0]["instanceId"], made["instanceId"]);
        assert_eq!(list.as_array().map(Vec::len), Some(1));
    }
    let off = ask(Method::PATCH, "/instance/shop/toggle-activate").json(&json!({"action": "deactivate"}));
    assert_eq!(told(&world, off).await.0, 200);
    let webhook = json!({"name": "all", "url": "https://hooks.example/all"});
    assert_eq!(told(&world, ask(Method::POST, "/webhook").json(&webhook)).await.0, 201);
    for (id, token, status) in
        [("nothing", ROOT, 404), (&world.other_account_id, ACCOUNT, 403), (&world.account_id, "wrong", 401)]
    {
        let list = Request::get(&format!("/api/v2/business/{id}/instance")).bearer(token);
        assert_eq!(told(&world, list).await.0, status, "{id}");
    }
}

#[tokio::test]
async fn an_instance_is_deleted_by_its_own_path() {
    let world = World::start().await;
    let (shop, till) = (world.linked("shop").await, world.instance("till").await);
    let delete = |id: &str, token: &str| Request::delete(&format!("/api/v2/instance/{id}")).bearer(token);
    assert_eq!(told(&world, delete(&shop.id, &shop.token)).await.0, 403, "it does not delete itself");
    assert_eq!(told(&world, delete(&shop.id, OTHER_ACCOUNT)).await.0, 404);
    assert_eq!(told(&world, delete(&shop.id, ROOT)).await.0, 400, "it is linked");
    let force = delete(&shop.id, ROOT).json(&json!({"force": true}));
    let (status, gone) = told(&world, force).await;
    assert!(status == 200 && gone["deletedAt"].is_string(), "{gone}");
    assert_eq!(told(&world, delete(&shop.id, ROOT)).await.0, 404);
    let (status, gone) = told(&world, delete(&till.id, ACCOUNT)).await;
    assert!(status == 200 && gone["deletedAt"].is_string(), "{gone}");
}

#[tokio::test]
async fn a_business_gets_another_token() {
    let world = World::start().await;
    let own = format!("/api/v2/business/{}", world.account_id);
    let admin = format!("/api/v2/admin/business/{}/token", world.account_id);
    let regenerate = format!("{own}/token/regenerate");
    let mut token = ACCOUNT.to_owned();
    for (path, by) in [(&admin, Some(ROOT)), (&regenerate, Some(ROOT)), (&regenerate, None)] {
        let ask = Request::post(path).bearer(by.unwrap_or(&token));
        let (status, body) = told(&world, ask).await;
        assert_eq!(status, 201, "{path}: {body}");
        let new = body["business_token"].as_str().unwrap().to_owned();
        assert_eq!((&body["newToken"], &body["businessToken"]), (&json!(new), &json!(new)));
        assert!(body["message"].is_string());
        assert_eq!(told(&world, Request::get(&own).bearer(&token)).await.0, 401, "{path}");
        assert_eq!(told(&world, Request::get(&own).bearer(&new)).await.0, 200, "{path}");
        token = new;
    }
    for (path, by, status) in [
        (&admin, OTHER_ACCOUNT, 403),
        (&admin, token.as_str(), 403),
        (&regenerate, OTHER_ACCOUNT, 403),
        (&regenerate, "wrong", 401),
    ] {
        assert_eq!(told(&world, Request::post(path).bearer(by)).await.0, status, "{path} {by}");
    }
}
