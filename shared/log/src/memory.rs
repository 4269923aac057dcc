//! The log in memory: for tests and for simulation. Nothing survives the process.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use berth_proto::{Kind, StreamKey};
use tokio::sync::watch;

use crate::{
    local::{self, Ends, FOLLOW_PAGE_COMMITS_MAX, Local, Page},
    port::{
        AppendError, Appended, EventLog, Expected, Follow, FollowError, LogRead, NewCommit, Position,
        ReadError, ShardPosition, Stored, Tail,
    },
};

/// The incarnation of every shard: a log in memory has one life.
const INCARNATION: u64 = 1;

/// A log in memory. A clone is the same log.
#[derive(Debug, Clone)]
pub struct MemoryLog {
    store: Arc<Mutex<Store>>,
    /// Told after each append, under the lock of the store; followers listen.
    ends: watch::Sender<Ends>,
    shards: u8,
}

#[derive(Debug, Default)]
struct Store {
    /// Commits of each shard; the revision is the index plus 1.
    shards: BTreeMap<u8, Vec<Stored>>,
    /// Revisions of the commits of each stream; the version is the index plus 1.
    streams: HashMap<StreamKey, Vec<u64>>,
}

impl MemoryLog {
    /// An empty log with this many shards; 0 counts as 1.
    pub fn new(shards: u8) -> Self {
        let shards = shards.max(1);
        let ends: Ends = vec![0; usize::from(shards)].into();
        Self { store: Arc::default(), ends: watch::Sender::new(ends), shards }
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    fn at(&self, shard: u8, revision: u64) -> Option<&Stored> {
        let index = usize::try_from(revision.checked_sub(1)?).ok()?;
        self.shards.get(&shard)?.get(index)
    }

    fn version(&self, stream: &StreamKey, shard: u8, version: u64) -> Option<&Stored> {
        let index = usize::try_from(version.checked_sub(1)?).ok()?;
        self.at(shard, *self.streams.get(stream)?.get(index)?)
    }

    fn tail(&self, stream: &StreamKey, shard: u8) -> Option<&Stored> {
        self.at(shard, *self.streams.get(stream)?.last()?)
    }

    fn append(&mut self, commit: NewCommit, expected: Expected, shard: u8) -> Result<Appended, AppendError> {
        let stream = commit.stream;
        let found = self.tail(&stream, shard).map_or(Expected::Empty, |tail| Expected::After(tail.tail));
        if found != expected || commit.version != expected.next_version() {
            return match self.version(&stream, shard, expected.next_version()) {
                Some(there) if there.payload == commit.payload => Ok(Appended { tail: there.tail, shard }),
                _ => Err(AppendError::Conflict { stream }),
            };
        }
        let commits = self.shards.entry(shard).or_default();
        let tail = Tail { version: commit.version, revision: commits.len() as u64 + 1 };
        commits.push(Stored { stream, tail, shard, payload: commit.payload, forged: false });
        self.streams.entry(stream).or_default().push(tail.revision);
        Ok(Appended { tail, shard })
    }

    fn end(&self, shard: u8) -> u64 {
        self.shards.get(&shard).map_or(0, |commits| commits.len() as u64)
    }
}

#[async_trait]
impl LogRead for MemoryLog {
    async fn tail(&self, stream: &StreamKey) -> Result<Option<Stored>, ReadError> {
        Ok(self.store().tail(stream, stream.partition().shard(self.shards)).cloned())
    }

    async fn read(
        &self,
        stream: &StreamKey,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<Stored>, ReadError> {
        let shard = stream.partition().shard(self.shards);
        let store = self.store();
        let versions = (after_version.saturating_add(1)..=u64::MAX).take(limit);
        Ok(versions.map_while(|version| store.version(stream, shard, version).cloned()).collect())
    }

    async fn follow(&self, _name: &str, kinds: &[Kind], from: Position) -> Result<Follow, FollowError> {
        local::follow(Arc::clone(&self.store), INCARNATION, kinds, &from, self.ends.subscribe())
    }

    async fn end(&self) -> Result<Position, ReadError> {
        let store = self.store();
        let at = |shard| (shard, ShardPosition { incarnation: INCARNATION, revision: store.end(shard) });
        Ok(Position((0..self.shards).map(at).collect()))
    }

    async fn missing(&self) -> Result<BTreeMap<u8, u64>, ReadError> {
        Ok(BTreeMap::new())
    }

    fn unreadable(&self) -> Option<String> {
        None
    }

    fn shards(&self) -> u8 {
        self.shards
    }
}

#[async_trait]
impl EventLog for MemoryLog {
    async fn append(&self, commit: NewCommit, expected: Expected) -> Result<Appended, AppendError> {
        local::check_size(&commit)?;
        let shard = commit.stream.partition().shard(self.shards);
        let mut store = self.store();
        let appended = store.append(commit, expected, shard)?;
        self.ends.send_replace((0..self.shards).map(|shard| store.end(shard)).collect());
        Ok(appended)
    }
}

#[async_trait]
impl Local for Arc<Mutex<Store>> {
    type Behind = ();

    fn behind(&self) {}

    async fn page(&self, shard: u8, after: u64, up_to: u64, kinds: &[Kind]) -> Result<Page, ReadError> {
        let store = self.lock().unwrap_or_else(PoisonError::into_inner);
        let index = |revision| usize::try_from(revision).unwrap_or(usize::MAX);
        let commits = store.shards.get(&shard).map(Vec::as_slice).unwrap_or_default();
        let page = commits.get(index(after)..index(up_to)).unwrap_or_default();
        let page = page.get(..FOLLOW_PAGE_COMMITS_MAX).unwrap_or(page);
        let wanted = page.iter().filter(|stored| kinds.contains(&stored.stream.kind()));
        Ok(Page {
            commits: wanted.map(|stored| Arc::new(stored.clone().into())).collect(),
            unreadable: None,
            reached: page.last().map_or(after, |stored| stored.tail.revision),
        })
    }
}
