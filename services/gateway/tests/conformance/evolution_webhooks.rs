//! What the Evolution dialect sends over the life of an instance, request and body as they come.

use serde_json::json;

use crate::{
    is_told,
    receiver::Receiver,
    story::Request,
    world::{ACCOUNT, World},
};

#[tokio::test]
async fn deliveries_over_a_life() {
    let world = World::start_with_deliveries().await;
    let receiver = Receiver::start().await;
    let mut story = world.story();
    story.calls(&receiver.url(""), "receiver");
    let with_key = |request: Request| request.header("apikey", ACCOUNT);
    let hook = json!({
        "url": receiver.url("/hook"), "byEvents": true, "base64": true,
        "headers": {"x-tenant": "7", "jwt_key": "secret of the customer"},
    });
    let body = json!({"instanceName": "shop", "token": "token-of-shop", "webhook": hook});
    let created = story.ask("create", with_key(Request::post("/instance/create")).json(&body)).await;
    let uuid = created.body["instance"]["instanceId"].as_str().unwrap().to_owned();
    story.calls(&uuid, "UUID of shop");
    story.ask("connect", with_key(Request::get("/instance/connect/shop"))).await;
    story.deliveries("nothing but codes is sent before the first link", &receiver, 0, 1).await;
    let id = berth_proto::InstanceId::from_uuid(uuid.parse().unwrap()).to_string();
    world.scan(&id).await;
    story.deliveries("linked and open", &receiver, 1, 1).await;

    story.ask("logout", with_key(Request::delete("/instance/logout/shop"))).await;
    story.deliveries("the group of the logout, in this order", &receiver, 2, 3).await;

    story.ask("connect again", with_key(Request::get("/instance/connect/shop"))).await;
    story.deliveries("after a logout nothing but codes is sent until the next link", &receiver, 5, 1).await;
    world.scan(&id).await;
    story.deliveries("linked again", &receiver, 6, 1).await;

    story.ask("delete a linked instance", with_key(Request::delete("/instance/delete/shop"))).await;
    story.deliveries("the group of the delete, in this order", &receiver, 7, 5).await;
    is_told("evolution_deliveries", &story);
}

#[tokio::test]
async fn deliveries_as_they_were_asked_for() {
    let world = World::start_with_deliveries().await;
    let receiver = Receiver::start().await;
    let shop = world.instance("shop").await;
    let mut story = world.story();
    story.calls(&receiver.url(""), "receiver");
    story.calls(&shop.id.parse::<berth_proto::InstanceId>().unwrap().to_uuid(), "UUID of shop");
    let with_key = |request: Request| request.header("apikey", ACCOUNT);
    let hook = json!({"webhook": {
        "enabled": true, "url": receiver.url("/plain?tenant=7"), "byEvents": false,
        "headers": {"authorization": "Bearer of the customer", "x-number": 7, "host": "kept, not sent"},
        "events": ["CONNECTION_UPDATE", "LOGOUT_INSTANCE"],
    }});
    story.ask("set", with_key(Request::post("/webhook/set/shop")).json(&hook)).await;
    story.ask("connect", with_key(Request::get("/instance/connect/shop"))).await;
    world.scan(&shop.id).await;
    story.deliveries("no codes: the filter leaves them out", &receiver, 0, 1).await;
    story.ask("logout", with_key(Request::delete("/instance/logout/shop"))).await;
    story.deliveries("what is left of the group", &receiver, 1, 2).await;
    is_told("evolution_deliveries_filtered", &story);
}

#[tokio::test]
async fn deliveries_of_what_stops_a_link() {
    let world = World::start_with_deliveries().await;
    let receiver = Receiver::start().await;
    let shop = world.linked("shop").await;
    let mut story = world.story();
    story.calls(&receiver.url(""), "receiver");
    story.calls(&shop.id.parse::<berth_proto::InstanceId>().unwrap().to_uuid(), "UUID of shop");
    let with_key = |request: Request| request.header("apikey", ACCOUNT);
    let hook = json!({"webhook": {"enabled": true, "url": receiver.url("/hook?tenant=7"), "byEvents": true}});
    story.ask("set", with_key(Request::post("/webhook/set/shop")).json(&hook)).await;
    world.simulate("shop", "replace").await;
    story.deliveries("another client took its place", &receiver, 0, 1).await;
    story.ask("shown", with_key(Request::get("/instance/fetchInstances?instanceName=shop"))).await;
    story.ask("no code is needed to go on", with_key(Request::get("/instance/connect/shop"))).await;
    story.deliveries("it goes on", &receiver, 1, 2).await;
    world.simulate("shop", "ban").await;
    story.deliveries("the number is banned", &receiver, 3, 2).await;
    story.ask("a banned one cannot connect", with_key(Request::get("/instance/connect/shop"))).await;
    story.ask("nor restart", with_key(Request::post("/instance/restart/shop"))).await;
    story.ask("shown", with_key(Request::get("/instance/fetchInstances?instanceName=shop"))).await;
    is_told("evolution_deliveries_stopped", &story);
}

#[tokio::test]
async fn deliveries_of_a_pairing_code() {
    let world = World::start_with_deliveries().await;
    let receiver = Receiver::start().await;
    let shop = world.instance("shop").await;
    let mut story = world.story();
    story.calls(&receiver.url(""), "receiver");
    story.calls(&shop.id.parse::<berth_proto::InstanceId>().unwrap().to_uuid(), "UUID of shop");
    let with_key = |request: Request| request.header("apikey", ACCOUNT);
    let hook = json!({"enabled": true, "url": receiver.url("/flat"), "webhook_by_events": true});
    story.ask("set, flat", with_key(Request::post("/webhook/set/shop")).json(&hook)).await;
    let pairing = Request::get("/instance/connect/shop?number=5511987654321");
    story.ask("connect by a pairing code", with_key(pairing)).await;
    story.deliveries("the codes", &receiver, 0, 2).await;
    is_told("evolution_deliveries_of_a_pairing_code", &story);
}
