//! What the Evolution Go dialect sends over the life of an instance, request and body as they come.

use berth_proto::WriteVersion;
use serde_json::json;

use crate::{
    is_told,
    receiver::Receiver,
    story::Request,
    world::{ACCOUNT, World},
};

const TOKEN: &str = "token-of-shop";

fn own(method: &str, path: &str) -> Request {
    Request::new(method.parse().unwrap(), path).header("apikey", TOKEN)
}

#[tokio::test]
async fn deliveries_over_a_life() {
    let world = World::start_with_deliveries().await;
    let receiver = Receiver::start().await;
    let mut story = world.story();
    story.calls(&receiver.url(""), "receiver");
    let create = Request::post("/instance/create").header("apikey", ACCOUNT);
    let made = story.ask("create", create.json(&json!({"name": "shop", "token": TOKEN}))).await;
    let id = made.body["data"]["id"].as_str().unwrap().to_owned();
    story.calls(&id, "id of shop");
    let hook = json!({"webhookUrl": receiver.url("/hook"), "subscribe": ["CONNECTION", "QRCODE"]});
    story.ask("connect", own("POST", "/instance/connect").json(&hook)).await;
    story.deliveries("nothing but codes is sent before the first link", &receiver, 0, 1).await;
    world.scan("shop").await;
    story.deliveries("linked and open", &receiver, 1, 2).await;
    story.ask("disconnect", own("POST", "/instance/disconnect")).await;
    story.deliveries("stopped", &receiver, 3, 1).await;
    story.ask("connect takes the link up again", own("POST", "/instance/connect")).await;
    story.deliveries("open again", &receiver, 4, 1).await;

    story.ask("logout", own("DELETE", "/instance/logout")).await;
    story.deliveries("the disconnection and nothing else", &receiver, 5, 1).await;
    story.ask("a QR code again", own("GET", "/instance/qr")).await;
    story.deliveries("after a logout nothing but codes is sent until the next link", &receiver, 6, 1).await;
    world.scan("shop").await;
    story.deliveries("linked again", &receiver, 7, 2).await;
    world.simulate("shop", "ban").await;
    story.deliveries("the number is banned", &receiver, 9, 1).await;
    story.ask("which the connect says", own("POST", "/instance/connect")).await;

    let native = world.id("shop").await;
    let delete = Request::delete(&format!("/instance/delete/{id}")).header("apikey", ACCOUNT);
    story.ask("delete", delete).await;
    // Of a deletion nothing is told.
    world.until(&native, "it is erased", |now| now["erasure"] == "done").await;
    assert_eq!(receiver.received(10).await.len(), 10);
    is_told("evolution_go_deliveries", &story);
}

#[tokio::test]
async fn an_endpoint_is_refused_while_some_process_may_not_know_its_words() {
    let world = World::start_writing(WriteVersion::OLDEST).await;
    let mut story = world.story();
    let create = Request::post("/evolution-go/instance/create").header("apikey", ACCOUNT);
    let made = story.ask("create", create.json(&json!({"name": "shop", "token": TOKEN}))).await;
    assert_eq!(made.status, 200);
    let hook = json!({"webhookUrl": "https://hooks.example/hook", "subscribe": ["ALL"]});
    let refused = story.ask("connect", own("POST", "/evolution-go/instance/connect").json(&hook)).await;
    assert_eq!(refused.status, 500);
    assert!(refused.body["error"].as_str().unwrap().contains("berth upgrade"), "{}", refused.body);
}

#[tokio::test]
async fn an_endpoint_is_told_what_it_subscribed_to() {
    let world = World::start_with_deliveries().await;
    let receiver = Receiver::start().await;
    let body = json!({
        "name": "shop", "token": TOKEN, "webhook": receiver.url("/messages"),
    });
    let create = Request::post("/instance/create").header("apikey", ACCOUNT).json(&body);
    let made = world.json(&create).await;
    assert_eq!((&made["data"]["webhook"], &made["data"]["events"]), (&body["webhook"], &json!("MESSAGE")));
    world.json(&own("GET", "/instance/qr")).await;
    world.scan("shop").await;
    // From here on it is told of the connection.
    let told =
        world.json(&own("POST", "/instance/connect").json(&json!({"subscribe": ["CONNECTION"]}))).await;
    assert_eq!(told["data"]["eventString"], "CONNECTION");
    world.json(&own("DELETE", "/instance/logout")).await;
    let [logout] = receiver.received(1).await.try_into().unwrap();
    assert_eq!((&logout.body["event"], &logout.body["instanceToken"]), (&json!("LoggedOut"), &json!(TOKEN)));
}
