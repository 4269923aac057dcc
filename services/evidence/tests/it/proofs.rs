//! What is published and proved, checked by functions that others wrote.

use std::os::unix::fs::FileExt;

use berth_evidence::leaf_hash;
use berth_proto::{
    Hash,
    evidence::{EvidenceQueryV1, EvidenceReplyV1},
};
use tlog_tiles::tlog::{self, check_record, check_tree};

use crate::world::{SHARDS, World, eventually, key};

#[tokio::test]
async fn every_commit_and_every_earlier_tree_is_proved_in_memory() {
    is_proved(World::in_memory()).await;
}

#[tokio::test]
async fn every_commit_and_every_earlier_tree_is_proved_embedded() {
    is_proved(World::embedded()).await;
}

#[tokio::test]
async fn every_commit_and_every_earlier_tree_is_proved_on_nats() {
    is_proved(World::on_nats().await).await;
}

async fn is_proved(mut world: World) {
    world.append(40, "before the start").await;
    let replica = world.start("one", key(1)).await;
    let mut earlier = Vec::new();
    for shard in 0..SHARDS {
        earlier.push(world.attested(shard).await.1);
    }
    world.append(60, "after it").await;
    for shard in 0..SHARDS {
        let (_, head) = world.attested(shard).await;
        commits_are_in(&world, shard).await;
        let before = &earlier[usize::from(shard)];
        let path = consistency(&world, shard, before.size, head.size).await.unwrap();
        check_tree(&path, head.size, hash(head.root), before.size, hash(before.root)).unwrap();
    }
    replica.stop().await;
}

#[tokio::test]
async fn a_clock_that_jumps_between_checkpoints_changes_when_they_are_said_to_be_and_nothing_that_is_signed()
{
    const MONTH_SECONDS: i64 = 30 * 24 * 3_600;
    let mut world = World::in_memory();
    let replica = world.start("one", key(1)).await;
    let mut told = Vec::new();
    for jump in [0, MONTH_SECONDS, -2 * MONTH_SECONDS, MONTH_SECONDS] {
        world.clock.advance_seconds(jump);
        world.append(20, "at that time").await;
        told.push(world.attested(0).await);
    }
    for pair in told.windows(2) {
        let [(before, earlier), (after, later)] = pair else { panic!("pairs") };
        assert!(before.number < after.number && earlier.size < later.size, "in the order of the log");
        assert_ne!(before.published_at, after.published_at);
        let path = consistency(&world, 0, earlier.size, later.size).await.unwrap();
        check_tree(&path, later.size, hash(later.root), earlier.size, hash(earlier.root)).unwrap();
    }
    commits_are_in(&world, 0).await;
    assert_eq!(world.latest().await.trouble, None);
    replica.stop().await;
}

/// Each commit of a shard is in the tree of the last checkpoint, with the leaf that its bytes come to.
async fn commits_are_in(world: &World, shard: u8) {
    let commits = &world.appended[usize::from(shard)];
    let (last, head) = world.attested(shard).await;
    for (index, (stream, payload)) in commits.iter().enumerate() {
        let index = index as u64;
        let reply = world.ask(EvidenceQueryV1::Inclusion { shard, index }).await;
        let EvidenceReplyV1::Inclusion { published, leaf, path } = reply else { panic!("{reply:?}") };
        assert_eq!((&published, leaf), (&last, leaf_hash(stream, payload)));
        let path = path.into_iter().map(hash).collect();
        check_record(&path, head.size, hash(head.root), index, hash(leaf)).unwrap();
    }
    let end = EvidenceQueryV1::Inclusion { shard, index: commits.len() as u64 };
    assert_eq!(world.ask(end).await, EvidenceReplyV1::Absent);
}

pub(crate) async fn consistency(world: &World, shard: u8, from: u64, to: u64) -> Option<Vec<tlog::Hash>> {
    match world.ask(EvidenceQueryV1::Consistency { shard, from, to }).await {
        EvidenceReplyV1::Consistency { path } => Some(path.into_iter().map(hash).collect()),
        EvidenceReplyV1::Absent => None,
        other => panic!("{other:?}"),
    }
}

pub(crate) const fn hash(hash: Hash) -> tlog::Hash {
    tlog::Hash(hash.0)
}

#[tokio::test]
async fn trees_that_are_thrown_away_or_damaged_are_built_to_the_same_roots() {
    let mut world = World::in_memory();
    world.append(50, "at first").await;
    let replica = world.start("one", key(1)).await;
    let before = world.attested(0).await.1;
    replica.stop().await;
    let trees = world.folder.path().join("one");
    for entry in std::fs::read_dir(&trees).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[7] ^= 1;
        std::fs::write(path, bytes).unwrap();
    }
    for name in ["one", "another folder"] {
        world.append(20, name).await;
        let replica = world.start(name, key(1)).await;
        let head = world.attested(0).await.1;
        let path = consistency(&world, 0, before.size, head.size).await.unwrap();
        check_tree(&path, head.size, hash(head.root), before.size, hash(before.root)).unwrap();
        commits_are_in(&world, 0).await;
        replica.stop().await;
    }
}

#[tokio::test]
async fn a_tree_that_is_damaged_while_it_is_used_gives_no_wrong_proof_and_is_built_again() {
    let mut world = World::in_memory();
    world.append(50, "at first").await;
    let replica = world.start("one", key(1)).await;
    world.attested(0).await;
    for entry in std::fs::read_dir(world.folder.path().join("one")).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        for byte in &mut bytes {
            *byte ^= 1;
        }
        // In place: the service has the file open.
        std::fs::OpenOptions::new().write(true).open(path).unwrap().write_all_at(&bytes, 0).unwrap();
    }
    let asked = EvidenceQueryV1::Inclusion { shard: 0, index: 3 };
    let refused = world.ask(asked.clone()).await;
    assert!(matches!(refused, EvidenceReplyV1::NotReady { .. }), "{refused:?}");
    world.append(20, "then").await;
    eventually("it is built again", async || match world.ask(asked.clone()).await {
        EvidenceReplyV1::Inclusion { .. } => Ok(()),
        other => Err(other),
    })
    .await;
    commits_are_in(&world, 0).await;
    replica.stop().await;
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_absent() {
    let mut world = World::in_memory();
    let replica = world.start("one", key(1)).await;
    world.until(&replica, "signing").await;
    assert_eq!(world.latest().await.published, [], "nothing is signed while there is nothing");
    world.append(10, "some").await;
    world.attested(0).await;
    let absent = [
        EvidenceQueryV1::Checkpoints { shard: SHARDS, after: 0, limit: 10 },
        EvidenceQueryV1::Inclusion { shard: SHARDS, index: 0 },
        EvidenceQueryV1::Inclusion { shard: 0, index: u64::MAX },
        EvidenceQueryV1::Consistency { shard: 0, from: 0, to: 1 },
        EvidenceQueryV1::Consistency { shard: 0, from: 1, to: u64::MAX },
        EvidenceQueryV1::Tile { shard: 0, level: 0, index: 0, width: 256 },
        EvidenceQueryV1::Tile { shard: 0, level: 255, index: 0, width: 1 },
    ];
    for query in absent {
        assert_eq!(world.ask(query.clone()).await, EvidenceReplyV1::Absent, "{query:?}");
    }
    let all = world.ask(EvidenceQueryV1::Checkpoints { shard: 0, after: 0, limit: 0 }).await;
    assert!(matches!(all, EvidenceReplyV1::Invalid { .. }), "{all:?}");
    replica.stop().await;
}
