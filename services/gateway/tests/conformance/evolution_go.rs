//! The Evolution Go dialect, with its prefix and without it beside Evolution API.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    is_told,
    story::{Request, Story},
    world::{ACCOUNT, OTHER_ACCOUNT, ROOT, World},
};

/// The token that the stories' instance has.
const TOKEN: &str = "token-of-shop";

fn go(method: &str, path: &str) -> Request {
    Request::new(method.parse().unwrap(), &format!("/evolution-go{path}"))
}

fn by_account(method: &str, path: &str) -> Request {
    go(method, path).header("apikey", ACCOUNT)
}

fn own(method: &str, path: &str) -> Request {
    go(method, path).header("apikey", TOKEN)
}

/// Makes the stories' instance through the dialect, and names its id.
async fn create(story: &mut Story<'_>) -> String {
    let body = json!({"name": "shop", "token": TOKEN, "advancedSettings": {"ignoreGroups": true}});
    let made = story.ask("create", by_account("POST", "/instance/create").json(&body)).await;
    let id = made.body["data"]["id"].as_str().unwrap().to_owned();
    story.calls(&id, "id of shop");
    id
}

#[tokio::test]
async fn the_life_of_an_instance() {
    let world = World::start().await;
    let mut story = world.story();
    let id = create(&mut story).await;
    let again = json!({"name": "shop", "token": "another"});
    story.ask("the name is taken", by_account("POST", "/instance/create").json(&again)).await;
    let again = json!({"name": "till", "token": TOKEN});
    story.ask("the token is taken", by_account("POST", "/instance/create").json(&again)).await;
    story.ask("its state", own("GET", "/instance/status")).await;
    story.ask("nothing to open again", own("POST", "/instance/reconnect")).await;
    let hook = json!({"webhookUrl": "https://hooks.example/go", "subscribe": ["ALL"], "immediate": true, "natsEnable": "enabled"});
    story.ask("connect", own("POST", "/instance/connect").json(&hook)).await;
    story.ask("a QR code", own("GET", "/instance/qr")).await;
    story.ask("its state while a code is shown", own("GET", "/instance/status")).await;
    let none = json!({"webhookUrl": "", "subscribe": []});
    story.ask("connect again leaves all as it is", own("POST", "/instance/connect").json(&none)).await;
    world.scan("shop").await;
    story.ask("its state when it is connected", own("GET", "/instance/status")).await;
    story.ask("no QR code for a connected instance", own("GET", "/instance/qr")).await;
    let pair = own("POST", "/instance/pair").json(&json!({"phone": "5511987654321"}));
    story.ask("nor a pairing code", pair.clone()).await;
    story.ask("as the account sees it", by_account("GET", &format!("/instance/info/{id}"))).await;
    story.ask("disconnect", own("POST", "/instance/disconnect").json(&json!({}))).await;
    story.ask("its state when it is stopped", own("GET", "/instance/status")).await;
    story.ask("reconnect", own("POST", "/instance/reconnect").json(&json!({}))).await;
    world.until("shop", "the connection is open again", |now| now["connection"] == "open").await;
    story.ask("logout, with a body", own("DELETE", "/instance/logout").json(&json!({}))).await;
    story.ask("a repeated logout", own("DELETE", "/instance/logout")).await;
    story.ask("its state after the logout", own("GET", "/instance/status")).await;
    story.ask("disconnect without a session", own("POST", "/instance/disconnect")).await;
    let code = story.ask("a pairing code", pair.clone()).await;
    story.ask("the same attempt shows a QR code too", own("GET", "/instance/qr")).await;
    let again = story.ask("and its pairing code stays", pair).await;
    assert_eq!(code.body, again.body);
    let off = json!({"webhookUrl": "disabled", "subscribe": ["QRCODE", "messages.upsert"]});
    story.ask("the webhook is switched off", own("POST", "/instance/connect").json(&off)).await;
    world.until_listed(1).await;
    story.ask("all", by_account("GET", "/instance/all")).await;
    story.ask("delete", by_account("DELETE", &format!("/instance/delete/{id}"))).await;
    story.ask("it is gone", by_account("DELETE", &format!("/instance/delete/{id}"))).await;
    story.ask("and so is its token", own("GET", "/instance/status")).await;
    is_told("evolution_go_life", &story);
}

