//! Places that an engine cannot give any more: whoever follows the log is told, and goes on behind them.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use berth_log::{
    EventLog, FollowError, Followed, LogRead, OneFollower, Position, Stored,
    embedded::EmbeddedLog,
    jetstream::{JetStreamLog, JetStreamOptions},
};
use berth_proto::Kind;
use berth_runtime::{Lifecycle, SystemEntropy};
use berth_test_support::NatsServer;

use crate::contract::{
    following::next,
    history::{History, directory, instance},
};

/// Streams of each kind, so that every shard has several.
const STREAMS: u64 = 12;
/// Commits of each.
const COMMITS: u64 = 4;

/// Instances and entries of the directory in turn, and what they come to.
async fn grown(log: &dyn EventLog) -> Vec<Stored> {
    for number in 0..STREAMS {
        History::new(instance(number)).grow(log, COMMITS).await;
        History::new(directory(number)).grow(log, COMMITS).await;
    }
    let (all, passed_over) = followed(log, &Kind::ALL).await;
    assert_eq!((all.len() as u64, passed_over.len()), (2 * STREAMS * COMMITS, 0));
    all
}

/// What a follower from the beginning meets until it is caught up: commits, and the places that it was told of.
async fn followed(log: &dyn LogRead, kinds: &[Kind]) -> (Vec<Stored>, Vec<(u8, u64)>) {
    let mut follow = log.follow("test", kinds, Position::default()).await.unwrap();
    let (mut commits, mut passed_over) = (Vec::new(), Vec::new());
    let mut last = BTreeMap::<u8, u64>::new();
    loop {
        let (shard, revision) = match next(&mut follow).await.unwrap() {
            Followed::Commit(commit, at) => {
                commits.push(commit.stored().clone());
                (commit.stored().shard, at.revision)
            }
            Followed::Unreadable { shard, after, at } => {
                passed_over.extend((after + 1..=at.revision).map(|revision| (shard, revision)));
                (shard, at.revision)
            }
            Followed::CaughtUp(end) => {
                assert!(end.covers(&log.end().await.unwrap()));
                return (commits, passed_over);
            }
        };
        let before = last.insert(shard, revision);
        assert!(before.is_none_or(|before| before < revision), "in the order of the shard");
    }
}

/// A follower, of whatever kinds, meets everything that was there but for the places that it is told of, and goes on.
async fn is_passed_over(log: &dyn EventLog, all: &[Stored], gone: &[(u8, u64)]) {
    let is_gone = |one: &&Stored| gone.contains(&(one.shard, one.tail.revision));
    let sorted = |mut commits: Vec<Stored>| {
        commits.sort_by_key(|one| (one.shard, one.tail.revision));
        commits
    };
    for kinds in [&Kind::ALL[..], &[Kind::Instance], &[Kind::Account]] {
        let (met, mut passed_over) = followed(log, kinds).await;
        passed_over.sort_unstable();
        assert_eq!(passed_over, gone, "{kinds:?}");
        let wanted = all.iter().filter(|one| kinds.contains(&one.stream.kind()) && !is_gone(one));
        assert_eq!(sorted(met), sorted(wanted.cloned().collect()), "{kinds:?}");
    }
    for (shard, revision) in gone {
        let words = log.unreadable().unwrap();
        assert!(words.contains(&format!("of shard {shard}")), "{revision}: {words}");
    }
    // Whatever else lies in the shard goes on.
    let mut follow = log.follow("later", &Kind::ALL, Position::default()).await.unwrap();
    let mut later: Vec<_> = (100..140).map(|number| History::new(instance(number))).collect();
    for history in &mut later {
        history.grow(log, 1).await;
    }
    let mut seen = 0;
    while seen < later.len() {
        if let Followed::Commit(commit, _) = next(&mut follow).await.unwrap() {
            seen += usize::from(later.iter().any(|history| history.stream == commit.stored().stream));
        }
    }
}

// === embedded ===

fn open_folder(folder: &Path) -> EmbeddedLog {
    EmbeddedLog::open(folder, 4, &SystemEntropy).unwrap()
}

/// Changes rows of a folder that nobody has open; none takes one away.
fn damage_rows(folder: &Path, rows: &[(u8, u64, Option<&[u8]>)]) {
    let engine = fjall::Database::builder(folder.join("log")).open().unwrap();
    for (shard, revision, row) in rows {
        let commits =
            engine.keyspace(&format!("commits.{shard}"), fjall::KeyspaceCreateOptions::default).unwrap();
        match row {
            Some(row) => commits.insert(revision.to_be_bytes(), *row).unwrap(),
            None => commits.remove(revision.to_be_bytes()).unwrap(),
        }
    }
    engine.persist(fjall::PersistMode::SyncAll).unwrap();
}

