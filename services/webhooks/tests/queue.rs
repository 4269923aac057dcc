//! The queue of an endpoint without a URL: what waits is fetched in order, until it is deleted.

#![expect(clippy::unwrap_used, reason = "a story")]

mod common;

use std::{sync::Arc, time::Duration};

use berth_proto::{
    command::ConfigureWebhookV1, delivery::SettlementV1, instance::WebhookV1, pull::PullRequestV1,
};
use berth_runtime::{Clock, ManualClock, SystemClock, sealing::field};
use common::{Receiver, World, quick, slow};
use serde_json::{Value, json};

/// Longer than anything that is awaited takes: what comes, comes earlier.
const WAIT: Duration = Duration::from_secs(10);
/// For what is there already, or is not.
const NOW: Duration = Duration::ZERO;

async fn world() -> World {
    let world = World::new().await;
    world.create(vec![world.pulled(1)]).await;
    world
}

/// What the body says: the kind of the notice and the word in it.
fn said(body: &Value) -> (String, String) {
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    (text("typeWebhook"), text("stateInstance") + &text("statusInstance"))
}

/// Fetches and deletes until nothing waits.
async fn drain(world: &World, count: usize) -> Vec<String> {
    let mut words = Vec::new();
    for _ in 0..count {
        let (receipt, body) = world.receive(WAIT).await.unwrap();
        words.push(said(&body).1);
        assert!(world.delete_notice(receipt).await);
    }
    assert_eq!(world.receive(NOW).await, None);
    words
}

#[tokio::test]
async fn the_oldest_stays_until_it_is_deleted_and_then_comes_the_next() {
    let world = world().await;
    let _replica = world.replica("a", quick()).await;
    assert_eq!(world.receive(NOW).await, None);
    world.link().await;
    let (receipt, body) = world.receive(WAIT).await.unwrap();
    assert_eq!(
        (&body["typeWebhook"], &body["stateInstance"]),
        (&json!("stateInstanceChanged"), &json!("starting"))
    );
    assert_eq!(body["instanceData"]["idInstance"], 1_101_000_001);
    assert_eq!(world.receive(NOW).await, Some((receipt, body)), "the same again");
    assert!(world.delete_notice(receipt).await);
    assert!(!world.delete_notice(receipt).await, "it is gone");
    assert!(!world.delete_notice(receipt + 77).await, "there never was one");
    assert_eq!(drain(&world, 2).await, ["authorized", "online"]);
    assert_eq!(world.settled(3).await, [SettlementV1::Delivered; 3]);
}

#[tokio::test]
async fn whoever_waits_hears_of_a_notice_when_it_comes() {
    let world = world().await;
    let _replica = world.replica("a", quick()).await;
    let (received, ()) = tokio::join!(world.receive(WAIT), async {
        assert_eq!(world.receive(NOW).await, None);
        world.connect().await;
        world.linked().await;
    });
    assert_eq!(said(&received.unwrap().1).1, "starting");
}

#[tokio::test]
async fn a_receipt_outlives_the_replica_that_gave_it() {
    let world = world().await;
    let first = world.replica("a", quick()).await;
    world.link().await;
    let (deleted, _) = world.receive(WAIT).await.unwrap();
    assert!(world.delete_notice(deleted).await);
    let (receipt, body) = world.receive(WAIT).await.unwrap();
    first.crash().await;
    // Another machine, with nothing but the log.
    let _second = world.replica("b", quick()).await;
    assert_eq!(world.receive(WAIT).await, Some((receipt, body)));
    assert!(!world.delete_notice(deleted).await);
    assert!(world.delete_notice(receipt).await);
    assert_eq!(drain(&world, 1).await, ["online"]);
}

