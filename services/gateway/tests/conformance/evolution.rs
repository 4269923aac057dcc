//! The Evolution API dialect.

use berth_gateway::EvolutionLogout;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    is_told,
    story::Request,
    world::{ACCOUNT, OTHER_ACCOUNT, ROOT, World},
};

/// Every route that wants a key.
const ROUTES: [(&str, Method); 30] = [
    ("/instance/create", Method::POST),
    ("/instance/connect/{instance}", Method::GET),
    ("/instance/connectionState/{instance}", Method::GET),
    ("/instance/fetchInstances", Method::GET),
    ("/instance/restart/{instance}", Method::POST),
    ("/instance/restart/{instance}", Method::PUT),
    ("/instance/setPresence/{instance}", Method::POST),
    ("/instance/logout/{instance}", Method::DELETE),
    ("/instance/delete/{instance}", Method::DELETE),
    ("/webhook/set/{instance}", Method::POST),
    ("/webhook/find/{instance}", Method::GET),
    ("/settings/set/{instance}", Method::POST),
    ("/settings/find/{instance}", Method::GET),
    ("/proxy/set/{instance}", Method::POST),
    ("/proxy/find/{instance}", Method::GET),
    ("/websocket/set/{instance}", Method::POST),
    ("/websocket/find/{instance}", Method::GET),
    ("/rabbitmq/set/{instance}", Method::POST),
    ("/rabbitmq/find/{instance}", Method::GET),
    ("/nats/set/{instance}", Method::POST),
    ("/nats/find/{instance}", Method::GET),
    ("/pusher/set/{instance}", Method::POST),
    ("/pusher/find/{instance}", Method::GET),
    ("/sqs/set/{instance}", Method::POST),
    ("/sqs/find/{instance}", Method::GET),
    ("/kafka/set/{instance}", Method::POST),
    ("/kafka/find/{instance}", Method::GET),
    ("/verify-creds", Method::POST),
    ("/instance/fetchInstances?instanceName=shop", Method::GET),
    ("/instance/fetchInstances?number=5511987654321", Method::GET),
];

fn uuid_of(id: &str) -> String {
    id.parse::<berth_proto::InstanceId>().unwrap().to_uuid().to_string()
}

#[tokio::test]
async fn the_life_of_an_instance() {
    let world = World::start().await;
    let mut story = world.story();
    let with_key = |request: Request| request.header("apikey", ACCOUNT);
    let body = json!({
        "instanceName": "shop", "integration": "WHATSAPP-BAILEYS", "token": "token-of-shop", "qrcode": true,
        "rejectCall": true, "msgCall": "No calls, please",
        "webhook": {"url": "https://hooks.example/evolution", "byEvents": true, "base64": true,
                    "headers": {"x-tenant": "7"}, "events": ["CONNECTION_UPDATE", "QRCODE_UPDATED"]},
    });
    let created =
        story.ask("create, with a QR code", with_key(Request::post("/instance/create")).json(&body)).await;
    let uuid = created.body["instance"]["instanceId"].as_str().unwrap().to_owned();
    story.calls(&uuid, "UUID of shop");
    story.ask("the name is taken", with_key(Request::post("/instance/create")).json(&body)).await;
    story
        .ask("the state while a code is shown", with_key(Request::get("/instance/connectionState/shop")))
        .await;
    story.ask("connect again joins the attempt", with_key(Request::get("/instance/connect/shop"))).await;
    let id = berth_proto::InstanceId::from_uuid(uuid.parse().unwrap()).to_string();
    world.scan(&id).await;
    story.ask("the state when it is linked", with_key(Request::get("/instance/connectionState/shop"))).await;
    story
        .ask("connect leaves a linked instance alone", with_key(Request::get("/instance/connect/shop")))
        .await;
    story
        .ask(
            "its own token may do it too",
            Request::get("/instance/connectionState/shop").header("apikey", "token-of-shop"),
        )
        .await;
    story.ask("restart", with_key(Request::post("/instance/restart/shop"))).await;
    world.until(&id, "the connection is open again", |now| now["connection"] == "open").await;
    story
        .ask(
            "restart as release 1 and the documentation have it",
            with_key(Request::put("/instance/restart/shop")),
        )
        .await;
    world.until(&id, "the connection is open again", |now| now["connection"] == "open").await;
    story
        .ask(
            "presence",
            with_key(Request::post("/instance/setPresence/shop")).json(&json!({"presence": "available"})),
        )
        .await;
    story.ask("logout", with_key(Request::delete("/instance/logout/shop"))).await;
    story.ask("a repeated logout", with_key(Request::delete("/instance/logout/shop"))).await;
    story.ask("the state after it", with_key(Request::get("/instance/connectionState/shop"))).await;
    story.ask("what is kept", with_key(Request::get("/instance/fetchInstances?instanceName=shop"))).await;
    story.ask("connect starts anew", with_key(Request::get("/instance/connect/shop"))).await;
    story.ask("delete", with_key(Request::delete("/instance/delete/shop"))).await;
    story.ask("it is gone", with_key(Request::delete("/instance/delete/shop"))).await;
    story
        .ask(
            "and so is its token",
            Request::get("/instance/connectionState/shop").header("apikey", "token-of-shop"),
        )
        .await;
    let list = Request::get("/instance/fetchInstances").header("apikey", "token-of-shop");
    story.ask("everywhere", list).await;
    is_told("evolution_life", &story);
}

