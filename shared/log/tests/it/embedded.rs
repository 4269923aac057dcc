//! The contract of the log in one file, and what the file must survive.

use std::{path::Path, sync::Arc};

use berth_log::{
    ChainFault, ChainFaultKind, EventLog, FollowError, LogRead, Place, Position, ReadError,
    embedded::{EmbeddedLog, OpenError},
    read_around, verify,
};
use berth_proto::Kind;
use berth_runtime::SystemEntropy;
use tempfile::TempDir;

use crate::contract::{
    following::until_caught_up,
    history::{History, instance},
};

struct Fixture {
    log: Arc<dyn EventLog>,
    _folder: TempDir,
}

#[expect(clippy::unused_async, reason = "other engines start a server here")]
async fn open() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(open_folder(folder.path()));
    Fixture { log, _folder: folder }
}

fn open_folder(folder: &Path) -> EmbeddedLog {
    EmbeddedLog::open(folder, 4, &SystemEntropy).unwrap()
}

crate::contract::contract!(open);

#[tokio::test]
async fn a_log_that_is_opened_again_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut history = History::new(instance(1));
    let log = open_folder(folder.path());
    history.grow(&log, 10).await;
    let end = log.end().await.unwrap();
    drop(log);

    let log = open_folder(folder.path());
    assert_eq!(log.end().await.unwrap(), end);
    history.grow(&log, 10).await;
    let report = verify(&log, &history.stream).await.unwrap();
    assert_eq!((report.commits, report.last_hash, report.fault), (20, history.last_hash, None));
    let mut follow = log.follow("test", &Kind::ALL, end).await.unwrap();
    assert_eq!(until_caught_up(&mut follow).await.0.len(), 10);
}

/// Somebody who changes a commit in the file while nobody has it open.
fn damage(folder: &Path, shard: u8, revision: u64) {
    let commits = redb::TableDefinition::<(u8, u64), &[u8]>::new("commits");
    let file = redb::Database::open(folder.join("log.redb")).unwrap();
    let write = file.begin_write().unwrap();
    write.open_table(commits).unwrap().insert((shard, revision), b"damaged".as_slice()).unwrap();
    write.commit().unwrap();
}

#[tokio::test]
async fn a_damaged_row_is_named_by_its_version_and_what_stands_around_it_can_be_read() {
    for bad in [4, 10] {
        let folder = tempfile::tempdir().unwrap();
        let mut history = History::new(instance(1));
        let log = open_folder(folder.path());
        history.grow(&log, 10).await;
        drop(log);
        damage(folder.path(), history.stream.partition().shard(4), bad);
        let log = open_folder(folder.path());
        let report = verify(&log, &history.stream).await.unwrap();
        let fault = ChainFault { version: bad, kind: ChainFaultKind::Row };
        assert_eq!((report.commits, report.fault), (bad - 1, Some(fault)));
        assert!(matches!(log.read(&history.stream, 0, 10).await, Err(ReadError::Damaged(_))));
        assert_eq!(log.read(&history.stream, bad, 10).await.unwrap().len() as u64, 10 - bad);
        let places = read_around(&log, &history.stream, 2, 20).await.unwrap();
        let said: Vec<u64> = places
            .iter()
            .map(|place| match place {
                Place::Commit(stored) => stored.tail.version,
                Place::Damaged(version) => *version,
            })
            .collect();
        assert_eq!(said, (3..=10).collect::<Vec<_>>());
        let marks: Vec<_> = places.iter().filter(|place| matches!(place, Place::Damaged(_))).collect();
        assert_eq!(marks, [&Place::Damaged(bad)]);
    }
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_folder(folder.path());
    let second = EmbeddedLog::open(folder.path(), 4, &SystemEntropy);
    assert!(matches!(second, Err(OpenError::Locked { .. })), "{second:?}");
    drop(log);
    open_folder(folder.path());
}

#[tokio::test]
async fn another_number_of_shards_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open_folder(folder.path()));
    let other = EmbeddedLog::open(folder.path(), 8, &SystemEntropy);
    assert!(matches!(other, Err(OpenError::Shards { recorded: 4, asked: 8 })), "{other:?}");
    for none in [0, 65] {
        let other = EmbeddedLog::open(folder.path(), none, &SystemEntropy);
        assert!(matches!(other, Err(OpenError::ShardsRange { .. })), "{other:?}");
    }
    open_folder(folder.path());
}

#[tokio::test]
async fn an_older_copy_of_the_file_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.redb");
    let mut history = History::new(instance(1));
    let log = open_folder(folder.path());
    history.grow(&log, 5).await;
    drop(log);
    let copy = std::fs::read(&file).unwrap();
    let log = open_folder(folder.path());
    history.grow(&log, 5).await;
    let position = log.end().await.unwrap();
    drop(log);

    std::fs::write(&file, copy).unwrap();
    let log = open_folder(folder.path());
    let refused = log.follow("test", &Kind::ALL, position).await.err();
    assert!(matches!(refused, Some(FollowError::RolledBack { end: 5, position: 10, .. })), "{refused:?}");
}

#[tokio::test]
async fn a_new_file_is_another_life() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_folder(folder.path());
    let position = log.end().await.unwrap();
    drop(log);
    std::fs::remove_file(folder.path().join("log.redb")).unwrap();
    let log = open_folder(folder.path());
    let refused = log.follow("test", &Kind::ALL, position).await.err();
    assert!(matches!(refused, Some(FollowError::Recreated { shard: 0 })), "{refused:?}");
}

#[tokio::test]
async fn a_follower_of_a_closed_log_is_told() {
    use futures::StreamExt;

    let folder = tempfile::tempdir().unwrap();
    let log = open_folder(folder.path());
    let mut follow = log.follow("test", &Kind::ALL, Position::default()).await.unwrap();
    until_caught_up(&mut follow).await;
    drop(log);
    assert!(matches!(follow.next().await, Some(Err(FollowError::Unavailable(_)))));
    assert!(follow.next().await.is_none());
}