#[tokio::test]
async fn a_logout_leaves_nothing_but_the_disconnection() {
    let world = world().await;
    let _replica = world.replica("a", quick()).await;
    world.link().await;
    let (handed_out, _) = world.receive(WAIT).await.unwrap();
    world.logout().await;
    world.settled(3).await;
    let (receipt, body) = world.receive(WAIT).await.unwrap();
    assert_eq!(said(&body), ("stateInstanceChanged".to_owned(), "notAuthorized".to_owned()));
    assert!(world.delete_notice(handed_out).await, "it was handed out before");
    assert!(!world.delete_notice(handed_out).await);
    // A new attempt says nothing here, and takes nothing away.
    world.connect().await;
    world.qr(1, 20).await;
    assert_eq!(world.receive(NOW).await, Some((receipt, body)));
    assert!(world.delete_notice(receipt).await);
    assert_eq!(world.receive(NOW).await, None);
}

#[tokio::test]
async fn a_day_later_it_is_gone() {
    let world = world().await;
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let _replica = world.replica_with_clock("a", clock.clone()).await;
    world.link().await;
    let (receipt, body) = world.receive(WAIT).await.unwrap();
    clock.advance_seconds(23 * 3_600);
    assert_eq!(world.receive(NOW).await, Some((receipt, body)));
    // Its commit came after the clock was made, a while after on a busy machine.
    clock.advance_seconds(3_600 + 120);
    assert_eq!(world.receive(NOW).await, None);
    assert!(!world.delete_notice(receipt).await);
    // A commit makes the dispatcher look: it settles what nobody fetched.
    world.lost().await;
    assert_eq!(world.settled(3).await[..3], [SettlementV1::Expired; 3]);
}

#[tokio::test]
async fn clearing_takes_everything_that_waits() {
    let world = world().await;
    let _replica = world.replica("a", quick()).await;
    world.link().await;
    world.receive(WAIT).await.unwrap();
    world.ask(PullRequestV1::Clear).await;
    assert_eq!(world.receive(NOW).await, None);
    world.lost().await;
    assert_eq!(drain(&world, 1).await, ["offline"]);
}

#[tokio::test]
async fn what_waited_is_sent_once_there_is_a_url() {
    let (world, receiver) = (world().await, Receiver::start().await);
    let _replica = world.replica("a", quick()).await;
    world.link().await;
    world.receive(WAIT).await.unwrap();
    let webhook = world.endpoint(1, "green", receiver.address);
    world.command(ConfigureWebhookV1 { webhook, upsert: false, enabled_max: 0 }).await;
    receiver.received(3).await;
    assert_eq!(receiver.words(), ["stateInstanceChanged", "stateInstanceChanged", "statusInstanceChanged"]);
    world.settled(3).await;
    assert_eq!(world.receive(NOW).await, None, "it is one or the other");
}

#[tokio::test]
async fn an_endpoint_that_is_muted_keeps_nothing() {
    let world = World::new().await;
    let muted = world.seal(field::WEBHOOK_OPTIONS, r#"{"state_webhook":false}"#);
    world.create(vec![WebhookV1 { options: Some(muted), ..world.pulled(1) }]).await;
    let _replica = world.replica("a", quick()).await;
    world.link().await;
    assert_eq!(world.settled(3).await, [SettlementV1::CancelledByEndpoint; 3]);
    assert_eq!(world.receive(NOW).await, None);
}

#[tokio::test]
async fn what_waits_among_many_of_another_endpoint_is_found_and_cleared() {
    let (world, other) = (World::new().await, Receiver::start().await);
    other.answer(503);
    world.create(vec![world.endpoint(1, "native", other.address), world.pulled(2)]).await;
    world.link().await;
    for _ in 0..150 {
        world.lost().await;
        world.open().await;
    }
    let _replica = world.replica("a", slow()).await;
    world.receive(WAIT).await.unwrap();
    world.ask(PullRequestV1::Clear).await;
    assert_eq!(world.receive(NOW).await, None);
    // Hundreds for the other one stand before it.
    world.lost().await;
    assert_eq!(drain(&world, 1).await, ["offline"]);
}
