//! What the CodeChat dialect refuses: each row is a request and what it is answered, in the dialect's own words.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    is_told,
    story::{Request, Story},
    world::{ACCOUNT, ROOT, World},
};

/// A URL that a webhook may have.
const HOOK: &str = "https://hooks.example/codechat";

fn request(method: &Method, path: &str) -> Request {
    let token = if path.starts_with("/api/v2/admin") { ROOT } else { ACCOUNT };
    Request::new(method.clone(), path).bearer(token)
}

/// A table of bodies that a route refuses with 400.
async fn refuses(
    story: &mut Story<'_>,
    method: &Method,
    path: &str,
    bodies: impl IntoIterator<Item = Value>,
) {
    story.table(&format!("what {method} {path} refuses"));
    for body in bodies {
        let answer = story.row(request(method, path).json(&body)).await;
        assert_eq!(answer.status, 400, "{path} {body}");
    }
}

/// A webhook of the shop; gives its path.
async fn webhook(world: &World, story: &mut Story<'_>) -> String {
    let path = "/api/v2/instance/shop/webhook";
    let body = json!({"name": "main", "url": HOOK});
    let made = world.json(&request(&Method::POST, path).json(&body)).await;
    let id = made["webhookId"].as_str().unwrap();
    story.calls(&id, "id of main");
    story.calls(&made["WebhookEvents"]["webhookEventsId"].as_str().unwrap(), "id of main's events");
    story.calls(&made["instanceInstanceId"].as_str().unwrap(), "id of shop");
    format!("{path}/{id}")
}

#[tokio::test]
async fn bodies_of_a_wrong_form() {
    let world = World::start().await;
    world.instance("shop").await;
    let mut story = world.story();
    let b = format!("/api/v2/business/{}/instance", world.account_id);
    let hook = webhook(&world, &mut story).await;
    let routes = [
        (Method::POST, b.clone()),
        (Method::POST, format!("{b}/search")),
        (Method::DELETE, format!("{b}/shop")),
        (Method::PATCH, format!("{b}/shop/refresh-token")),
        (Method::PATCH, format!("{b}/shop/toggle-activate")),
        (Method::POST, "/api/v2/instance/shop/webhook".to_owned()),
        (Method::PUT, hook.clone()),
        (Method::POST, format!("/api/v2/business/{}/webhook", world.account_id)),
        (Method::PUT, format!("/api/v2/business/{}/webhook", world.account_id)),
        (Method::PATCH, "/api/v2/instance/shop/proxy".to_owned()),
        (Method::POST, "/api/v2/instance/shop/socket".to_owned()),
        (Method::PUT, "/api/v2/instance/shop/socket".to_owned()),
        (Method::PATCH, format!("{hook}/events")),
        (Method::POST, "/api/v2/admin/business".to_owned()),
        (Method::PUT, format!("/api/v2/admin/business/{}", world.account_id)),
        (Method::PATCH, format!("/api/v2/admin/business/{}/refresh-token", world.account_id)),
        (Method::PUT, format!("/api/v2/business/{}", world.account_id)),
    ];
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(500), "]".repeat(500));
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(1024 * 1024));
    for (method, path) in &routes {
        story.table(&format!("{method} {path}"));
        for body in ["{", "null", "[]", "\"text\"", "1", "{} {}", r#"{"a":"\ud800"}"#, "name=x", &deep] {
            let answer = story.row(request(method, path).raw(body)).await;
            assert_eq!(answer.status, 400, "{method} {path} {body}");
        }
        assert_eq!(story.row(request(method, path).raw(&long)).await.status, 413, "{method} {path}");
    }
    is_told("codechat_bad_bodies", &story);
}