#[tokio::test]
async fn logout_of_a_closed_instance_is_refused_or_not() {
    for (name, answer) in [("strict", EvolutionLogout::Strict), ("idempotent", EvolutionLogout::Idempotent)] {
        let world = World::start_with(answer).await;
        world.instance("never-linked").await;
        let mut story = world.story();
        story
            .ask(
                "logout when not connected",
                Request::delete("/instance/logout/never-linked").header("apikey", ACCOUNT),
            )
            .await;
        is_told(&format!("evolution_logout_{name}"), &story);
    }
}

#[tokio::test]
async fn who_may_not() {
    let world = World::start().await;
    world.linked("shop").await;
    world.instance("till").await;
    let mut story = world.story();
    // Every route answers alike, so it is compared instead of told.
    let unauthorized =
        json!({"status": 401, "error": "Unauthorized", "response": {"message": "Unauthorized"}});
    for (path, method) in ROUTES {
        let request = Request::new(method, &path.replace("{instance}", "shop"));
        for key in [None, Some(""), Some("wrong"), Some("token-of-till"), Some(ROOT)] {
            let request = key.map_or_else(|| request.clone(), |key| request.clone().header("apikey", key));
            let answer = world.send(&request).await;
            // An instance's own token may ask for itself.
            if key == Some("token-of-till") && path == "/instance/fetchInstances" {
                assert_eq!(answer.status(), 200, "{path}");
                continue;
            }
            assert_eq!(answer.status(), 401, "{path} {key:?}");
            assert_eq!(answer.json::<Value>().await.unwrap(), unauthorized, "{path} {key:?}");
        }
    }
    let asks = |key: &str| Request::delete("/instance/logout/shop").header("apikey", key);
    story.ask("another instance's token", asks("token-of-till")).await;
    story
        .ask(
            "another instance's token and no such instance",
            Request::delete("/instance/logout/nobody").header("apikey", "token-of-till"),
        )
        .await;
    story.ask("another account's token", asks(OTHER_ACCOUNT)).await;
    story.ask("the root key, which is nobody here", asks(ROOT)).await;
    story.ask("the key in another carrier", Request::delete("/instance/logout/shop").bearer(ACCOUNT)).await;
    story
        .ask(
            "the name in the query does not win over the path",
            Request::delete("/instance/logout/till?instanceName=shop").header("apikey", "token-of-till"),
        )
        .await;
    story
        .ask(
            "an instance's token creates nothing",
            Request::post("/instance/create")
                .header("apikey", "token-of-till")
                .json(&json!({"instanceName": "x"})),
        )
        .await;
    is_told("evolution_refused", &story);
}

#[tokio::test]
async fn unknown_instances_routes_and_methods() {
    let world = World::start().await;
    let mut story = world.story();
    for (method, path) in [
        ("GET", "/instance/connect/invalid-instance"),
        ("GET", "/instance/connectionState/invalid-instance"),
        ("GET", "/instance/fetchInstances?instanceName=invalid-instance"),
        ("POST", "/instance/restart/invalid-instance"),
        ("DELETE", "/instance/logout/invalid-instance"),
        ("DELETE", "/instance/delete/invalid-instance"),
        ("GET", "/webhook/find/invalid-instance"),
        ("GET", "/settings/find/invalid-instance"),
        ("DELETE", "/instance/logout/a%2Fb"),
        ("DELETE", "/instance/logout/%FF"),
        ("DELETE", "/instance/logout/"),
        ("GET", "/instance/nothing/here"),
        ("PATCH", "/instance/logout/shop"),
        ("POST", "/"),
    ] {
        let answer = story
            .ask("not there", Request::new(method.parse().unwrap(), path).header("apikey", ACCOUNT))
            .await;
        assert_eq!(answer.status, 404, "{path}");
    }
    story.ask("the root needs no key", Request::get("/")).await;
    is_told("evolution_unknown", &story);
}

