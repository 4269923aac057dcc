//! Names, queries, routes and methods that the Evolution dialect does or does not know: each row is a request and
//! what it is answered, in the dialect's own words.

use reqwest::Method;
use serde_json::json;

use crate::{
    is_told,
    story::Request,
    world::{ACCOUNT, World},
};

/// Every route that has an instance's name, before the name.
const ON_INSTANCE: [(&str, Method); 20] = [
    ("/instance/connect/", Method::GET),
    ("/instance/connectionState/", Method::GET),
    ("/instance/restart/", Method::POST),
    ("/instance/restart/", Method::PUT),
    ("/instance/setPresence/", Method::POST),
    ("/instance/logout/", Method::DELETE),
    ("/instance/delete/", Method::DELETE),
    ("/webhook/set/", Method::POST),
    ("/webhook/find/", Method::GET),
    ("/settings/set/", Method::POST),
    ("/settings/find/", Method::GET),
    ("/proxy/set/", Method::POST),
    ("/proxy/find/", Method::GET),
    ("/websocket/set/", Method::POST),
    ("/websocket/find/", Method::GET),
    ("/rabbitmq/set/", Method::POST),
    ("/nats/find/", Method::GET),
    ("/pusher/set/", Method::POST),
    ("/sqs/find/", Method::GET),
    ("/kafka/set/", Method::POST),
];

fn request(method: &Method, path: &str) -> Request {
    Request::new(method.clone(), path).header("apikey", ACCOUNT)
}

#[tokio::test]
async fn names_that_are_not_there() {
    let world = World::start().await;
    let mut story = world.story();
    let long = "x".repeat(200);
    for (path, method) in ON_INSTANCE {
        story.table(&format!("{method} {path}{{instance}}"));
        for name in [
            "nobody",
            "loja%20S%C3%A3o",
            "%F0%9F%9B%B6",
            "%22%5C",
            "a%2Fb",
            "%2e%2e%2f",
            "%00",
            "%zz",
            "%FF",
            &long,
        ] {
            let answer = story.row(request(&method, &format!("{path}{name}"))).await;
            assert_eq!(answer.status, 404, "{method} {path}{name}");
        }
    }
    is_told("evolution_bad_names", &story);
}

#[tokio::test]
async fn names_that_are_there() {
    let world = World::start().await;
    let mut story = world.story();
    for (name, written) in [
        ("loja São João", "loja%20S%C3%A3o%20Jo%C3%A3o"),
        ("🛶 名前", "%F0%9F%9B%B6%20%E5%90%8D%E5%89%8D"),
        ("50% + \"x\"?#&", "50%25%20+%20%22x%22%3F%23%26"),
        ("5511987654321", "5511987654321"),
    ] {
        story.table(name);
        let body = json!({"instanceName": name});
        let created = request(&Method::POST, "/instance/create").json(&body);
        let created = world.json(&created).await;
        let uuid = created["instance"]["instanceId"].as_str().unwrap().to_owned();
        story.calls(&uuid, "UUID");
        let token = created["hash"].as_str().unwrap();
        assert!(token.parse::<uuid::Uuid>().is_ok() && token == token.to_uppercase(), "{token}");
        let state = story.row(request(&Method::GET, &format!("/instance/connectionState/{written}"))).await;
        assert_eq!(state.body["instance"]["instanceName"], name);
        story.row(request(&Method::GET, &format!("/instance/connectionState/{uuid}"))).await;
        let by_name = format!("/instance/fetchInstances?instanceName={written}").replace('+', "%2B");
        let found = world.json(&request(&Method::GET, &by_name)).await;
        assert_eq!(found[0]["name"], name);
        let again = json!({"instanceName": name});
        assert_eq!(story.row(request(&Method::POST, "/instance/create").json(&again)).await.status, 403);
        story.row(request(&Method::DELETE, &format!("/instance/logout/{written}"))).await;
        let gone = story.row(request(&Method::DELETE, &format!("/instance/delete/{written}"))).await;
        assert_eq!(gone.status, 200);
    }
    is_told("evolution_names", &story);
}

#[tokio::test]
async fn queries_that_say_nothing() {
    let world = World::start().await;
    world.instance("shop").await;
    world.until_listed(1).await;
    let mut story = world.story();
    story.table("numbers to connect");
    for number in ["12", "abc", "%2B", "00511987654321", "%FF", "-1", "1e9", "%D9%A1%D9%A2", &"5".repeat(200)]
    {
        let connect = format!("/instance/connect/shop?number={number}");
        assert_eq!(story.row(request(&Method::GET, &connect)).await.status, 400, "{number}");
    }
    story.table("filters of a list");
    for (query, status) in [
        ("instanceName=nobody", 404),
        ("instanceId=nobody", 404),
        ("instanceId=00000000-0000-0000-0000-000000000000", 404),
        ("instanceId=%FF", 404),
        ("instanceName=%00", 404),
        ("number=1", 200),
        ("number=-99999999999999999999999", 200),
    ] {
        let list = format!("/instance/fetchInstances?{query}");
        assert_eq!(story.row(request(&Method::GET, &list)).await.status, status, "{query}");
    }
    is_told("evolution_bad_queries", &story);
}

#[tokio::test]
async fn routes_and_methods_that_are_not_there() {
    let world = World::start().await;
    world.instance("shop").await;
    let mut story = world.story();
    let methods = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    for (path, has) in [
        ("/instance/create", &[Method::POST][..]),
        ("/instance/fetchInstances", &[Method::GET]),
        ("/instance/connect/shop", &[Method::GET]),
        ("/instance/connectionState/shop", &[Method::GET]),
        ("/instance/restart/shop", &[Method::POST, Method::PUT]),
        ("/instance/setPresence/shop", &[Method::POST]),
        ("/instance/logout/shop", &[Method::DELETE]),
        ("/instance/delete/shop", &[Method::DELETE]),
        ("/webhook/set/shop", &[Method::POST]),
        ("/webhook/find/shop", &[Method::GET]),
        ("/settings/set/shop", &[Method::POST]),
        ("/settings/find/shop", &[Method::GET]),
        ("/proxy/set/shop", &[Method::POST]),
        ("/kafka/find/shop", &[Method::GET]),
        ("/verify-creds", &[Method::POST]),
        ("/", &[Method::GET]),
        ("/instance", &[]),
        ("/instance/", &[]),
        ("/instance/logout", &[]),
        ("/instance/logout/shop/now", &[]),
        ("/instance/refreshToken", &[]),
        ("/instance/deleteDatabase", &[]),
        ("/webhook/shop", &[]),
        ("/settings/find", &[]),
        ("/pusher", &[]),
        ("/verify-creds/x", &[]),
        ("//instance/create", &[]),
        ("/instance/%FF/%FF", &[]),
    ] {
        story.table(path);
        for method in methods.iter().filter(|method| !has.contains(method)) {
            let answer = story.row(request(method, path)).await;
            assert_eq!(answer.status, 404, "{method} {path}");
        }
    }
    is_told("evolution_bad_routes", &story);
}