#[tokio::test]
async fn fields_of_a_wrong_kind() {
    let world = World::start().await;
    world.instance("shop").await;
    let mut story = world.story();
    let b = format!("/api/v2/business/{}/instance", world.account_id);
    let long = "x".repeat(200);
    let creates = [
        json!({"instanceName": 1}),
        json!({"instanceName": ["x"]}),
        json!({"instanceName": "a/b"}),
        json!({"instanceName": ".."}),
        json!({"instanceName": "a\u{0}b"}),
        json!({"instanceName": long}),
        json!({"instanceName": "shop"}),
        json!({"externalId": 7}),
        json!({"externalId": "a/b"}),
        json!({"externalId": long}),
    ];
    refuses(&mut story, &Method::POST, &b, creates).await;
    let searches =
        [json!({"instanceId": 1}), json!({"name": []}), json!({"state": true}), json!({"connection": {}})];
    refuses(&mut story, &Method::POST, &format!("{b}/search"), searches).await;
    for page in ["0", "-1", "1.5", "x", "", "%FF", "1%20", "+1"] {
        let answer = story.row(request(&Method::POST, &format!("{b}/search?page={page}"))).await;
        assert_eq!(answer.status, 400, "page {page}");
    }
    for page in ["2", "4294967296", "9007199254740992", "18446744073709551616", "99999999999999999999999999"]
    {
        let answer = world.json(&request(&Method::POST, &format!("{b}/search?page={page}"))).await;
        assert_eq!(answer["BusinessPage"]["records"], json!([]), "a page that is too far is empty: {page}");
    }
    let switches = [json!({"force": "true"}), json!({"force": 1}), json!({"force": []})];
    refuses(&mut story, &Method::DELETE, &format!("{b}/shop"), switches).await;
    story.table("deletes without an instance");
    for query in ["", "?instanceId=", "?force=true"] {
        assert_eq!(story.row(request(&Method::DELETE, &format!("{b}{query}"))).await.status, 400, "{query}");
    }
    let tokens = [json!({}), json!({"oldToken": null}), json!({"oldToken": 1}), json!({"oldToken": "x"})];
    refuses(&mut story, &Method::PATCH, &format!("{b}/shop/refresh-token"), tokens).await;
    let proxies = [
        json!({}),
        json!({"url": null}),
        json!({"url": ""}),
        json!({"url": 1}),
        json!({"url": "x".repeat(2_049)}),
        json!({"url": "http://proxy.example", "headers": "x"}),
        json!({"url": "http://proxy.example", "headers": {"x-a": 1}}),
        json!({"url": "http://proxy.example", "headers": {"x-a": "x".repeat(4_096)}}),
    ];
    refuses(&mut story, &Method::PATCH, "/api/v2/instance/shop/proxy", proxies).await;
    let sockets = [
        json!({"enabled": "yes"}),
        json!({"qrcodeUpdate": 1}),
        json!({"SocketEvents": []}),
        json!({"SocketEvents": {"qrcodeUpdate": "on"}}),
    ];
    refuses(&mut story, &Method::POST, "/api/v2/instance/shop/socket", sockets.clone()).await;
    let made = world.json(&request(&Method::POST, "/api/v2/instance/shop/socket")).await;
    assert_eq!(made["enabled"], true, "nothing was registered before");
    refuses(&mut story, &Method::PUT, "/api/v2/instance/shop/socket", sockets).await;
    let toggles =
        [json!({}), json!({"action": null}), json!({"action": true}), json!({"action": "ACTIVATE"})];
    refuses(&mut story, &Method::PATCH, &format!("{b}/shop/toggle-activate"), toggles).await;
    let businesses =
        [json!({"name": 1}), json!({"name": "a/b"}), json!({"name": long}), json!({"name": "acme"})];
    refuses(&mut story, &Method::POST, "/api/v2/admin/business", businesses).await;
    let too_much = json!({"attributes": "x".repeat(16 * 1024)});
    let changes = [
        json!({"name": 1}),
        json!({"name": ""}),
        json!({"name": "a/b"}),
        json!({"name": "x".repeat(200)}),
        json!({"name": "globex"}),
        too_much.clone(),
    ];
    let account = &world.account_id;
    refuses(&mut story, &Method::PUT, &format!("/api/v2/admin/business/{account}"), changes.clone()).await;
    refuses(&mut story, &Method::PUT, &format!("/api/v2/business/{account}"), changes).await;
    refuses(&mut story, &Method::POST, "/api/v2/admin/business", [too_much]).await;
    let tokens = [json!({"oldToken": 1}), json!({"oldToken": "x"})];
    refuses(&mut story, &Method::PATCH, &format!("/api/v2/admin/business/{account}/refresh-token"), tokens)
        .await;
    is_told("codechat_bad_fields", &story);
}

#[tokio::test]
async fn fields_of_a_webhook() {
    let world = World::start().await;
    world.instance("shop").await;
    let mut story = world.story();
    let hook = webhook(&world, &mut story).await;
    let common = [
        json!({"name": 1}),
        json!({"name": ""}),
        json!({"name": "x".repeat(129)}),
        json!({"name": "a\nb"}),
        json!({"url": 1}),
        json!({"url": ""}),
        json!({"url": "hooks.example"}),
        json!({"url": "ftp://hooks.example"}),
        json!({"url": "http://hooks.example/"}),
        json!({"url": "https://10.1.2.3/"}),
        json!({"url": format!("https://hooks.example/{}", "x".repeat(2_048))}),
        json!({"enabled": "yes"}),
        json!({"enabled": 1}),
        json!({"headers": "x-a: b"}),
        json!({"headers": ["x-a"]}),
        json!({"headers": {"x-a": 1}}),
        json!({"headers": {"a b": "c"}}),
        json!({"headers": {"x-a": "line\nline"}}),
        json!({"headers": {"x-a": "1", "X-A": "2"}}),
    ];
    let whole = common.clone().map(|change| {
        let mut body = json!({"name": "second", "url": HOOK, "enabled": true});
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        body
    });
    refuses(&mut story, &Method::POST, "/api/v2/instance/shop/webhook", whole.clone()).await;
    refuses(&mut story, &Method::PUT, &hook, common.clone()).await;
    let of_business = format!("/api/v2/business/{}/webhook", world.account_id);
    refuses(&mut story, &Method::POST, &of_business, whole).await;
    assert_eq!(world.json(&request(&Method::GET, &of_business)).await, Value::Null);
    let set = request(&Method::POST, &of_business).json(&json!({"name": "main", "url": HOOK}));
    let set = world.json(&set).await;
    refuses(&mut story, &Method::PUT, &of_business, common).await;
    assert_eq!(world.json(&request(&Method::GET, &of_business)).await, set);
    let flags = ["qrcodeUpdate", "newJwt", "labelEdit"].map(|flag| json!({flag: "on"}));
    refuses(&mut story, &Method::PATCH, &format!("{hook}/events"), flags).await;
    story.table("what was set in spite of all this");
    story.row(request(&Method::GET, "/api/v2/instance/shop/webhook")).await;
    is_told("codechat_bad_webhooks", &story);
}