#[tokio::test]
async fn a_business_channel_has_no_presence() {
    let world = World::start().await;
    let mut story = world.story();
    let with_key = |request: Request| request.header("apikey", ACCOUNT);
    let body = json!({"instanceName": "shop", "token": "token-of-shop", "integration": "WHATSAPP-BUSINESS",
                      "number": "102938475610293", "qrcode": true});
    let made = story.ask("create", with_key(Request::post("/instance/create")).json(&body)).await;
    story.calls(&made.body["instance"]["instanceId"].as_str().unwrap(), "UUID of shop");
    let presence = json!({"presence": "available"});
    let set = with_key(Request::post("/instance/setPresence/shop")).json(&presence);
    assert_eq!(story.ask("set a presence", set).await.status, 400);
    is_told("evolution_business", &story);
}

#[tokio::test]
async fn webhooks_and_settings() {
    let world = World::start().await;
    let shop = world.instance("shop").await;
    let mut story = world.story();
    story.calls(&uuid_of(&shop.id), "UUID of shop");
    let with_key = |request: Request| request.header("apikey", ACCOUNT);
    story.ask("never set", with_key(Request::get("/webhook/find/shop"))).await;
    let nested = json!({"webhook": {
        "enabled": true, "url": "https://hooks.example/a?x=1",
        "headers": {"authorization": "Bearer x", "jwt_key": "secret"},
        "byEvents": false, "base64": false, "events": ["CONNECTION_UPDATE", "QRCODE_UPDATED"],
    }});
    story.ask("set, nested", with_key(Request::post("/webhook/set/shop")).json(&nested)).await;
    let flat = json!({"enabled": true, "url": "https://hooks.example/b", "webhook_by_events": true,
                      "webhook_base64": true, "events": []});
    story.ask("set, flat: the same row", with_key(Request::post("/webhook/set/shop")).json(&flat)).await;
    story.ask("find", with_key(Request::get("/webhook/find/shop"))).await;
    let off = json!({"webhook": {"enabled": false, "url": "https://hooks.example/b"}});
    story.ask("switch off", with_key(Request::post("/webhook/set/shop")).json(&off)).await;
    let off_by_form = json!({"webhook": {"enabled": false, "url": "vazio", "events": []}});
    story
        .ask("switch off without a URL", with_key(Request::post("/webhook/set/shop")).json(&off_by_form))
        .await;
    story.ask("settings at first", with_key(Request::get("/settings/find/shop"))).await;
    let settings = json!({"rejectCall": true, "msgCall": "no", "groupsIgnore": true, "alwaysOnline": false,
                          "readMessages": false, "readStatus": false, "syncFullHistory": false});
    story.ask("set settings", with_key(Request::post("/settings/set/shop")).json(&settings)).await;
    story.ask("find settings", with_key(Request::get("/settings/find/shop"))).await;
    let rabbit = json!({"rabbitmq": {"enabled": true, "events": ["CONNECTION_UPDATE"]}});
    story.ask("a transport is kept", with_key(Request::post("/rabbitmq/set/shop")).json(&rabbit)).await;
    story.ask("and shown", with_key(Request::get("/rabbitmq/find/shop"))).await;
    let all = json!({"enabled": true, "events": []});
    story.ask("no event chosen is all", with_key(Request::post("/kafka/set/shop")).json(&all)).await;
    let off = json!({"websocket": {"enabled": false, "events": ["CONNECTION_UPDATE"]}});
    story.ask("switched off is none", with_key(Request::post("/websocket/set/shop")).json(&off)).await;
    let proxy = json!({"enabled": true, "host": "proxy.example", "port": "8080", "protocol": "http",
                       "username": "u", "password": "p"});
    story.ask("a proxy is kept", with_key(Request::post("/proxy/set/shop")).json(&proxy)).await;
    story.ask("and shown without its password", with_key(Request::get("/proxy/find/shop"))).await;
    let off = json!({"enabled": false, "host": "disabled", "port": "0", "protocol": "http"});
    story
        .ask("a proxy that is switched off is empty", with_key(Request::post("/proxy/set/shop")).json(&off))
        .await;
    story.ask("credentials", with_key(Request::post("/verify-creds"))).await;
    let own = Request::post("/verify-creds").header("apikey", "token-of-shop");
    story.ask("an instance's token is not the global key", own).await;
    let form = json!({"instanceName": "till", "token": "", "number": "",
                      "webhook": {"url": "", "byEvents": false, "base64": false, "events": []}});
    let made =
        story.ask("a form with empty fields", with_key(Request::post("/instance/create")).json(&form)).await;
    assert_eq!(made.status, 201);
    is_told("evolution_settings", &story);

    let pusher = json!({"pusher": {"enabled": true, "appId": "1", "key": "k", "secret": "never shown"}});
    let set = with_key(Request::post("/pusher/set/shop")).json(&pusher);
    for set_or_find in [set, with_key(Request::get("/pusher/find/shop"))] {
        let shown = world.json(&set_or_find).await.to_string();
        assert!(shown.contains("appId") && !shown.contains("never shown"), "{shown}");
    }
}

