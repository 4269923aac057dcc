//! Public events reach a subscriber at least once, from one replica at a time, and say nothing sealed.

use std::{collections::BTreeSet, time::Duration};

use berth_bus::Subscription;
use berth_proto::subject::public_event_subject;
use futures::StreamExt;
use serde_json::Value;

use crate::world::{WAIT_MAX, World, account, instance};

/// Hears until every wanted id came.
async fn hear(events: &mut Subscription, wanted: &[String]) {
    let mut missing: BTreeSet<&str> = wanted.iter().map(String::as_str).collect();
    while !missing.is_empty() {
        let (subject, payload) = tokio::time::timeout(WAIT_MAX, events.next())
            .await
            .unwrap_or_else(|_| panic!("no {missing:?}"))
            .unwrap();
        let event: Value = serde_json::from_slice(&payload).unwrap();
        let id = event["subject"].as_str().unwrap().parse().unwrap();
        assert_eq!(subject, public_event_subject(account(1), id));
        assert_eq!(event["specversion"], "1.0");
        missing.remove(event["id"].as_str().unwrap());
    }
}

fn ids(number: u16, versions: std::ops::RangeInclusive<u64>) -> Vec<String> {
    versions.map(|version| format!("{}-{version}-0", instance(number))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_published_by_one_replica_and_by_the_next_when_it_goes() {
    let world = World::new().await;
    let mut events = world.bus.subscribe("berth.v1.events.>").await.unwrap();
    let one = world.start("one").await;
    let two = world.start("two").await;
    // The lease is held and the log followed once an event comes through.
    world.create(instance(0), account(1), "Loja").await;
    hear_or_create(&world, &mut events).await;
    world.link(instance(0), "5511987654321", "Ana").await;
    hear(&mut events, &ids(0, 2..=3)).await;

    one.stop().await;
    world.log_out(instance(0)).await;
    hear(&mut events, &ids(0, 4..=4)).await;
    two.stop().await;

    // What happens while nobody publishes is published by the next one that starts.
    world.connect(instance(0)).await;
    let two = world.start("two").await;
    hear(&mut events, &ids(0, 5..=5)).await;
    two.stop().await;
}

/// A feed without a position begins at the end of the log, wherever that is when it begins: creates
/// instances until the first of them is heard of.
async fn hear_or_create(world: &World, events: &mut Subscription) {
    for number in 1..200 {
        world.create(instance(number), account(1), "Loja").await;
        if let Ok(Some(_)) = tokio::time::timeout(Duration::from_millis(100), events.next()).await {
            return;
        }
    }
    panic!("no event was published");
}
