//! A log that a process follows once: the contract of following, and what its readers share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use berth_log::{
    EventLog, Follow, FollowError, Followed, LogRead, OneFollower, Position, SharedCommit, memory::MemoryLog,
};
use berth_proto::Kind;
use berth_runtime::Lifecycle;
use berth_test_support::{Doubled, LogDouble};
use futures::StreamExt;

use crate::contract::{
    following::{commits, next, until_caught_up},
    history::{History, instance},
};

struct Fixture {
    log: Arc<dyn EventLog>,
}

#[expect(clippy::unused_async, reason = "other engines start a server here")]
async fn open() -> Fixture {
    let log = Arc::new(MemoryLog::new(4));
    Fixture { log: Arc::new(OneFollower::new(Arc::clone(&log) as _, log, &Lifecycle::new())) }
}

crate::contract::contract!(open);

/// A log in memory that counts the commits which it sends to followers.
#[derive(Debug)]
struct Counting {
    log: MemoryLog,
    sent: Arc<AtomicU64>,
}

#[async_trait]
impl LogDouble for Counting {
    fn beneath(&self) -> &dyn EventLog {
        &self.log
    }

    async fn follow(&self, name: &str, kinds: &[Kind], from: Position) -> Result<Follow, FollowError> {
        let (follow, sent) = (self.log.follow(name, kinds, from).await?, Arc::clone(&self.sent));
        Ok(Box::pin(follow.inspect(move |followed| {
            if matches!(followed, Ok(Followed::Commit(..))) {
                sent.fetch_add(1, Ordering::SeqCst);
            }
        })))
    }
}

/// A process with a log that counts.
struct Process {
    log: OneFollower,
    sent: Arc<AtomicU64>,
}

impl Process {
    fn new() -> Self {
        let (log, sent) = (MemoryLog::new(4), Arc::<AtomicU64>::default());
        let counting = Doubled(Counting { log: log.clone(), sent: Arc::clone(&sent) });
        Self { log: OneFollower::new(Arc::new(log), Arc::new(counting), &Lifecycle::new()), sent }
    }

    /// Readers that are all served by the one follower.
    async fn readers<const N: usize>(&self, history: &mut History) -> [Follow; N] {
        let mut readers = Vec::new();
        for number in 0..N {
            let name = format!("reader-{number}");
            readers.push(self.log.follow(&name, &Kind::ALL, Position::default()).await.unwrap());
        }
        let mut readers: [Follow; N] = readers.try_into().ok().unwrap();
        for reader in &mut readers {
            until_caught_up(reader).await;
        }
        loop {
            let before = self.sent.load(Ordering::SeqCst);
            history.grow(&self.log, 1).await;
            for reader in &mut readers {
                next_commit(reader).await;
                settle(reader).await;
            }
            if self.sent.load(Ordering::SeqCst) == before + 1 {
                return readers;
            }
        }
    }
}

/// Lets a reader take what else there is for it, and join.
async fn settle(reader: &mut Follow) {
    while let Ok(followed) = tokio::time::timeout(Duration::from_millis(1), reader.next()).await {
        assert!(matches!(followed, Some(Ok(Followed::CaughtUp(_)))), "{followed:?}");
    }
}

async fn next_commit(reader: &mut Follow) -> Arc<SharedCommit> {
    loop {
        if let Followed::Commit(commit, _) = next(reader).await.unwrap() {
            return commit;
        }
    }
}

#[tokio::test]
async fn all_readers_of_a_process_are_given_the_very_same_commit_which_is_received_once() {
    const COMMITS: u64 = 300;
    let (process, mut history) = (Process::new(), History::new(instance(1)));
    let [mut first, mut second, mut third] = process.readers(&mut history).await;
    let before = process.sent.load(Ordering::SeqCst);
    history.grow(&process.log, COMMITS).await;
    for _ in 0..COMMITS {
        let commit = next_commit(&mut first).await;
        assert!(Arc::ptr_eq(&commit, &next_commit(&mut second).await));
        assert!(Arc::ptr_eq(&commit, &next_commit(&mut third).await));
        let decoded: *const _ = commit.commit().unwrap();
        assert!(std::ptr::eq(decoded, commit.commit().unwrap()), "it is decoded once");
    }
    assert_eq!(process.sent.load(Ordering::SeqCst) - before, COMMITS);
}

#[tokio::test]
async fn a_reader_that_stands_still_holds_nobody_up_and_misses_nothing() {
    const COMMITS: usize = 20_000;
    const AT_ONCE: u16 = 100;
    let (process, mut history) = (Process::new(), History::new(instance(1)));
    let [mut quick, mut slow] = process.readers(&mut history).await;
    let first = next_version(&history);
    for _ in 0..COMMITS / usize::from(AT_ONCE) {
        history.grow(&process.log, AT_ONCE.into()).await;
        for _ in 1..AT_ONCE {
            next_commit(&mut quick).await;
        }
        assert_eq!(next_commit(&mut quick).await.stored().tail, history_tail(&history));
    }
    // What the slow one has not seen is not in memory any more.
    for version in (first..).take(COMMITS) {
        assert_eq!(next_commit(&mut slow).await.stored().tail.version, version);
    }
    // It joins again: what comes now is sent once for both.
    loop {
        let before = process.sent.load(Ordering::SeqCst);
        history.grow(&process.log, 1).await;
        let (one, other) = (next_commit(&mut quick).await, next_commit(&mut slow).await);
        assert_eq!(one, other);
        settle(&mut slow).await;
        if process.sent.load(Ordering::SeqCst) == before + 1 {
            return;
        }
    }
}

fn next_version(history: &History) -> u64 {
    history.expected.next_version()
}

fn history_tail(history: &History) -> berth_log::Tail {
    match history.expected {
        berth_log::Expected::After(tail) => tail,
        berth_log::Expected::Empty => panic!("nothing was appended"),
    }
}

#[tokio::test]
async fn a_reader_that_is_dropped_takes_nothing_from_the_others() {
    let (process, mut history) = (Process::new(), History::new(instance(1)));
    let [mut stays, goes] = process.readers(&mut history).await;
    drop(goes);
    history.grow(&process.log, 10).await;
    assert_eq!(commits(&mut stays, 10, &Position::default()).await.0.len(), 10);
}