#[tokio::test]
async fn an_instance_of_another_door() {
    let world = World::start().await;
    let shop = world.linked("loja São João").await;
    let mut story = world.story();
    let uuid = uuid_of(&shop.id);
    story.calls(&uuid, "UUID of the shop");
    story.calls(&shop.id, "id of the shop");
    story.calls(&shop.number, "number of the shop");
    world.until_listed(1).await;
    let with_key = |path: &str| Request::get(path).header("apikey", ACCOUNT);
    for key in ["loja%20S%C3%A3o%20Jo%C3%A3o", &uuid, &shop.id, &shop.number.to_string()] {
        let answer = story
            .ask("by name, UUID, id or number", with_key(&format!("/instance/connectionState/{key}")))
            .await;
        assert_eq!(answer.body["instance"]["state"], "open");
    }
    story.ask("in the list", with_key("/instance/fetchInstances")).await;
    story.ask("by its phone", with_key("/instance/fetchInstances?number=5511987654321")).await;
    story.ask("by its id", with_key(&format!("/instance/fetchInstances?instanceId={uuid}"))).await;
    story.ask("by no phone", with_key("/instance/fetchInstances?number=1")).await;
    story.table("every route, by its own token");
    let hook = json!({"webhook": {"enabled": true, "url": "https://hooks.example/x", "events": ["CALL"]}});
    let transport = json!({"enabled": true, "events": ["CALL"]});
    for (method, route, body) in [
        (Method::GET, "/instance/connect", None),
        (Method::POST, "/instance/setPresence", Some(json!({"presence": "paused"}))),
        (Method::GET, "/webhook/find", None),
        (Method::POST, "/webhook/set", Some(hook)),
        (Method::GET, "/webhook/find", None),
        (Method::POST, "/settings/set", Some(json!({"reject_call": true}))),
        (Method::GET, "/settings/find", None),
        (Method::POST, "/proxy/set", Some(json!({"enabled": false}))),
        (Method::GET, "/proxy/find", None),
        (Method::POST, "/kafka/set", Some(transport)),
        (Method::GET, "/kafka/find", None),
        (Method::POST, "/instance/restart", None),
        (Method::PUT, "/instance/restart", None),
        (Method::DELETE, "/instance/logout", None),
        (Method::DELETE, "/instance/logout", None),
        (Method::POST, "/instance/restart", None),
        (Method::GET, "/instance/connectionState", None),
        (Method::DELETE, "/instance/delete", None),
        (Method::DELETE, "/instance/delete", None),
    ] {
        let path = format!("{route}/loja%20S%C3%A3o%20Jo%C3%A3o");
        let request = Request::new(method, &path).header("apikey", &shop.token);
        story.row(body.iter().fold(request, Request::json)).await;
    }
    is_told("evolution_other_door", &story);
}

#[tokio::test]
async fn pages_of_other_origins() {
    let world = World::start().await;
    let page = |request: Request| request.header("origin", "https://manager.example");
    let preflight = page(Request::new(Method::OPTIONS, "/instance/logout/shop"))
        .header("access-control-request-method", "DELETE")
        .header("access-control-request-headers", "apikey,x-other");
    let answer = world.send(&preflight).await;
    assert_eq!(answer.status(), 204);
    assert_eq!(answer.headers()["access-control-allow-origin"], "https://manager.example");
    assert_eq!(answer.headers()["access-control-allow-headers"], "apikey,x-other");
    assert_eq!(answer.headers()["access-control-allow-methods"], "GET, POST, PUT, DELETE");
    let ask = page(Request::get("/instance/fetchInstances")).header("apikey", ACCOUNT);
    for (request, status) in [(ask, 200), (page(Request::delete("/instance/logout/shop")), 401)] {
        let answer = world.send(&request).await;
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["access-control-allow-origin"], "https://manager.example");
        assert_eq!(answer.headers()["access-control-allow-credentials"], "true");
    }
    let elsewhere = world.send(&page(Request::get("/v1/instances").bearer(ACCOUNT))).await;
    assert!(
        !elsewhere.headers().contains_key("access-control-allow-origin"),
        "the native API keeps pages out"
    );
}
