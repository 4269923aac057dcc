//! Public events are kept once and in order, from one replica at a time, and say nothing sealed.

use berth_bus::{EventFeed, local::KeptEvent};
use berth_proto::{InstanceId, Partition, subject::public_event_subject};
use serde_json::Value;

use crate::world::{SECRET, World, account, instance, until};

/// The ids of the events of an instance that are kept.
fn ids(events: &[KeptEvent], of: InstanceId) -> Vec<String> {
    let subject = public_event_subject(account(1), of);
    let of_it = events.iter().filter(|event| event.subject == subject);
    of_it
        .map(|kept| {
            let event: Value = serde_json::from_slice(&kept.payload).unwrap();
            assert_eq!(event["specversion"], "1.0");
            assert_eq!(event["subject"], of.to_string());
            assert_eq!(event["id"], kept.id);
            kept.id.clone()
        })
        .collect()
}

/// Waits until the events of so many versions of an instance are kept, each once and in order.
async fn keeps(world: &World, number: u16, versions: u64) {
    let wanted: Vec<_> = (1..=versions).map(|version| format!("{}-{version}-0", instance(number))).collect();
    until(&format!("{wanted:?}"), || async {
        (ids(&world.feed.events(), instance(number)) == wanted).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_kept_by_one_replica_and_by_the_next_when_it_goes() {
    let world = World::new().await;
    // What was there before the first replica is published too.
    world.create(instance(0), account(1), "Loja").await;
    let one = world.start("one").await;
    let two = world.start("two").await;
    world.link(instance(0), "5511987654321", "Ana").await;
    keeps(&world, 0, 3).await;

    one.stop().await;
    world.log_out(instance(0)).await;
    keeps(&world, 0, 4).await;
    two.stop().await;

    // What happens while nobody publishes is published by the next one that starts, whoever that is.
    world.connect(instance(0)).await;
    let three = world.start("three").await;
    keeps(&world, 0, 5).await;
    three.stop().await;
    for event in world.feed.events() {
        let text = String::from_utf8(event.payload.to_vec()).unwrap();
        for hidden in [SECRET, "Loja", "Ana", "5511987654321"] {
            assert!(!text.contains(hidden), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_of_which_nothing_is_known_is_read_from_its_beginning_and_nothing_is_kept_twice() {
    let world = World::new().await;
    let one = world.start("one").await;
    for number in 0..20 {
        world.create(instance(number), account(1), "Loja").await;
        world.connect(instance(number)).await;
    }
    for number in 0..20 {
        keeps(&world, number, 2).await;
    }
    one.stop().await;
    // What was noted is lost, or is no note.
    for partition in Partition::all() {
        world.feed.note(partition, "{\"type\":\"io.nats\"}".into()).await.unwrap();
    }
    let before = world.feed.events().len();
    world.connect(instance(7)).await;
    let two = world.start("two").await;
    keeps(&world, 7, 3).await;
    two.stop().await;
    assert_eq!(world.feed.events().len(), before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_older_than_what_is_kept_is_not_published() {
    let world = World::new().await;
    world.create(instance(0), account(1), "Loja").await;
    world.clock.advance_seconds(berth_bus::feed::FEED_AGE_MAX.as_secs().cast_signed() + 1);
    world.create(instance(1), account(1), "Loja").await;
    let one = world.start("one").await;
    keeps(&world, 1, 1).await;
    one.stop().await;
    assert_eq!(ids(&world.feed.events(), instance(0)), Vec::<String>::new());
}
