//! The CodeChat v2 dialect.

use serde_json::{Value, json};

use crate::{
    is_told,
    story::Request,
    world::{ACCOUNT, OTHER_ACCOUNT, ROOT, World},
};

#[tokio::test]
async fn the_life_of_an_instance() {
    let world = World::start().await;
    let mut story = world.story();
    let instances = format!("/api/v2/business/{}/instance", world.account_id);
    let business = |request: Request| request.bearer(ACCOUNT);
    let body = json!({"instanceName": "shop", "externalId": "crm-7"});
    let made = story.ask("create", business(Request::post(&instances)).json(&body)).await;
    let jwt = made.body["Auth"]["jwt"].as_str().unwrap().to_owned();
    story.calls(&made.body["Auth"]["authId"].as_str().unwrap(), "authId");
    story.calls(&jwt, "JWT");
    let own = |method: &str, path: &str| {
        Request::new(method.parse().unwrap(), &format!("/api/v2/instance/crm-7{path}")).bearer(&jwt)
    };
    story
        .ask("the name is taken", business(Request::post(&instances)).json(&json!({"instanceName": "shop"})))
        .await;
    story
        .ask(
            "the foreign id is taken",
            business(Request::post(&instances)).json(&json!({"externalId": "crm-7"})),
        )
        .await;
    story.ask("find", own("GET", "")).await;
    story.ask("logout when it is not connected", own("DELETE", "/logout")).await;
    story.ask("restart when it is not connected", own("PUT", "/restart")).await;
    story.ask("connect", own("GET", "/connect")).await;
    story.ask("the code again", own("GET", "/qrcode")).await;
    story.ask("the live state while a code is shown", own("GET", "/connection-state")).await;
    story
        .ask(
            "an attempt runs: delete wants force",
            business(Request::delete(&format!("{instances}?instanceId=crm-7"))),
        )
        .await;
    world.scan("shop").await;
    story.ask("the live state when it is connected", own("GET", "/connection-state")).await;
    story.ask("connect leaves a connected instance alone", own("GET", "/connect")).await;
    let found = story.ask("find", own("GET", "")).await;
    story.calls(&found.body["WhatsApp"]["whatsappId"].as_str().unwrap(), "id of shop");
    world.until_listed(1).await;
    story
        .ask("connected instances of the business", business(Request::get(&format!("{instances}/connected"))))
        .await;
    story.ask("restart", own("PUT", "/restart")).await;
    world.until("shop", "the connection is open again", |now| now["connection"] == "open").await;
    story
        .ask("connected: delete wants force", business(Request::delete(&format!("{instances}/crm-7"))))
        .await;
    story.ask("logout", own("DELETE", "/logout")).await;
    story.ask("a repeated logout", own("DELETE", "/logout")).await;
    story.ask("the live state after it", own("GET", "/connection-state")).await;
    let refresh = format!("{instances}/crm-7/refresh-token");
    story
        .ask(
            "a new JWT wants the old one",
            business(Request::patch(&refresh)).json(&json!({"oldToken": "x"})),
        )
        .await;
    let new =
        story.ask("a new JWT", business(Request::patch(&refresh)).json(&json!({"oldToken": jwt}))).await;
    let new = new.body["newToken"].as_str().unwrap().to_owned();
    story.calls(&new, "new JWT");
    story.ask("the old one ended", own("GET", "/connection-state")).await;
    story
        .ask("the new one works", Request::get("/api/v2/instance/crm-7/connection-state").bearer(&new))
        .await;
    let toggle = |action: &str| {
        business(Request::patch(&format!("{instances}/crm-7/toggle-activate")))
            .json(&json!({"action": action}))
    };
    story.ask("switch it off", toggle("deactivate")).await;
    story.ask("its routes are refused", Request::delete("/api/v2/instance/crm-7/logout").bearer(&new)).await;
    story.ask("switch it on", toggle("activate")).await;
    story.ask("neither on nor off", toggle("on")).await;
    story
        .ask(
            "it may not delete itself",
            Request::delete(&format!("{instances}?instanceId=crm-7")).bearer(&new),
        )
        .await;
    story.ask("delete", business(Request::delete(&format!("{instances}?instanceId=crm-7")))).await;
    story.ask("it is gone", business(Request::delete(&format!("{instances}?instanceId=crm-7")))).await;
    story.ask("and so is its JWT", Request::get("/api/v2/instance/crm-7").bearer(&new)).await;
    is_told("codechat_life", &story);
}

