//! A log that lost commits goes on in another life.

use std::sync::Arc;

use berth_log::memory::MemoryLog;
use berth_proto::Timestamp;

use crate::world::{SHARDS, World, key};

#[tokio::test]
async fn a_log_whose_loss_was_accepted_is_signed_as_another_one_that_names_the_former() {
    let mut world = World::in_memory();
    world.append(40, "some of this is lost").await;
    let replica = world.start("one", key(1)).await;
    let (_, before) = world.attested(0).await;
    replica.stop().await;
    world.log = Arc::new(MemoryLog::new(SHARDS));
    world.appended.iter_mut().for_each(Vec::clear);
    world.append(10, "some of this is lost").await;
    let life = world.board().begin_life("a disk was lost", &[], Timestamp(1)).await.unwrap();
    assert_eq!(life, 2);

    let replica = world.start("one", key(1)).await;
    for name in ["a first head", "a second one"] {
        world.append(10, name).await;
        let (_, head) = world.attested(0).await;
        assert_eq!(head.origin, format!("{}/2", before.origin));
        let [follows] = head.follows.as_slice() else { panic!("{head:?}") };
        assert_eq!((&follows.origin, follows.size, follows.root), (&before.origin, before.size, before.root));
    }
    replica.stop().await;
}
