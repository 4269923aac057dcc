//! Several replicas: one signs, any answers, and nobody signs what contradicts what was signed.

use std::{collections::BTreeSet, sync::Arc};

use berth_log::memory::MemoryLog;
use berth_proto::Partition;

use crate::world::{SHARDS, World, key};

#[tokio::test]
async fn one_replica_signs_and_another_goes_on_when_it_is_gone() {
    let mut world = World::in_memory();
    world.append(20, "first").await;
    let one = world.start("one", key(1)).await;
    world.until(&one, "signing").await;
    let two = world.start_owning("two", key(1), BTreeSet::new()).await;
    world.until(&two, "another replica signs").await;
    world.attested(0).await;
    // For a moment both believe to own everything, and neither takes back what the other signed.
    two.owner.send_replace(Partition::all().collect());
    world.append(20, "second").await;
    for shard in 0..SHARDS {
        world.attested(shard).await;
    }
    one.stop().await;
    world.append(20, "third").await;
    world.until(&two, "signing").await;
    for shard in 0..SHARDS {
        world.attested(shard).await;
    }
    two.stop().await;
}

#[tokio::test]
async fn what_was_appended_last_is_signed_when_the_process_stops() {
    let mut world = World::in_memory();
    let replica = world.start("one", key(1)).await;
    world.until(&replica, "signing").await;
    world.append(30, "the last ones").await;
    world.attested(0).await;
    replica.stop().await;
    let published = world.published(0).await;
    let replica = world.start("one", key(1)).await;
    world.until(&replica, "signing").await;
    world.append(1, "of another shard, or not").await;
    world.attested(0).await;
    assert!(world.published(0).await <= published + 1, "nothing is signed twice");
    replica.stop().await;
}

#[tokio::test]
async fn a_log_that_was_written_anew_is_not_signed() {
    let mut world = World::in_memory();
    world.append(40, "the truth").await;
    let replica = world.start("one", key(1)).await;
    world.attested(0).await;
    replica.stop().await;
    let published = world.published(0).await;

    // The same streams, as long as before and longer, and one commit says something else.
    world.log = Arc::new(MemoryLog::new(SHARDS));
    world.appended.iter_mut().for_each(Vec::clear);
    world.append(60, "something else").await;
    // A replica that reads the log anew notices, since what was published is apart from the log. One that was there
    // before goes on from what it read then.
    let replica = world.start("two", key(1)).await;
    world.until(&replica, "another root").await;
    assert_eq!(world.published(0).await, published);
    let trouble = world.latest().await.trouble.unwrap();
    assert!(trouble.contains("changed what was signed"), "{trouble}");
    replica.stop().await;
}