#[tokio::test]
async fn delete_by_force() {
    let world = World::start().await;
    let shop = world.linked("shop").await;
    let mut story = world.story();
    story.calls(&shop.id, "id of shop");
    let path = format!("/api/v2/business/{}/instance/shop", world.account_id);
    let delete = |body: Value| Request::delete(&path).bearer(ACCOUNT).json(&body);
    story.ask("force is a switch", delete(json!({"force": "yes"}))).await;
    story.ask("connected", delete(json!({"force": false}))).await;
    let gone = story.ask("by force", delete(json!({"force": true}))).await;
    story.calls(&gone.body["Auth"]["authId"].as_str().unwrap(), "authId");
    story.calls(&gone.body["Auth"]["jwt"].as_str().unwrap(), "JWT");
    assert_eq!(gone.body["connection"], "open", "the answer shows what it was");
    story.ask("again", delete(json!({"force": true}))).await;
    is_told("codechat_delete_by_force", &story);
}

#[tokio::test]
async fn who_may_not() {
    let world = World::start().await;
    let shop = world.linked("shop").await;
    let till = world.instance("till").await;
    let mut story = world.story();
    story.calls(&shop.id, "id of shop");
    story.calls(&till.id, "id of till");
    let b = &world.account_id;
    for (method, path) in [
        ("POST", format!("/api/v2/business/{b}/instance")),
        ("POST", format!("/api/v2/business/{b}/instance/search")),
        ("GET", format!("/api/v2/business/{b}/instance/connected")),
        ("DELETE", format!("/api/v2/business/{b}/instance?instanceId=shop")),
        ("DELETE", format!("/api/v2/business/{b}/instance/shop")),
        ("PATCH", format!("/api/v2/business/{b}/instance/shop/refresh-token")),
        ("PATCH", format!("/api/v2/business/{b}/instance/shop/toggle-activate")),
        ("GET", "/api/v2/instance/shop".to_owned()),
        ("GET", "/api/v2/instance/shop/connect".to_owned()),
        ("GET", "/api/v2/instance/shop/connection-state".to_owned()),
        ("PUT", "/api/v2/instance/shop/restart".to_owned()),
        ("DELETE", "/api/v2/instance/shop/logout".to_owned()),
        ("PATCH", "/api/v2/instance/shop/reload".to_owned()),
        ("PATCH", "/api/v2/instance/shop/proxy".to_owned()),
        ("GET", "/api/v2/instance/shop/socket".to_owned()),
        ("PUT", "/api/v2/instance/shop/socket".to_owned()),
        ("DELETE", "/api/v2/instance/shop/socket".to_owned()),
        ("POST", "/api/v2/instance/shop/webhook".to_owned()),
        ("GET", "/api/v2/instance/shop/webhook".to_owned()),
        ("GET", "/api/v2/instance/shop/webhook/nothing".to_owned()),
        ("DELETE", "/api/v2/instance/shop/webhook/nothing".to_owned()),
        ("POST", "/api/v2/admin/business".to_owned()),
        ("GET", "/api/v2/admin/business".to_owned()),
    ] {
        let request = Request::new(method.parse().unwrap(), &path);
        let none = story.ask("no token", request.clone()).await;
        let wrong = story.ask("a wrong token", request.bearer("wrong")).await;
        assert_eq!((none.status, wrong.status), (401, 401), "{path}");
    }
    let asks = |token: &str| Request::delete("/api/v2/instance/shop/logout").bearer(token);
    story.ask("another instance's token", asks("token-of-till")).await;
    story
        .ask(
            "another instance's token and no such instance",
            Request::delete("/api/v2/instance/nobody/logout").bearer("token-of-till"),
        )
        .await;
    story.ask("another business's token", asks(OTHER_ACCOUNT)).await;
    story.ask("the admin token on a name, which several businesses may have", asks(ROOT)).await;
    let search = |token: &str| Request::post(&format!("/api/v2/business/{b}/instance/search")).bearer(token);
    story.ask("another business's token on this business", search(OTHER_ACCOUNT)).await;
    story.ask("an instance's token on its business", search("token-of-till")).await;
    story
        .ask("a business token as the admin's", Request::get("/api/v2/admin/business").bearer(ACCOUNT))
        .await;
    let jwt = Request::get(&format!("/api/v2/instance/{}", shop.id)).bearer(ACCOUNT);
    let jwt = world.json(&jwt).await["Auth"]["jwt"].as_str().unwrap().to_owned();
    let (signed, _) = jwt.rsplit_once('.').unwrap();
    story.calls(&signed, "JWT without its signature");
    story.ask("a JWT that somebody else signed", asks(&format!("{signed}.AAAA"))).await;
    let unsigned = "eyJhbGciOiJub25lIn0.eyJJX0lEIjoic2hvcCJ9.";
    story.ask("a JWT that nobody signed", asks(unsigned)).await;
    story
        .ask(
            "the instance's own token in the other header",
            Request::get("/api/v2/instance/till/connection-state").header("apikey", &till.token),
        )
        .await;
    is_told("codechat_refused", &story);
}

