//! What the RyzeAPI dialect sends over the life of an instance, request and body as they come.

use serde_json::json;

use crate::{
    is_told,
    receiver::Receiver,
    story::Request,
    world::{ACCOUNT, World},
};

fn by_account(request: Request) -> Request {
    request.header("token", ACCOUNT)
}

#[tokio::test]
async fn deliveries_over_a_life() {
    let world = World::start_with_deliveries().await;
    let receiver = Receiver::start().await;
    let mut story = world.story();
    story.calls(&receiver.url(""), "receiver");
    let body = json!({
        "name": "shop", "token": "token-of-shop", "webhookEnabled": true,
        "webhookURL": receiver.url("/hook?tenant=7"), "webhookAuthorization": "Bearer of the customer",
        "webhookByEvents": true, "webhookEvents": ["instance.state"],
    });
    story.ask("create", by_account(Request::post("/api/instance/new")).json(&body)).await;
    let id = world.id("shop").await;
    story.ask("connect", by_account(Request::get("/api/instance/connect/shop"))).await;
    story.deliveries("nothing but codes is sent before the first link", &receiver, 0, 1).await;
    world.scan("shop").await;
    story.deliveries("linked and open", &receiver, 1, 2).await;

    story.ask("logout", by_account(Request::delete("/api/instance/logout/shop"))).await;
    story.deliveries("the logout and nothing else", &receiver, 3, 1).await;

    story.ask("connect again", by_account(Request::get("/api/instance/connect/shop"))).await;
    story.deliveries("after a logout nothing but codes is sent until the next link", &receiver, 4, 1).await;
    world.scan("shop").await;
    story.deliveries("linked again", &receiver, 5, 2).await;

    story.ask("delete a linked instance", by_account(Request::delete("/api/instance/delete/shop"))).await;
    // The dialect has no word for a deletion.
    world.until(&id, "it is erased", |now| now["erasure"] == "done").await;
    assert_eq!(receiver.received(7).await.len(), 7);
    is_told("ryze_deliveries", &story);
}

#[tokio::test]
async fn deliveries_as_they_were_asked_for() {
    let world = World::start_with_deliveries().await;
    let receiver = Receiver::start().await;
    world.instance("shop").await;
    let mut story = world.story();
    story.calls(&receiver.url(""), "receiver");
    let set = |body| by_account(Request::post("/api/events/webhook/shop")).json(&body);
    let messages = json!({"label": "messages", "enabled": true, "url": receiver.url("/messages"), "events": ["message.exchange"]});
    story.ask("one that wants messages only", set(messages)).await;
    story.ask("one that wants everything", set(json!({"enabled": true, "url": receiver.url("/all")}))).await;
    let pair = "/api/instance/connect/shop?number=5511987654321";
    story.ask("connect by a pairing code, which is told nobody", by_account(Request::get(pair))).await;
    // Beside the pairing code, for a phone that would rather scan.
    story.deliveries("the first code", &receiver, 0, 1).await;
    world.scan("shop").await;
    story.deliveries("to the one that wants everything", &receiver, 1, 2).await;
    story.ask("switch it off", by_account(Request::delete("/api/events/webhook/shop"))).await;
    story
        .ask("logout, of which nobody is told", by_account(Request::delete("/api/instance/logout/shop")))
        .await;
    is_told("ryze_deliveries_filtered", &story);
}
