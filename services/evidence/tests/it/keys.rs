//! The key that signs, and its successors.

use berth_evidence::Head;
use berth_proto::Timestamp;

use crate::world::{World, key};

/// When keys are announced here.
const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

#[tokio::test]
async fn another_key_signs_only_once_the_one_before_has_announced_it() {
    let mut world = World::in_memory();
    world.append(20, "under the first key").await;
    let replica = world.start("one", key(1)).await;
    let (first, _) = world.attested(0).await;
    replica.stop().await;

    world.append(20, "under another key").await;
    let replica = world.start("one", key(2)).await;
    world.until(&replica, "not the one that was announced last").await;
    assert_eq!(world.latest().await.published[0].number, first.number);
    replica.stop().await;

    world.board().announce(&key(2), Some(&key(3)), NOW).await.unwrap_err();
    let keys = world.board().announce(&key(2), Some(&key(1)), NOW).await.unwrap();
    let replica = world.start("one", key(2)).await;
    let (second, _) = world.attested(0).await;
    Head::open(&second.note, &[key(2).public()]).unwrap();
    Head::open(&first.note, keys.all()).unwrap();
    replica.stop().await;

    let replica = world.start("one", key(1)).await;
    world.until(&replica, "not the one that was announced last").await;
    replica.stop().await;
}

#[tokio::test]
async fn what_somebody_else_wrote_where_checkpoints_are_published_stops_the_signing() {
    let mut world = World::in_memory();
    world.append(20, "some").await;
    let replica = world.start("one", key(1)).await;
    let (last, head) = world.attested(0).await;
    let forged = world.board().publish(0, &head, &key(9), NOW, last.number).await.unwrap();
    assert!(forged.is_some());
    world.append(20, "more").await;
    world.until(&replica, "is not one of this deployment").await;
    replica.stop().await;
}
