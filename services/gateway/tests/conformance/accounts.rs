//! Accounts of the native API: changing and closing them, and what every door says of a closed one.

use serde_json::json;

use crate::{
    is_told,
    story::Request,
    world::{ACCOUNT, ROOT, World, eventually},
};

fn root(method: &str, path: &str) -> Request {
    Request::new(method.parse().unwrap(), &format!("/v1/accounts{path}")).bearer(ROOT)
}

#[tokio::test]
async fn an_account_is_changed_and_closed() {
    let world = World::start().await;
    let mut story = world.story();
    let body = json!({"name": "initech", "token": "token-of-initech", "attributes": {"plan": "pro"}});
    let create = root("POST", "").json(&body).header("idempotency-key", "create");
    let made = story.ask("create with attributes", create.clone()).await;
    let id = made.body["id"].as_str().unwrap().to_owned();
    story.calls(&id, "id of initech");
    let change = |body| root("PATCH", &format!("/{id}")).json(&body);
    let renaming = change(json!({"name": "initrode"})).header("idempotency-key", "rename");
    story.ask("another name", renaming.clone()).await;
    story.ask("the same request", renaming).await;
    let reused = change(json!({"name": "x"})).header("idempotency-key", "rename");
    story.ask("its key for another request", reused).await;
    story.ask("no attributes any more", change(json!({"attributes": null}))).await;
    story.ask("nothing", change(json!({}))).await;
    story.ask("a name that is taken", change(json!({"name": "acme"}))).await;
    story.table("what is refused");
    for body in [
        json!({"name": 1}),
        json!({"name": ""}),
        json!({"name": "a/b"}),
        json!({"name": "x".repeat(129)}),
        json!({"attributes": "x".repeat(16 * 1024)}),
        json!({"token": "x"}),
        json!([]),
    ] {
        assert_eq!(story.row(change(body.clone())).await.status, 400, "{body}");
    }
    for query in ["?force=yes", "?force=1", "?forced=true"] {
        assert_eq!(story.row(root("DELETE", &format!("/{id}{query}"))).await.status, 400, "{query}");
    }
    story.table("who may not, and what is not there");
    for request in
        [root("PATCH", &format!("/{id}")).json(&json!({"name": "x"})), root("DELETE", &format!("/{id}"))]
    {
        for (token, status) in [("", 401), ("wrong", 401), ("token-of-initech", 403), (ACCOUNT, 403)] {
            let mut request = request.clone();
            request.headers.retain(|(name, _)| *name != "authorization");
            let request = if token.is_empty() { request } else { request.bearer(token) };
            assert_eq!(story.row(request).await.status, status, "{token}");
        }
    }
    for other in ["nobody", "06gvptn1m9vt9ademgnjm3g4ik"] {
        assert_eq!(
            story.row(root("PATCH", &format!("/{other}")).json(&json!({"name": "x"}))).await.status,
            404
        );
        assert_eq!(story.row(root("DELETE", &format!("/{other}"))).await.status, 404);
    }
    let shop = Request::post("/v1/instances").json(&json!({"name": "shop"}));
    let (_, shop) = world.native(shop, "token-of-initech").await;
    let number = shop["number"].to_string().replace('"', "");
    story.calls(&number, "number of shop");
    eventually("it is listed", async || {
        let (_, list) = world.native(Request::get("/v1/instances"), "token-of-initech").await;
        list["instances"].as_array().is_some_and(|rows| rows.len() == 1)
    })
    .await;
    story.ask("it has an instance", root("DELETE", &format!("/{id}"))).await;
    let closing = root("DELETE", &format!("/{id}?force=true")).header("idempotency-key", "close");
    story.ask("close by force", closing.clone()).await;
    story.ask("the same request", closing).await;
    story.ask("another one", root("DELETE", &format!("/{id}?force=true"))).await;
    story.ask("no change any more", change(json!({"name": "x"}))).await;
    story.ask("no token any more", root("POST", &format!("/{id}/token")).json(&json!({}))).await;
    story.ask("the create once more", create).await;
    eventually("it is not listed", async || {
        let (_, list) = world.native(root("GET", ""), ROOT).await;
        list["accounts"].as_array().unwrap().iter().all(|account| account["id"] != json!(id))
    })
    .await;
    for _ in 0..2 {
        story.table("its token in every dialect");
        for request in [
            Request::get("/v1/instances").bearer("token-of-initech"),
            Request::post("/v1/instances").bearer("token-of-initech").json(&json!({"name": "till"})),
            Request::get("/instance/fetchInstances").header("apikey", "token-of-initech"),
            Request::get("/api/instance/list").bearer("token-of-initech"),
            Request::post(&format!("/api/v2/business/{id}/instance")).bearer("token-of-initech"),
            Request::get("/rest/instance/shop").bearer("token-of-initech"),
            Request::get(&format!("/waInstance{number}/getStateInstance/token-of-initech")),
        ] {
            assert_eq!(story.row(request.clone()).await.status, 401, "{}", request.path);
        }
        // After this no create of before can still succeed, and its data key is destroyed.
        world.advance_seconds(61);
    }
    let token = shop["token"].as_str().unwrap();
    eventually("its instance is deleted", async || {
        world.native(Request::get("/v1/instances/shop"), token).await.0 == 401
    })
    .await;
    is_told("native_accounts", &story);
}
