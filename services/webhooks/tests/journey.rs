//! A whole journey and what an endpoint hears of it, in order.

mod common;

use berth_proto::{delivery::SettlementV1, instance::WebhookV1};
use berth_webhooks::signing::{Secret, message_id};
use common::{PHONE, Receiver, SECRET, World, quick};

#[tokio::test]
async fn an_endpoint_hears_of_the_session_then_nothing_then_of_codes_only() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let replica = world.replica("a", quick()).await;
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.connect().await;
    world.qr(1, 20).await;
    receiver.received(1).await;
    world.linked().await;
    world.open().await;
    world.lost().await;
    world.open().await;
    receiver.received(5).await;
    world.logout().await;
    receiver.received(6).await;
    world.connect().await;
    world.qr(1, 20).await;
    receiver.received(7).await;
    world.linked().await;
    receiver.received(8).await;
    assert_eq!(
        receiver.words(),
        [
            "instance.qr",
            "instance.linked",
            "instance.open",
            "instance.lost",
            "instance.open",
            "instance.logged_out",
            "instance.qr",
            "instance.linked",
        ]
    );
    let outcomes = world.settled(8).await;
    assert!(outcomes.iter().all(|outcome| *outcome == SettlementV1::Delivered), "{outcomes:?}");
    assert!(replica.lifecycle.shut_down().await);
    assert!(!replica.lifecycle.abort().is_cancelled() || receiver.hits().len() == 8);
}

#[tokio::test]
async fn a_notice_is_signed_and_carries_what_the_endpoint_configured() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", quick()).await;
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.link().await;
    let hits = receiver.received(2).await;
    let open = &hits[1];
    assert_eq!(open.body["data"]["device"]["jid"], format!("{PHONE}@s.whatsapp.net"));
    assert_eq!(open.body["data"]["name"], "shop");
    assert_eq!((open.path.as_str(), open.header("content-type")), ("/1", "application/json"));
    assert_eq!((open.header("authorization"), open.header("x-shop")), ("Bearer mine", "1"));
    assert_eq!(open.header("host"), receiver.address.to_string());
    let timestamp = open.header("webhook-timestamp").parse().unwrap();
    let signature = Secret::parse(SECRET).unwrap().sign(open.id(), timestamp, &open.bytes);
    assert_eq!(open.header("webhook-signature"), signature);
    let settled = world.settled(2).await.len();
    assert_eq!(settled, 2);
    assert_eq!(message_id(&world.settlements().await[1].notice), open.id());
}

#[tokio::test]
async fn every_dialect_hears_of_a_logout_in_its_own_words() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let formats = ["native", "evolution", "ryze", "codechat", "mega", "green", "evolution-go"];
    let hooks: Vec<WebhookV1> =
        (1..).zip(formats).map(|(number, format)| world.endpoint(number, format, receiver.address)).collect();
    world.create(hooks).await;
    world.link().await;
    // Nobody listened so far: what was said before the logout is cancelled, the end of the session is told.
    world.logout().await;
    let _replica = world.replica("a", quick()).await;
    receiver.received(9).await;
    world.settled(9).await;
    let of = |path: &str| -> Vec<String> {
        receiver.hits().iter().filter(|hit| hit.path == path).map(|hit| hit.word().to_owned()).collect()
    };
    assert_eq!(of("/1"), ["instance.logged_out"]);
    assert_eq!(of("/2"), ["status.instance", "logout.instance", "connection.update"]);
    assert_eq!(of("/3"), ["instance.state"]);
    assert_eq!(of("/4"), ["connection.update"]);
    assert_eq!(of("/5"), ["connection_update"]);
    assert_eq!(of("/6"), ["stateInstanceChanged"]);
    assert_eq!(of("/7"), ["LoggedOut"]);
}
