//! What the Mega dialect sends over the life of an instance, request and body as they come.

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
    let body = json!({"messageData": {"webhookUrl": receiver.url("/hook?secret=1"), "webhookEnabled": true}});
    let init = Request::post("/rest/instance/init?instance_key=shop").bearer(ACCOUNT).json(&body);
    let made = story.ask("create", init).await;
    let token = made.body["instance"]["token"].as_str().unwrap().to_owned();
    story.calls(&token, "token of shop");
    let id = world.id("shop").await;
    let own = |request: Request| request.bearer(&token);
    story.ask("a QR code", own(Request::get("/rest/instance/qrcode_base64/shop"))).await;
    story.deliveries("nothing but codes is sent before the first link", &receiver, 0, 1).await;
    world.scan("shop").await;
    story.deliveries("linked and open", &receiver, 1, 1).await;

    story.ask("logout", own(Request::delete("/rest/instance/shop/logout"))).await;
    story.deliveries("the disconnection and nothing else", &receiver, 2, 1).await;

    story.ask("a QR code again", own(Request::get("/rest/instance/qrcode_base64/shop"))).await;
    story.deliveries("after a logout nothing but codes is sent until the next link", &receiver, 3, 1).await;
    world.scan("shop").await;
    story.deliveries("linked again", &receiver, 4, 1).await;

    let delete = Request::delete("/rest/instance/shop/delete").bearer(ACCOUNT);
    story.ask("delete a linked instance", delete).await;
    // The dialect has no word for a deletion.
    world.until(&id, "it is erased", |now| now["erasure"] == "done").await;
    assert_eq!(receiver.received(5).await.len(), 5);
    is_told("mega_deliveries", &story);
}

#[tokio::test]
async fn nothing_while_it_is_disabled() {
    let world = World::start_with_deliveries().await;
    let receiver = Receiver::start().await;
    world.instance("shop").await;
    let mut story = world.story();
    story.calls(&receiver.url(""), "receiver");
    let by_host = |request: Request| request.bearer(ACCOUNT);
    let set = |enabled: bool| {
        let data = json!({"webhookUrl": receiver.url("/hook"), "webhookEnabled": enabled});
        by_host(Request::post("/rest/webhook/shop/configWebhook")).json(&json!({"messageData": data}))
    };
    story.ask("disabled", set(false)).await;
    let pair = "/rest/instance/pairingCode/shop?phoneNumber=5511987654321";
    story.ask("a pairing code, of which nothing is told", by_host(Request::get(pair))).await;
    world.scan("shop").await;
    story.ask("enabled", set(true)).await;
    story.ask("logout", by_host(Request::delete("/rest/instance/shop/logout"))).await;
    story.deliveries("what happened since", &receiver, 0, 1).await;
    is_told("mega_deliveries_disabled", &story);
}
