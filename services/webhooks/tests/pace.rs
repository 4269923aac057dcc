//! An endpoint that asked for no more at once, or in a second, gets no more, and holds up nobody but itself.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod common;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use berth_log::embedded::EmbeddedLog;
use berth_proto::instance::WebhookV1;
use berth_runtime::{ManualClock, SystemClock, SystemEntropy, sealing::field};
use berth_webhooks::schedule::Schedule;
use common::{ACCOUNT, DEADLINE, Receiver, World, slow};

/// Instances, each of which is linked: two notices.
const INSTANCES: usize = 12;

/// An endpoint of the account that asks for this.
async fn asking(world: &World, receiver: &Receiver, options: &str) -> WebhookV1 {
    let owner = ACCOUNT.as_bytes();
    let key = world.keys.create(owner, &SystemEntropy).await.unwrap().unwrap();
    let options = Some(key.seal(owner, field::WEBHOOK_OPTIONS, options.as_bytes()));
    WebhookV1 { options, ..world.endpoint_of_account(1, "native", receiver.address).await }
}

/// Instances with an endpoint of their own at the other receiver, which all are told of their link.
async fn all_linked(world: &World, beside: &Receiver) {
    for told in 1..=INSTANCES {
        let one = world.beside().await;
        one.create(vec![one.endpoint(2, "mega", beside.address)]).await;
        one.link().await;
        beside.received(told).await;
    }
}

/// What was told of each instance came in order.
fn is_in_order(receiver: &Receiver) {
    let mut last = BTreeMap::new();
    for hit in receiver.hits() {
        let instance = hit.body["data"]["instance"].as_str().unwrap().to_owned();
        let version = hit.body["data"]["version"].as_u64().unwrap();
        let before = last.insert(instance, version);
        assert!(before.is_none_or(|before| before < version), "{:?}", hit.body);
    }
}

fn patient() -> Schedule {
    Schedule { attempt_max: Duration::from_hours(1), ..slow() }
}

/// Nothing more comes than these while others are told.
async fn no_more_at_once(world: World) {
    let (slow_one, beside) = (Receiver::start().await, Receiver::start().await);
    slow_one.hold(true);
    let endpoint = asking(&world, &slow_one, r#"{"concurrency":2}"#).await;
    world.account_has(std::slice::from_ref(&endpoint)).await;
    let first = world.replica("a", patient()).await;
    all_linked(&world, &beside).await;
    slow_one.received(2).await;
    assert_eq!(slow_one.hits().len(), 2);
    // Whoever takes over finds out what it asks for before it is sent anything. What was under way is repeated.
    first.crash().await;
    let _second = world.replica("b", patient()).await;
    slow_one.received(4).await;
    let lively = world.beside().await;
    lively.create(vec![lively.endpoint(2, "mega", beside.address)]).await;
    lively.link().await;
    beside.received(INSTANCES + 1).await;
    assert_eq!(slow_one.hits().len(), 4);
    slow_one.hold(false);
    slow_one.received(2 * INSTANCES + 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_gets_no_more_at_once_than_it_asked_for() {
    no_more_at_once(World::new().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_embedded_log_an_endpoint_gets_no_more_at_once_than_it_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(&folder.path().join("log"), 4, &SystemEntropy).unwrap();
    no_more_at_once(World::with_log(Arc::new(log)).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_gets_no_more_in_a_second_than_it_asked_for_until_it_asks_for_more() {
    let clock = Arc::new(ManualClock::new(berth_runtime::Clock::now(&SystemClock)));
    let world = World::new().await.with_clock(clock.clone());
    let (receiver, beside) = (Receiver::start().await, Receiver::start().await);
    let endpoint = asking(&world, &receiver, r#"{"rate":1}"#).await;
    world.account_has(std::slice::from_ref(&endpoint)).await;
    let _replica = world.replica("a", patient()).await;
    all_linked(&world, &beside).await;
    // By a clock that stands still.
    receiver.received(1).await;
    assert_eq!(receiver.hits().len(), 1);
    for second in 2..=4 {
        clock.advance_seconds(1);
        tokio::time::timeout(DEADLINE, receiver.received(second)).await.unwrap();
        assert_eq!(receiver.hits().len(), second);
    }
    // The next one finds out that it asks for nothing any more.
    let unbounded = WebhookV1 { options: None, updated_at: endpoint.updated_at.plus_seconds(1), ..endpoint };
    world.account_has(&[unbounded]).await;
    clock.advance_seconds(1);
    receiver.received(2 * INSTANCES).await;
    is_in_order(&receiver);
}
