//! A business of the CodeChat dialect from its creation to its end.

use serde_json::json;

use crate::{
    is_told,
    story::Request,
    world::{ACCOUNT, OTHER_ACCOUNT, ROOT, World, eventually},
};

fn admin(method: &str, path: &str) -> Request {
    Request::new(method.parse().unwrap(), &format!("/api/v2/admin/business{path}")).bearer(ROOT)
}

#[tokio::test]
async fn a_business_is_described_changed_and_deleted() {
    let world = World::start().await;
    let mut story = world.story();
    let body = json!({"name": "initech", "attributes": {"plan": "pro"}, "email": "a@initech.example"});
    let made = story.ask("create with attributes", admin("POST", "").json(&body)).await;
    let id = made.body["businessId"].as_str().unwrap().to_owned();
    let token = made.body["businessToken"].as_str().unwrap().to_owned();
    story.calls(&id, "id of initech");
    story.calls(&token, "token of initech");
    let own = |method: &str| {
        Request::new(method.parse().unwrap(), &format!("/api/v2/business/{id}")).bearer(&token)
    };
    story.ask("it sees itself", own("GET")).await;
    story.ask("another name", admin("PUT", &format!("/{id}")).json(&json!({"name": "initrode"}))).await;
    story.ask("and again", admin("PUT", &format!("/{id}")).json(&json!({"name": "initrode"}))).await;
    story.ask("nothing", admin("PUT", &format!("/{id}")).json(&json!({}))).await;
    story.ask("it describes itself", own("PUT").json(&json!({"attributes": ["x"]}))).await;
    story.ask("a name that is taken", own("PUT").json(&json!({"name": "acme"}))).await;
    let other =
        story.ask("the former name is free", admin("POST", "").json(&json!({"name": "initech"}))).await;
    story.calls(&other.body["businessId"].as_str().unwrap(), "id of the other one");
    story.calls(&other.body["businessToken"].as_str().unwrap(), "token of the other one");
    let refresh = |body| admin("PATCH", &format!("/{id}/refresh-token")).json(&body);
    story.ask("not its token", refresh(json!({"oldToken": "x"}))).await;
    let new = story.ask("another token", refresh(json!({"oldToken": token}))).await;
    let token = new.body["newToken"].as_str().unwrap().to_owned();
    story.calls(&token, "new token of initech");
    story.ask("the former one ended", own("GET")).await;
    let own = |method: &str| {
        Request::new(method.parse().unwrap(), &format!("/api/v2/business/{id}")).bearer(&token)
    };
    let instance = Request::post(&format!("/api/v2/business/{id}/instance")).bearer(&token);
    let instance = world.json(&instance.json(&json!({"instanceName": "shop"}))).await;
    let jwt = instance["Auth"]["jwt"].as_str().unwrap().to_owned();
    story.calls(&jwt, "JWT of shop");
    eventually("the instance is listed", async || {
        let search = Request::post(&format!("/api/v2/business/{id}/instance/search")).bearer(&token);
        world.json(&search).await["BusinessPage"]["totalRecords"] == json!(1)
    })
    .await;
    story.ask("it has an instance", admin("DELETE", &format!("/{id}"))).await;
    story.ask("force is true or it is not", admin("DELETE", &format!("/{id}?force=1"))).await;
    story.ask("it does not delete itself", own("DELETE")).await;
    story.ask("delete by force", admin("DELETE", &format!("/{id}?force=true"))).await;
    story.ask("its token ended", own("GET")).await;
    let connection =
        format!("/api/v2/instance/{}/connection-state", instance["instanceId"].as_str().unwrap());
    eventually("its instance is deleted", async || {
        world.send(&Request::get(&connection).bearer(&jwt)).await.status() == 401
    })
    .await;
    story.ask("it is gone", admin("GET", &format!("/{id}"))).await;
    story.ask("it is gone", admin("PUT", &format!("/{id}")).json(&json!({"name": "x"}))).await;
    story.ask("it is gone", admin("PATCH", &format!("/{id}/refresh-token"))).await;
    story.ask("it is gone", admin("DELETE", &format!("/{id}?force=true"))).await;
    eventually("it is not listed", async || {
        let list = world.json(&admin("GET", "")).await;
        list.as_array().unwrap().iter().all(|business| business["businessId"] != json!(id))
    })
    .await;
    let again = world.json(&admin("POST", "").json(&json!({"name": "initrode"}))).await;
    assert_eq!(again["name"], "initrode", "its name may be used again");
    let end = world.json(&admin("DELETE", &format!("/{}", again["businessId"].as_str().unwrap()))).await;
    assert!(end["deletedAt"].is_string(), "without instances it needs no force: {end}");
    is_told("codechat_business_life", &story);
}

#[tokio::test]
async fn who_may_not() {
    let world = World::start().await;
    world.instance("shop").await;
    let mut story = world.story();
    let b = &world.account_id;
    story.calls(b, "id of acme");
    for (method, path) in [
        ("GET", format!("/api/v2/business/{b}")),
        ("PUT", format!("/api/v2/business/{b}")),
        ("PUT", format!("/api/v2/admin/business/{b}")),
        ("DELETE", format!("/api/v2/admin/business/{b}?force=true")),
        ("PATCH", format!("/api/v2/admin/business/{b}/refresh-token")),
    ] {
        story.table(&format!("{method} {path}"));
        let request = Request::new(method.parse().unwrap(), &path);
        assert_eq!(story.row(request.clone()).await.status, 401);
        assert_eq!(story.row(request.clone().bearer("wrong")).await.status, 401);
        for token in [OTHER_ACCOUNT, "token-of-shop"] {
            assert_eq!(story.row(request.clone().bearer(token)).await.status, 403, "{path} {token}");
        }
        if path.contains("admin") {
            assert_eq!(story.row(request.bearer(ACCOUNT)).await.status, 403, "{path}");
        }
    }
    is_told("codechat_business_refused", &story);
}
