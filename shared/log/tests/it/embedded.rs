//! The contract of the log in one folder, and what the folder must survive.

use std::{path::Path, sync::Arc};

use berth_log::{
    ChainFault, ChainFaultKind, EventLog, Expected, FollowError, Followed, LogRead, Place, Position,
    ReadError, damaged_tail,
    embedded::{EmbeddedLog, OpenError},
    read_around, verify,
};
use berth_proto::{Kind, instance::InstanceStateV1};
use berth_runtime::SystemEntropy;
use tempfile::TempDir;

use crate::contract::{
    following::{next, until_caught_up},
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

/// Somebody who changes a commit in the folder while nobody has it open.
fn damage(folder: &Path, shard: u8, revision: u64) {
    let engine = fjall::Database::builder(folder.join("log")).open().unwrap();
    let commits =
        engine.keyspace(&format!("commits.{shard}"), fjall::KeyspaceCreateOptions::default).unwrap();
    commits.insert(revision.to_be_bytes(), b"damaged").unwrap();
    engine.persist(fjall::PersistMode::SyncAll).unwrap();
}

/// Copies a folder with everything in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let there = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &there);
        } else {
            std::fs::copy(entry.path(), there).unwrap();
        }
    }
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
        if bad == 10 {
            // The store cannot give the last commit, but knows where it lies: one can be appended behind it.
            assert!(log.tail(&history.stream).await.is_err());
            let end = damaged_tail::<InstanceStateV1>(&log, &history.stream).await.unwrap().unwrap();
            assert_eq!(end.tail.version, bad);
            history.expected = Expected::After(end.tail);
            history.append(&log, 11).await.unwrap();
            assert_eq!(log.tail(&history.stream).await.unwrap().unwrap().tail.version, 11);
        }
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
async fn an_older_copy_of_the_folder_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let (here, backup) = (folder.path().join("log"), folder.path().join("backup"));
    let mut history = History::new(instance(1));
    let log = open_folder(folder.path());
    history.grow(&log, 5).await;
    drop(log);
    copy(&here, &backup);
    let log = open_folder(folder.path());
    history.grow(&log, 5).await;
    let position = log.end().await.unwrap();
    drop(log);

    std::fs::remove_dir_all(&here).unwrap();
    copy(&backup, &here);
    let log = open_folder(folder.path());
    let refused = log.follow("test", &Kind::ALL, position).await.err();
    assert!(matches!(refused, Some(FollowError::RolledBack { end: 5, position: 10, .. })), "{refused:?}");
}

#[tokio::test]
async fn a_new_folder_is_another_life() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_folder(folder.path());
    let position = log.end().await.unwrap();
    drop(log);
    std::fs::remove_dir_all(folder.path().join("log")).unwrap();
    let log = open_folder(folder.path());
    let refused = log.follow("test", &Kind::ALL, position).await.err();
    assert!(matches!(refused, Some(FollowError::Recreated { shard: 0 })), "{refused:?}");
}

#[tokio::test]
async fn a_log_of_an_earlier_engine_is_refused_rather_than_ignored() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("log.redb"), b"redb").unwrap();
    let refused = EmbeddedLog::open(folder.path(), 4, &SystemEntropy).err();
    assert!(matches!(refused, Some(OpenError::Earlier { .. })), "{refused:?}");
    assert!(!folder.path().join("log").exists());
}

#[tokio::test]
async fn a_first_start_that_was_cut_off_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_folder(folder.path());
    drop(log);
    // Complete but for its name: the crash came before the renaming.
    std::fs::rename(folder.path().join("log"), folder.path().join("log.new")).unwrap();
    let mut history = History::new(instance(1));
    history.grow(&open_folder(folder.path()), 3).await;
    assert!(!folder.path().join("log.new").exists());
}

#[tokio::test]
async fn a_follower_that_fell_behind_reads_the_folder_and_then_what_is_new() {
    use futures::StreamExt;

    let folder = tempfile::tempdir().unwrap();
    let log = open_folder(folder.path());
    let mut history = History::new(instance(1));
    history.grow(&log, 5).await;
    drop(log);
    // Nothing of it is in memory now.
    let log = open_folder(folder.path());
    let mut follow = log.follow("test", &Kind::ALL, Position::default()).await.unwrap();
    assert_eq!(until_caught_up(&mut follow).await.0.len(), 5);
    history.grow(&log, 5).await;
    let mut seen = Vec::new();
    while seen.last() != Some(&10) {
        if let Followed::Commit(commit, _) = follow.next().await.unwrap().unwrap() {
            seen.push(commit.stored().tail.version);
        }
    }
    assert_eq!(seen, [6, 7, 8, 9, 10]);
}

#[tokio::test]
async fn readers_that_begin_at_the_same_place_share_what_one_of_them_read() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_folder(folder.path());
    History::new(instance(1)).grow(&log, 5).await;
    drop(log);
    let log = open_folder(folder.path());
    let begin = |name| log.follow(name, &[Kind::Instance], Position::default());
    let (mut one, mut another) = (begin("one").await.unwrap(), begin("another").await.unwrap());
    let first = async |follow| match next(follow).await.unwrap() {
        Followed::Commit(commit, _) => commit,
        other => panic!("{other:?}"),
    };
    let (one, another) = (first(&mut one).await, first(&mut another).await);
    assert!(Arc::ptr_eq(&one, &another), "it is decoded once");
    let mut other = log.follow("other", &[Kind::Account], Position::default()).await.unwrap();
    assert!(until_caught_up(&mut other).await.0.is_empty());
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