#[tokio::test]
async fn who_may_not() {
    let world = World::start().await;
    let mut story = world.story();
    let id = create(&mut story).await;
    world.instance("till").await;
    let (info, delete) = (format!("/instance/info/{id}"), format!("/instance/delete/{id}"));
    let settings = format!("/instance/{id}/advanced-settings");
    for (method, path, is_accounts) in [
        ("POST", "/instance/create", true),
        ("GET", "/instance/all", true),
        ("GET", info.as_str(), true),
        ("DELETE", delete.as_str(), true),
        ("POST", "/instance/connect", false),
        ("GET", "/instance/status", false),
        ("GET", "/instance/qr", false),
        ("POST", "/instance/pair", false),
        ("POST", "/instance/disconnect", false),
        ("POST", "/instance/reconnect", false),
        ("DELETE", "/instance/logout", false),
        ("GET", settings.as_str(), false),
        ("PUT", settings.as_str(), false),
    ] {
        story.table(&format!("{method} {path}: no key, a wrong one, the operator's, one that is for others"));
        let request = go(method, path);
        let others = if is_accounts { TOKEN } else { ACCOUNT };
        let mut asked = vec![request.clone()];
        asked.extend(["wrong", ROOT, others].map(|key| request.clone().header("apikey", key)));
        for request in asked {
            let answer = story.row(request).await;
            assert_eq!((answer.status, &answer.body), (401, &json!({"error": "not authorized"})), "{path}");
        }
    }
    story.table("another account's token, and another instance's");
    for (request, status) in [
        (go("GET", &info).header("apikey", OTHER_ACCOUNT), 404),
        (go("DELETE", &delete).header("apikey", OTHER_ACCOUNT), 404),
        (go("GET", &settings).header("apikey", "token-of-till"), 401),
        (go("PUT", &settings).header("apikey", "token-of-till").json(&json!({"rejectCall": true})), 401),
    ] {
        assert_eq!(story.row(request).await.status, status);
    }
    is_told("evolution_go_refused", &story);
}

#[tokio::test]
async fn bodies_that_are_refused() {
    let world = World::start().await;
    let mut story = world.story();
    create(&mut story).await;
    let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(1024 * 1024));
    for path in ["/instance/create", "/instance/connect", "/instance/pair"] {
        story.table(path);
        let key = if path == "/instance/create" { ACCOUNT } else { TOKEN };
        let ask = |body: &str| go("POST", path).header("apikey", key).raw(body);
        for body in ["{", "null", "[]", "\"text\"", "1", r#"{"phone":"\ud800"}"#] {
            assert_eq!(story.row(ask(body)).await.status, 400, "{path} {body}");
        }
        assert_eq!(story.row(ask(&long)).await.status, 413);
    }
    story.table("fields of a create");
    for body in [
        json!({}),
        json!({"name": ""}),
        json!({"name": 1}),
        json!({"name": "a/b"}),
        json!({"name": "till", "token": 1}),
        json!({"name": "till", "token": "with a blank"}),
        json!({"name": "till", "instanceId": "7"}),
        json!({"name": "till", "advancedSettings": []}),
        json!({"name": "till", "advancedSettings": {"rejectCall": "yes"}}),
        json!({"name": "till", "advancedSettings": {"msgRejectCall": true}}),
        json!({"name": "till", "webhook": "http://hooks.example/"}),
        json!({"name": "till", "webhookEvents": "ALL"}),
    ] {
        let answer = story.row(by_account("POST", "/instance/create").json(&body)).await;
        assert_eq!(answer.status, 400, "{body}");
    }
    story.table("fields of a connect");
    for body in [
        json!({"webhookUrl": 1}),
        json!({"webhookUrl": "hooks.example"}),
        json!({"webhookUrl": "https://10.1.2.3/"}),
        json!({"subscribe": "ALL"}),
        json!({"subscribe": [1]}),
        json!({"rabbitmqEnable": true}),
    ] {
        let answer = story.row(own("POST", "/instance/connect").json(&body)).await;
        assert_eq!(answer.status, 400, "{body}");
    }
    story.table("phones");
    for body in [
        json!({}),
        json!({"phone": ""}),
        json!({"phone": 5}),
        json!({"phone": "12"}),
        json!({"phone": "011987654321"}),
    ] {
        let answer = story.row(own("POST", "/instance/pair").json(&body)).await;
        assert_eq!(answer.status, 400, "{body}");
    }
    story.table("phones that are written otherwise");
    for phone in ["+55 (11) 98765-4321", "5511987654321@s.whatsapp.net"] {
        let answer = story.row(own("POST", "/instance/pair").json(&json!({"phone": phone}))).await;
        assert_eq!(answer.status, 200, "{phone}");
    }
    is_told("evolution_go_bad_bodies", &story);
}

