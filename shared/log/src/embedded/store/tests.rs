//! What the engine does not find although it was there: damage of its own files can show like that.

use berth_proto::{InstanceId, StreamKey};

use super::{Snapshot, StoreError};
use crate::{
    embedded::{
        keys::{commit_row, stream_key, tail_row, version_key},
        tables::{SHARDS_FACT, Tables},
    },
    port::Tail,
};

/// Tables with three commits of a stream, and the stream.
fn three_commits() -> (tempfile::TempDir, Tables, StreamKey) {
    let folder = tempfile::tempdir().unwrap();
    let stream = StreamKey::instance(InstanceId::from_bytes([7; 16]));
    Tables::create(folder.path(), 1, &[(SHARDS_FACT, 1)]).unwrap();
    let tables = Tables::open(folder.path()).unwrap();
    let mut batch = tables.batch().unwrap();
    for number in 1..=3_u64 {
        let tail = Tail { version: number, revision: number };
        batch.insert(&tables.commits[0], number.to_be_bytes(), commit_row(&stream, number, b"commit"));
        batch.insert(&tables.versions, version_key(&stream, number), number.to_be_bytes());
        batch.insert(&tables.tails, stream_key(&stream), tail_row(tail));
    }
    batch.commit().unwrap();
    (folder, tables, stream)
}

#[test]
fn a_page_that_ends_before_its_stream_is_damage() {
    let (_folder, tables, stream) = three_commits();
    let read = |after| Snapshot::of(&tables).page(&stream, 0, after, 10).map(|page| page.len());
    assert_eq!((read(0).unwrap(), read(2).unwrap(), read(3).unwrap(), read(9).unwrap()), (3, 1, 0, 0));
    tables.versions.remove(version_key(&stream, 3)).unwrap();
    for after in [0, 2] {
        assert!(matches!(read(after), Err(StoreError::Damaged(_))), "after {after}");
    }
    let first = Snapshot::of(&tables).page(&stream, 0, 0, 2).unwrap();
    assert_eq!(first.len(), 2, "a page that is full needs no end");
    tables.versions.remove(version_key(&stream, 1)).unwrap();
    tables.versions.remove(version_key(&stream, 2)).unwrap();
    assert!(matches!(read(0), Err(StoreError::Damaged(_))), "none is found of three");
}

#[test]
fn a_stream_with_commits_and_no_tail_is_damage_and_not_empty() {
    let (_folder, tables, stream) = three_commits();
    let other = StreamKey::instance(InstanceId::from_bytes([8; 16]));
    assert_eq!(Snapshot::of(&tables).tail_of(&other).unwrap(), None);
    tables.tails.remove(stream_key(&stream)).unwrap();
    assert!(matches!(Snapshot::of(&tables).tail_of(&stream), Err(StoreError::Damaged(_))));
}