#[tokio::test]
async fn unknown_instances_routes_and_methods() {
    let world = World::start().await;
    let mut story = world.story();
    let b = &world.account_id;
    for (method, path) in [
        ("GET", "/api/v2/instance/nobody".to_owned()),
        ("GET", "/api/v2/instance/nobody/connect".to_owned()),
        ("GET", "/api/v2/instance/nobody/connection-state".to_owned()),
        ("PUT", "/api/v2/instance/nobody/restart".to_owned()),
        ("DELETE", "/api/v2/instance/nobody/logout".to_owned()),
        ("GET", "/api/v2/instance/nobody/webhook".to_owned()),
        ("DELETE", format!("/api/v2/business/{b}/instance?instanceId=nobody")),
        ("DELETE", format!("/api/v2/business/{b}/instance/nobody")),
        ("DELETE", "/api/v2/instance/%FF/logout".to_owned()),
        ("POST", "/api/v2/instance/nobody/logout".to_owned()),
        ("GET", "/api/v2/nothing".to_owned()),
        ("GET", "/api/v2".to_owned()),
    ] {
        let answer =
            story.ask("not there", Request::new(method.parse().unwrap(), &path).bearer(ACCOUNT)).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    is_told("codechat_unknown", &story);
}

#[tokio::test]
async fn webhooks() {
    let world = World::start().await;
    let shop = world.instance("shop").await;
    let mut story = world.story();
    story.calls(&shop.id, "id of shop");
    let own = |method: &str, path: &str| {
        Request::new(method.parse().unwrap(), &format!("/api/v2/instance/shop/webhook{path}"))
            .bearer(&shop.token)
    };
    story.ask("none", own("GET", "")).await;
    let main = json!({"name": "main", "url": "https://hooks.example/a"});
    let made = story.ask("one that is only named and located is off", own("POST", "").json(&main)).await;
    let id = made.body["webhookId"].as_str().unwrap().to_owned();
    story.calls(&id, "id of main");
    story.calls(&made.body["WebhookEvents"]["webhookEventsId"].as_str().unwrap(), "id of main's events");
    story.ask("a name is given once", own("POST", "").json(&main)).await;
    let second = json!({"name": "second", "url": "https://hooks.example/b", "enabled": true, "headers": {"x-tenant": "7", "authorization": "Bearer x"}});
    let made = story.ask("a second", own("POST", "").json(&second)).await;
    story.calls(&made.body["webhookId"].as_str().unwrap(), "id of second");
    story.calls(&made.body["WebhookEvents"]["webhookEventsId"].as_str().unwrap(), "id of second's events");
    story
        .ask(
            "change the first",
            own("PUT", &format!("/{id}")).json(&json!({"name": "first", "enabled": true})),
        )
        .await;
    let events = format!("/{id}/events");
    story.ask("switch an event off", own("PATCH", &events).json(&json!({"qrcodeUpdate": false}))).await;
    story
        .ask(
            "it stays off when something else changes",
            own("PUT", &format!("/{id}")).json(&json!({"name": "first", "url": "https://hooks.example/c"})),
        )
        .await;
    story.ask("a switch is a boolean", own("PATCH", &events).json(&json!({"qrcodeUpdate": "no"}))).await;
    let all = story.ask("all", own("GET", "")).await;
    assert_eq!(all.body.as_array().unwrap().len(), 2);
    for body in [
        json!({}),
        json!({"name": "x"}),
        json!({"url": "https://hooks.example"}),
        json!({"name": 1, "url": "https://hooks.example"}),
        json!({"name": "x", "url": "http://hooks.example"}),
        json!({"name": "x", "url": "https://hooks.example", "enabled": "yes"}),
    ] {
        let answer = story.ask("a webhook that is refused", own("POST", "").json(&body)).await;
        assert_eq!(answer.status, 400, "{body}");
    }
    story.ask("no such webhook", own("PUT", "/nothing").json(&main)).await;
    story.ask("no JSON", own("POST", "").raw("{")).await;
    let socket = || Request::post("/api/v2/instance/shop/socket").bearer(&shop.token);
    let made = story.ask("a socket", socket()).await;
    story.calls(&made.body["socketId"].as_str().unwrap(), "id of the socket");
    story.ask("is registered once", socket()).await;
    is_told("codechat_webhooks", &story);
}

#[tokio::test]
async fn search_with_pages() {
    let world = World::start().await;
    for number in 0..51 {
        world.instance(&format!("shop-{number}")).await;
    }
    world.until_listed(51).await;
    let mut story = world.story();
    let search = |query: &str, body: Value| {
        Request::post(&format!("/api/v2/business/{}/instance/search{query}", world.account_id))
            .bearer(ACCOUNT)
            .json(&body)
    };
    let first = world.json(&search("", json!({}))).await;
    let page = &first["BusinessPage"];
    assert_eq!(
        (&page["totalRecords"], &page["totalPages"], &page["currentPage"]),
        (&json!(51), &json!(2), &json!(1))
    );
    assert_eq!(page["records"].as_array().unwrap().len(), 50);
    let second = world.json(&search("?page=2", json!({}))).await;
    assert_eq!(second["BusinessPage"]["records"].as_array().unwrap().len(), 1);
    let one = world.json(&search("", json!({"name": "shop-50"}))).await;
    let one = &one["BusinessPage"]["records"][0];
    story.calls(&one["instanceId"].as_str().unwrap(), "id of shop-50");
    story.calls(&one["Auth"]["authId"].as_str().unwrap(), "authId");
    story.calls(&one["Auth"]["jwt"].as_str().unwrap(), "JWT");
    story.ask("by name", search("", json!({"name": "shop-50"}))).await;
    story.ask("a page that is not there", search("?page=3", json!({}))).await;
    story
        .ask("by state and connection", search("", json!({"state": "inactive", "connection": "open"})))
        .await;
    story.ask("a filter that is none", search("", json!({"name": 1}))).await;
    is_told("codechat_search", &story);
}

#[tokio::test]
async fn businesses() {
    let world = World::start().await;
    let mut story = world.story();
    let admin = |method: &str, path: &str| {
        Request::new(method.parse().unwrap(), &format!("/api/v2/admin/business{path}")).header("apikey", ROOT)
    };
    let made = story.ask("create", admin("POST", "").json(&json!({"name": "initech"}))).await;
    let id = made.body["businessId"].as_str().unwrap().to_owned();
    story.calls(&id, "id of initech");
    let token = made.body["businessToken"].as_str().unwrap().to_owned();
    story.calls(&token, "token of initech");
    story.ask("the name is taken", admin("POST", "").json(&json!({"name": "initech"}))).await;
    story.ask("find", admin("GET", &format!("/{id}"))).await;
    story.ask("no such business", admin("GET", "/nothing")).await;
    let instance = format!("/api/v2/business/{id}/instance");
    let mine = story
        .ask("it creates an instance, with a made-up name", Request::post(&instance).bearer(&token))
        .await;
    story.calls(&mine.body["instanceId"].as_str().unwrap(), "id of its instance");
    story.calls(&mine.body["name"].as_str().unwrap(), "made-up name");
    story.calls(&mine.body["Auth"]["authId"].as_str().unwrap(), "authId");
    story.calls(&mine.body["Auth"]["jwt"].as_str().unwrap(), "JWT");
    let again = story.ask("another token", admin("PATCH", &format!("/{id}/refresh-token"))).await;
    story.calls(&again.body["businessToken"].as_str().unwrap(), "new token of initech");
    story.ask("the former one ended", Request::post(&instance).bearer(&token)).await;
    story
        .ask(
            "move a device",
            Request::patch(&format!("{instance}/move-whatsapp"))
                .bearer(again.body["businessToken"].as_str().unwrap()),
        )
        .await;
    let list = world.json(&admin("GET", "")).await;
    assert!(list.as_array().unwrap().iter().any(|business| business["name"] == "acme"), "{list}");
    is_told("codechat_businesses", &story);
}

#[tokio::test]
async fn an_instance_of_another_door() {
    let world = World::start().await;
    let shop = world.linked("loja São João").await;
    let mut story = world.story();
    story.calls(&shop.id, "id of the shop");
    for key in [&shop.id, "loja%20S%C3%A3o%20Jo%C3%A3o"] {
        let found = story
            .ask("by id or name", Request::get(&format!("/api/v2/instance/{key}")).bearer(ACCOUNT))
            .await;
        assert_eq!(found.body["connection"], "open");
        story.calls(&found.body["Auth"]["authId"].as_str().unwrap(), "authId");
    }
    let jwt = Request::get(&format!("/api/v2/instance/{}", shop.id)).bearer(&shop.token);
    let jwt = world.json(&jwt).await["Auth"]["jwt"].as_str().unwrap().to_owned();
    story.calls(&jwt, "JWT");
    story.ask("logout", Request::delete(&format!("/api/v2/instance/{}/logout", shop.id)).bearer(&jwt)).await;
    is_told("codechat_other_door", &story);
}
