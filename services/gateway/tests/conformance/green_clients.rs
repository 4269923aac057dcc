//! What SDKs of the GREEN-API dialect ask for although messages are not handled here.

use serde_json::{Value, json};

use crate::{
    story::Request,
    world::{ACCOUNT, World},
};

#[tokio::test]
async fn the_queue_of_messages_is_empty() {
    let world = World::start().await;
    let shop = world.instance("shop").await;
    for (method, answer) in
        [("showMessagesQueue", json!([])), ("clearMessagesQueue", json!({"isCleared": true}))]
    {
        for token in [shop.token.as_str(), ACCOUNT] {
            world.advance_seconds(1);
            let path = format!("/waInstance{}/{method}/{token}", shop.number);
            assert_eq!(world.json(&Request::get(&path)).await, answer, "{method}");
            // As of every method of this dialect, one request a second.
            assert_eq!(world.send(&Request::get(&path)).await.status(), 429, "{method}");
        }
        let wrong = format!("/waInstance{}/{method}/wrong", shop.number);
        assert_eq!(world.send(&Request::get(&wrong)).await.status(), 401, "{method}");
    }
}

#[tokio::test]
async fn a_cleared_queue_of_messages_leaves_the_notices() {
    let world = World::start().await;
    let create = Request::post(&format!("/partner/createInstance/{ACCOUNT}"));
    let made = world.json(&create.json(&json!({"stateWebhook": "yes"}))).await;
    let (number, token) = (made["idInstance"].to_string(), made["apiTokenInstance"].as_str().unwrap());
    let ask = async |method: &str| -> Value {
        world.json(&Request::get(&format!("/waInstance{number}/{method}/{token}"))).await
    };
    assert_eq!(ask("qr").await["type"], "qrCode");
    world.scan(&number).await;
    let first = ask("receiveNotification").await;
    assert!(first["receiptId"].as_u64().is_some_and(|id| id > 0 && id < 1 << 31), "{first}");
    ask("clearMessagesQueue").await;
    assert_eq!(ask("receiveNotification").await, first);
}
