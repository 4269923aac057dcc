//! What is settled is written in the format that the deployment allows.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall fail there")]

mod common;

use berth_proto::{CommitV1, Partition, StreamKey, WriteVersion, codec};
use common::{Receiver, World, quick};

/// The version of the format of each commit of the delivery stream.
async fn formats(world: &World) -> Vec<u8> {
    let stream = StreamKey::delivery(Partition::of(world.instance.as_bytes()));
    let page = world.log.read(&stream, 0, 1_000).await.unwrap();
    page.iter()
        .map(|stored| {
            let (_, version) = codec::peek(&stored.payload).unwrap();
            if version == 1 {
                // As a replica of the earlier release reads it.
                let commit: CommitV1 = codec::decode(&stored.payload).unwrap();
                assert_eq!(commit.version, stored.tail.version);
            }
            version
        })
        .collect()
}

#[tokio::test]
async fn settlements_are_in_the_format_that_every_replica_reads() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let world = world.with_write_version(WriteVersion::OLDEST);
    let earlier = world.replica("a", quick()).await;
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.link().await;
    let before = world.settled(2).await.len();
    let old = formats(&world).await;
    assert!(!old.is_empty() && old.iter().all(|version| *version == 1), "{old:?}");
    earlier.crash().await;
    let world = world.with_write_version(WriteVersion::NEWEST);
    let _later = world.replica("b", quick()).await;
    world.lost().await;
    world.settled(before + 1).await;
    let all = formats(&world).await;
    // It goes on after what the earlier one wrote, which stays as it is.
    assert_eq!(all.get(..old.len()), Some(old.as_slice()));
    let new = all.get(old.len()..).unwrap_or_default();
    assert!(!new.is_empty() && new.iter().all(|version| *version == 2), "{new:?}");
}