#[tokio::test]
async fn ids_routes_and_methods() {
    let world = World::start().await;
    let shop = world.instance("loja São João").await;
    let mut story = world.story();
    story.calls(&shop.id, "id of the shop");
    let b = format!("/api/v2/business/{}/instance", world.account_id);
    let long = "x".repeat(400);
    let names = ["nobody", "%F0%9F%9B%B6", "%22%5C", "a%2Fb", "%2e%2e%2f", "%00", "%zz", "%FF", &long];
    for (method, before, after) in [
        (Method::GET, "/api/v2/instance/", ""),
        (Method::GET, "/api/v2/instance/", "/connect"),
        (Method::GET, "/api/v2/instance/", "/qrcode"),
        (Method::GET, "/api/v2/instance/", "/connection-state"),
        (Method::PUT, "/api/v2/instance/", "/restart"),
        (Method::DELETE, "/api/v2/instance/", "/logout"),
        (Method::POST, "/api/v2/instance/", "/socket"),
        (Method::GET, "/api/v2/instance/", "/socket"),
        (Method::PATCH, "/api/v2/instance/", "/reload"),
        (Method::GET, "/api/v2/instance/", "/webhook"),
        (Method::DELETE, &format!("{b}/"), ""),
    ] {
        story.table(&format!("{method} {before}{{instanceId}}{after}"));
        for name in names {
            let answer = story.row(request(&method, &format!("{before}{name}{after}"))).await;
            assert_eq!(answer.status, 404, "{method} {before}{name}{after}");
        }
    }
    story.table("webhooks that are not there");
    let hooks = format!("/api/v2/instance/{}/webhook", shop.id);
    for id in ["nothing", "%FF", &shop.id, "a%2Fb"] {
        let body = json!({"name": "x"});
        let put = request(&Method::PUT, &format!("{hooks}/{id}")).json(&body);
        assert_eq!(story.row(put).await.status, 404, "{id}");
        for method in [Method::GET, Method::DELETE] {
            assert_eq!(story.row(request(&method, &format!("{hooks}/{id}"))).await.status, 404, "{id}");
        }
        let patch = request(&Method::PATCH, &format!("{hooks}/{id}/events")).json(&body);
        assert_eq!(story.row(patch).await.status, 404, "{id}");
    }
    story.table("businesses that are somebody else's or nobody's");
    for id in ["nothing", "%FF", "a%2Fb", &shop.id] {
        let search = request(&Method::POST, &format!("/api/v2/business/{id}/instance/search"));
        assert!([403, 404].contains(&story.row(search).await.status), "{id}");
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
            let after = if method == Method::PATCH { "/refresh-token" } else { "" };
            let admin = request(&method, &format!("/api/v2/admin/business/{id}{after}"));
            assert_eq!(story.row(admin).await.status, 404, "{id}");
        }
    }
    story.table("methods and routes that are not there");
    for (method, path) in [
        (Method::GET, format!("{b}/search")),
        (Method::POST, format!("{b}/connected")),
        (Method::PUT, format!("{b}/shop")),
        (Method::POST, format!("{b}/shop/refresh-token")),
        (Method::PUT, "/api/v2/instance/shop".to_owned()),
        (Method::POST, "/api/v2/instance/shop/restart".to_owned()),
        (Method::GET, "/api/v2/instance/shop/logout".to_owned()),
        (Method::DELETE, "/api/v2/instance/shop/webhook".to_owned()),
        (Method::DELETE, "/api/v2/admin/business".to_owned()),
        (Method::GET, "/api/v2/instance".to_owned()),
        (Method::GET, "/api/v2/instance/".to_owned()),
        (Method::GET, "/api/v2/instance/shop/".to_owned()),
        (Method::GET, "/api/v2/instance/shop/messages".to_owned()),
        (Method::GET, "/api/v2/%FF".to_owned()),
    ] {
        let answer = story.row(request(&method, &path)).await;
        assert_eq!(answer.status, 404, "{method} {path}");
    }
    story.table("ids that are there");
    for id in [&shop.id, "loja%20S%C3%A3o%20Jo%C3%A3o"] {
        let path = format!("/api/v2/instance/{id}/connection-state");
        assert_eq!(story.row(request(&Method::GET, &path)).await.status, 200, "{id}");
    }
    is_told("codechat_bad_paths", &story);
}