#[tokio::test]
async fn damaged_and_missing_rows_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_folder(folder.path());
    let all = grown(&log).await;
    drop(log);
    let rows: [(u8, u64, Option<&[u8]>); 5] =
        [(0, 1, Some(b"damaged")), (1, 3, None), (1, 4, Some(b"damaged")), (1, 5, None), (3, 2, None)];
    damage_rows(folder.path(), &rows);
    let gone = rows.map(|(shard, revision, _)| (shard, revision));
    is_passed_over(&open_folder(folder.path()), &all, &gone).await;
}

#[tokio::test]
async fn readers_of_the_one_follower_pass_over_them_too() {
    let folder = tempfile::tempdir().unwrap();
    let all = grown(&open_folder(folder.path())).await;
    damage_rows(folder.path(), &[(2, 2, None)]);
    let log = Arc::new(open_folder(folder.path()));
    let one = OneFollower::new(Arc::clone(&log) as _, log, &Lifecycle::new());
    is_passed_over(&one, &all, &[(2, 2)]).await;
}

// === NATS ===

const OPTIONS: JetStreamOptions = JetStreamOptions { shards: 1, replicas: 1 };
/// Bytes that are zeroed: less than a message.
const ZEROED: usize = 64;

async fn open_server(server: &NatsServer) -> JetStreamLog {
    let client = async_nats::ConnectOptions::new().connect(server.url()).await.unwrap();
    JetStreamLog::open(client, OPTIONS).await.unwrap()
}

/// Zeroes bytes within some messages of a server that was stopped in order, so that it trusts the end that it wrote down.
/// Its files hold one message behind the other.
async fn damage_messages(server: &mut NatsServer, all: &[Stored], sequences: &[u64]) {
    server.stop();
    let block = find(&server.store().join("jetstream"), "BERTH_LOG_0/msgs/1.blk").unwrap();
    let mut bytes = std::fs::read(&block).unwrap();
    for sequence in sequences {
        let stored = all.iter().find(|one| one.tail.revision == *sequence).unwrap();
        let payload = stored.payload.as_ref();
        let at = bytes.windows(payload.len()).position(|there| there == payload).unwrap();
        bytes[at..at + ZEROED].fill(0);
    }
    std::fs::write(block, bytes).unwrap();
    server.restart().await;
}

fn find(folder: &Path, ending: &str) -> Option<std::path::PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).find_map(|path| {
        if path.is_dir() { find(&path, ending) } else { path.ends_with(ending).then_some(path) }
    })
}

#[tokio::test]
async fn messages_that_a_server_cannot_read_are_passed_over() {
    let mut server = NatsServer::start().await;
    let all = grown(&open_server(&server).await).await;
    // The last ones of the instances lie before the last of the directory: a reader of instances waits for none.
    let end = all.len() as u64;
    let gone = [1, 7, 8, 9, end - COMMITS - 1, end - COMMITS];
    damage_messages(&mut server, &all, &gone).await;
    let log = open_server(&server).await;
    assert_eq!(log.missing().await.unwrap(), BTreeMap::new(), "the server itself counts them as there");
    let gone = gone.map(|sequence| (0, sequence));
    is_passed_over(&log, &all, &gone).await;
}

#[tokio::test]
async fn readers_of_the_one_follower_pass_over_messages_too() {
    let mut server = NatsServer::start().await;
    let all = grown(&open_server(&server).await).await;
    damage_messages(&mut server, &all, &[5]).await;
    let (log, followed) = (open_server(&server).await, open_server(&server).await);
    let one = OneFollower::new(Arc::new(log), Arc::new(followed), &Lifecycle::new());
    is_passed_over(&one, &all, &[(0, 5)]).await;
}

/// A stream that was made again lacks everything, and is another one: that is not damage.
#[tokio::test]
async fn another_life_of_a_stream_is_not_taken_for_damage() {
    let server = NatsServer::start().await;
    let log = open_server(&server).await;
    grown(&log).await;
    let client = async_nats::ConnectOptions::new().connect(server.url()).await.unwrap();
    let context = async_nats::jetstream::new(client);
    let config = context.get_stream("BERTH_LOG_0").await.unwrap().cached_info().config.clone();
    let mut follow = log.follow("test", &Kind::ALL, log.end().await.unwrap()).await.unwrap();
    context.delete_stream("BERTH_LOG_0").await.unwrap();
    context.create_stream(config).await.unwrap();
    let error = loop {
        match tokio::time::timeout(Duration::from_mins(1), next(&mut follow)).await.unwrap() {
            Ok(Followed::CaughtUp(_)) => {}
            Ok(other) => panic!("{other:?} is of another life"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, FollowError::Recreated { .. }), "{error:?}");
    assert_eq!(log.unreadable(), None);
}