#[tokio::test]
async fn routes_and_methods_that_are_not_there() {
    let world = World::start().await;
    let mut story = world.story();
    create(&mut story).await;
    for (method, path) in [
        ("GET", ""),
        ("GET", "/"),
        ("GET", "/instance"),
        ("GET", "/instance/create"),
        ("POST", "/instance/all"),
        ("GET", "/instance/connect"),
        ("GET", "/instance/connect/shop"),
        ("HEAD", "/instance/qr"),
        ("POST", "/instance/logout"),
        ("GET", "/instance/info"),
        ("GET", "/instance/info/nobody"),
        ("GET", "/instance/info/%FF"),
        ("DELETE", "/instance/delete/a%2Fb"),
        ("GET", "/instance/fetchInstances"),
        ("POST", "/send/text"),
        ("GET", "/user/contacts"),
    ] {
        let answer = story.row(by_account(method, path)).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    story.ask("it is there", go("GET", "/server/ok")).await;
    is_told("evolution_go_unknown", &story);
}

#[tokio::test]
async fn settings_are_kept() {
    let world = World::start().await;
    let mut story = world.story();
    let id = create(&mut story).await;
    let path = format!("/instance/{id}/advanced-settings");
    let given = json!({"rejectCall": true, "msgRejectCall": "later", "other": 1});
    story.ask("some are changed", own("PUT", &path).json(&given)).await;
    story.ask("all are shown", own("GET", &path)).await;
    story.ask("by its name too", own("GET", "/instance/shop/advanced-settings")).await;
    story.ask("of a wrong type", own("PUT", &path).json(&json!({"rejectCall": 1}))).await;
    is_told("evolution_go_settings", &story);
}

/// The products side by side on the same paths, each client without a word of the other.
#[tokio::test]
async fn without_the_prefix_beside_evolution_api() {
    let world = World::start().await;
    let mut story = world.story();
    let bare =
        |method: &str, path: &str| Request::new(method.parse().unwrap(), path).header("apikey", ACCOUNT);
    let shops =
        |method: &str, path: &str| Request::new(method.parse().unwrap(), path).header("apikey", TOKEN);
    let create = bare("POST", "/instance/create");
    let made =
        story.ask("Evolution Go's", create.clone().json(&json!({"name": "shop", "token": TOKEN}))).await;
    let id = made.body["data"]["id"].as_str().unwrap().to_owned();
    story.calls(&id, "id of shop");
    let till = json!({"instanceName": "till", "token": "token-of-till", "name": "Till"});
    let till = story.ask("Evolution API's, whatever its name is besides", create.clone().json(&till)).await;
    story.calls(till.body["instance"]["instanceId"].as_str().as_ref().unwrap(), "id of till");
    story.ask("neither's", create.clone().json(&json!({"qrcode": true}))).await;
    story.ask("without a key", Request::post("/instance/create").json(&json!({"name": "x"}))).await;
    story.ask("that is no JSON", create.clone().raw("{\"name\":")).await;
    story.ask("that is too large", create.clone().raw(&" ".repeat(1024 * 1024 + 1))).await;

    for (method, path) in [
        ("POST", "/instance/connect"),
        ("GET", "/instance/qr"),
        ("GET", "/instance/status"),
        ("POST", "/instance/disconnect"),
        ("DELETE", "/instance/logout"),
    ] {
        story.ask("Evolution Go's", shops(method, path)).await;
    }
    let pair = shops("POST", "/instance/pair").json(&json!({"phone": "5511987654321"}));
    story.ask("Evolution Go's", pair).await;
    story.ask("Evolution Go's", bare("GET", &format!("/instance/info/{id}"))).await;
    let settings = shops("PUT", &format!("/instance/{id}/advanced-settings"));
    story.ask("Evolution Go's", settings.json(&json!({"readMessages": true}))).await;
    story.ask("Evolution Go's", Request::get("/server/ok")).await;
    for (method, path) in [
        ("GET", "/instance/connect"),
        ("GET", "/instance/connect/"),
        ("DELETE", "/instance/logout/"),
        ("GET", "/instance/info/"),
        ("POST", "/instance/qr"),
    ] {
        let answer = story.ask("Evolution API's", shops(method, path)).await;
        assert!(answer.body["response"].is_object(), "{path}");
    }
    story.ask("Evolution API's on the other's", bare("GET", "/instance/connectionState/shop")).await;
    is_told("evolution_go_without_prefix", &story);
}

#[tokio::test]
async fn a_deletion_without_the_prefix_is_answered_as_its_client_reads_it() {
    let world = World::start().await;
    let ask = async |request: Request| -> (u16, Value) {
        let answer = world.send(&request).await;
        (answer.status().as_u16(), serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap())
    };
    let create = |body: &Value| Request::post("/instance/create").header("apikey", ACCOUNT).json(body);
    let delete =
        |id: &str, key: &str| Request::delete(&format!("/instance/delete/{id}")).header("apikey", key);
    let evolution = json!({"status": "SUCCESS", "error": false, "response": {"message": "Instance deleted"}});
    let go = json!({"message": "success"});

    let (_, made) = ask(create(&json!({"name": "shop", "token": TOKEN}))).await;
    let id = made["data"]["id"].as_str().unwrap();
    let (status, refused) = ask(delete(id, "wrong")).await;
    assert_eq!((status, &refused["error"]), (401, &json!("Unauthorized")));
    assert_eq!(ask(delete(id, ACCOUNT)).await, (200, go.clone()));
    assert_eq!(ask(delete(id, ACCOUNT)).await.0, 404);

    // An id that the client itself gave, in any case.
    let own = "0F8FAD5B-D9CB-469F-A165-70867728950E";
    let (_, made) = ask(create(&json!({"name": "shop", "token": TOKEN, "instanceId": own}))).await;
    assert_eq!(made["data"]["id"], own.to_lowercase());
    let (status, taken) = ask(create(&json!({"name": "till", "instanceId": own}))).await;
    assert_eq!((status, &taken["error"]), (409, &json!("instance already exists")));
    let info = Request::get(&format!("/instance/info/{own}")).header("apikey", ACCOUNT);
    assert_eq!(ask(info).await.1["data"]["name"], "shop");
    assert_eq!(ask(delete(own, ACCOUNT)).await, (200, go.clone()));

    // An instance of Evolution API by its id, and one of either by its name.
    let (_, made) = ask(create(&json!({"instanceName": "till"}))).await;
    let id = made["instance"]["instanceId"].as_str().unwrap();
    assert_eq!(ask(delete(id, ACCOUNT)).await, (200, evolution.clone()));
    ask(create(&json!({"name": "shop", "token": TOKEN}))).await;
    assert_eq!(ask(delete("shop", ACCOUNT)).await, (200, evolution));
}

#[tokio::test]
async fn a_method_that_is_evolution_apis_is_left_to_it() {
    let world = World::start().await;
    world.instance("shop").await;
    for (method, path) in [
        (Method::PUT, "/instance/create"),
        (Method::GET, "/instance/delete/0f8fad5b-d9cb-469f-a165-70867728950e"),
        (Method::POST, "/instance/all"),
        (Method::DELETE, "/instance/qr"),
        (Method::PATCH, "/instance/shop/advanced-settings"),
    ] {
        let answer = world.send(&Request::new(method, path).header("apikey", ACCOUNT)).await;
        assert_eq!(answer.status(), 404, "{path}");
        let body: Value = answer.json().await.unwrap();
        assert!(body["response"]["message"][0].as_str().unwrap().starts_with("Cannot "), "{path}: {body}");
    }
}
