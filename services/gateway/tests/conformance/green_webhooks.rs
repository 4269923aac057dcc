//! What the GREEN-API dialect tells over the life of an instance, pushed and polled.

use serde_json::{Value, json};

use crate::{
    is_told,
    receiver::Receiver,
    story::{Request, Story},
    world::{ACCOUNT, World},
};

/// A path of an instance.
fn path(made: &Value, method: &str) -> String {
    format!("/waInstance{}/{method}/{}", made["idInstance"], made["apiTokenInstance"].as_str().unwrap())
}

/// An instance with these settings; gives it and its number, by which its phone is played.
async fn create(story: &mut Story<'_>, settings: Value) -> (Value, String) {
    let request = Request::post(&format!("/partner/createInstance/{ACCOUNT}")).json(&settings);
    let made = story.ask("create", request).await.body;
    story.calls(&made["idInstance"], "number");
    story.calls(&made["apiTokenInstance"].as_str().unwrap(), "token");
    let number = made["idInstance"].to_string();
    (made, number)
}

#[tokio::test]
async fn pushed_over_a_life() {
    let world = World::start_with_deliveries().await;
    let receiver = Receiver::start().await;
    let mut story = world.story();
    story.calls(&receiver.url(""), "receiver");
    let settings = json!({"webhookUrl": receiver.url("/hook?tenant=7"), "webhookUrlToken": "of-the-customer", "stateWebhook": "yes"});
    let (made, number) = create(&mut story, settings).await;
    let id = world.id(&number).await;
    story.ask("a code, of which nothing is told", Request::get(&path(&made, "qr"))).await;
    world.scan(&number).await;
    story.deliveries("linked and open", &receiver, 0, 3).await;

    world.advance_seconds(1);
    story.ask("logout", Request::get(&path(&made, "logout"))).await;
    story.deliveries("the disconnection and nothing else", &receiver, 3, 1).await;

    world.advance_seconds(1);
    let settings = json!({"webhookUrlToken": "Basic b2YgdGhlOmN1c3RvbWVy"});
    story.ask("another token", Request::post(&path(&made, "setSettings")).json(&settings)).await;
    story.ask("connect again", Request::get(&path(&made, "qr"))).await;
    world.scan(&number).await;
    story.deliveries("linked again; a token with a scheme is sent as it is", &receiver, 4, 3).await;

    world.advance_seconds(1);
    let gone = Request::post(&format!("/partner/deleteInstanceAccount/{ACCOUNT}"));
    story.ask("delete", gone.json(&json!({"idInstance": made["idInstance"]}))).await;
    // The dialect has no word for a deletion.
    world.until(&id, "it is erased", |now| now["erasure"] == "done").await;
    assert_eq!(receiver.received(7).await.len(), 7);
    is_told("green_pushed", &story);
}

#[tokio::test]
async fn polled_over_a_life() {
    let world = World::start().await;
    let mut story = world.story();
    let (made, number) = create(&mut story, json!({"stateWebhook": "yes"})).await;
    story.ask("a code, of which nothing is told", Request::get(&path(&made, "qr"))).await;
    world.scan(&number).await;
    let mut receipts = 0;
    for why in ["the oldest first", "then the next", "and the next"] {
        fetch(&world, &mut story, &made, why, &mut receipts).await;
    }
    // Two that are never deleted, of which the logout takes one away and leaves the one that was handed out.
    story.ask("reboot", Request::get(&path(&made, "reboot"))).await;
    world.until(&number, "the connection is open again", |now| now["connection"] == "open").await;
    let held = receive(&mut story, &made, "one that is handed out", &mut receipts).await;
    world.advance_seconds(1);
    story.ask("logout", Request::get(&path(&made, "logout"))).await;
    fetch(&world, &mut story, &made, "what is older is gone, the disconnection is left", &mut receipts).await;
    let held = format!("{}/{held}", path(&made, "deleteNotification"));
    story.ask("what was handed out can still be deleted", Request::delete(&held)).await;

    world.advance_seconds(1);
    story.ask("connect again", Request::get(&path(&made, "qr"))).await;
    world.scan(&number).await;
    receive(&mut story, &made, "told again", &mut receipts).await;
    world.advance_seconds(24 * 3_600);
    story.ask("a day later it is gone", Request::get(&path(&made, "receiveNotification"))).await;
    is_told("green_polled", &story);
}

/// The oldest notice; gives its receipt.
async fn receive(story: &mut Story<'_>, made: &Value, why: &str, receipts: &mut u32) -> Value {
    let received = story.ask(why, Request::get(&path(made, "receiveNotification"))).await;
    let receipt = received.body["receiptId"].clone();
    *receipts += 1;
    story.calls(&receipt, &format!("receipt {receipts}"));
    receipt
}

/// The oldest notice, twice, since it stays until it is deleted; then deletes it, twice.
async fn fetch(world: &World, story: &mut Story<'_>, made: &Value, why: &str, receipts: &mut u32) {
    let receipt = receive(story, made, why, receipts).await;
    let again = world.json(&Request::get(&path(made, "receiveNotification"))).await;
    assert_eq!(again["receiptId"], receipt, "it stays the oldest until it is deleted");
    let delete = format!("{}/{receipt}", path(made, "deleteNotification"));
    story.ask("it is done", Request::delete(&delete)).await;
    let twice = world.json(&Request::delete(&delete)).await;
    assert_eq!(twice, json!({"result": false}), "only once");
}
