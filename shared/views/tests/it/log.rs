//! A small log that can lose what it had.

use std::{
    collections::{BTreeMap, VecDeque},
    future::pending,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use berth_log::{Follow, FollowError, Followed, LogRead, Position, ReadError, ShardPosition, Stored, Tail};
use berth_proto::{CommitV1, Hash, InstanceId, Kind, RecordV1, StreamKey, Timestamp, codec::encode};
use bytes::Bytes;
use futures::stream;
use tokio::sync::watch;

/// Shards of the test log.
const SHARDS: u8 = 2;

/// A log in memory whose past a test can change.
///
/// A clone is the same log.
#[derive(Debug, Clone)]
pub(crate) struct TestLog {
    shards: Arc<Mutex<BTreeMap<u8, Shard>>>,
    grown: watch::Sender<u64>,
    /// Commits that whoever builds beside is given, before it waits for good.
    given_beside: Option<u64>,
}

#[derive(Debug, Clone)]
struct Shard {
    incarnation: u64,
    commits: Vec<Stored>,
}

impl TestLog {
    /// An empty log.
    pub(crate) fn new() -> Self {
        let empty = |incarnation| Shard { incarnation, commits: Vec::new() };
        Self {
            shards: Arc::new(Mutex::new((0..SHARDS).map(|shard| (shard, empty(7))).collect())),
            grown: watch::Sender::new(0),
            given_beside: None,
        }
    }

    /// The same log, which gives whoever builds beside about so many commits and then lets it wait.
    pub(crate) fn giving_beside(self, commits: u64) -> Self {
        Self { given_beside: Some(commits), ..self }
    }

    /// A log of `count` commits on 97 instances; the same count gives the same log.
    pub(crate) fn with_commits(count: u64) -> Self {
        let log = Self::new();
        log.grow(count);
        log
    }

    /// Appends commits.
    pub(crate) fn grow(&self, count: u64) {
        let from = self.len();
        for number in from..from + count {
            let stream = stream_of(number);
            let commit = CommitV1 {
                stream,
                version: number / 97 + 1,
                previous: Hash([0; 32]),
                occurred_at: Timestamp(i64::try_from(number).unwrap() + 1),
                receipts: Vec::new(),
                events: Vec::new(),
                state: RecordV1 {
                    type_id: 1,
                    version: 1,
                    body: vec![u8::try_from(number % 251).unwrap(); 60],
                },
            };
            self.append(stream, commit.version, Bytes::from(encode(&commit).unwrap()));
        }
    }

    /// Appends bytes that are no commit.
    pub(crate) fn append_garbage(&self) {
        self.append(stream_of(0), 0, Bytes::from_static(b"no commit at all"));
    }

    /// Makes the first commit of each shard one that nobody can read any more.
    pub(crate) fn damage_first(&self) {
        for shard in 0..SHARDS {
            self.damage(shard, 1);
        }
    }

    /// Makes a commit one that nobody can read any more.
    pub(crate) fn damage(&self, shard: u8, revision: usize) {
        self.flip(shard, revision);
    }

    /// Makes it what it was.
    pub(crate) fn mend(&self, shard: u8, revision: usize) {
        self.flip(shard, revision);
    }

    fn flip(&self, shard: u8, revision: usize) {
        let mut shards = self.shards.lock().unwrap();
        let payload = &mut shards.get_mut(&shard).unwrap().commits[revision - 1].payload;
        *payload = payload.iter().map(|byte| !byte).collect::<Vec<_>>().into();
    }

    /// Loses the last commits of each shard.
    pub(crate) fn lose(&self, count: usize) {
        for shard in self.shards.lock().unwrap().values_mut() {
            let left = shard.commits.len() - count;
            shard.commits.truncate(left);
        }
    }

    /// Becomes another, empty log.
    pub(crate) fn recreate(&self) {
        for shard in self.shards.lock().unwrap().values_mut() {
            shard.incarnation += 1;
            shard.commits.clear();
        }
    }

    /// Appends one commit to each shard that differs from those of [`Self::grow`].
    pub(crate) fn grow_differently(&self, count: usize) {
        for shard in 0..SHARDS {
            let stream = (0..97).map(stream_of).find(|stream| stream.partition().shard(SHARDS) == shard);
            for _ in 0..count {
                self.append(stream.unwrap(), 0, Bytes::from_static(b"another commit"));
            }
        }
    }

    fn append(&self, stream: StreamKey, version: u64, payload: Bytes) {
        let number = stream.partition().shard(SHARDS);
        let mut shards = self.shards.lock().unwrap();
        let shard = shards.get_mut(&number).unwrap();
        let revision = shard.commits.len() as u64 + 1;
        shard.commits.push(Stored {
            stream,
            tail: Tail { version, revision },
            shard: number,
            payload,
            forged: false,
        });
        drop(shards);
        self.grown.send_modify(|grown| *grown += 1);
    }

    fn len(&self) -> u64 {
        self.shards.lock().unwrap().values().map(|shard| shard.commits.len() as u64).sum()
    }

    /// What a follower at `position` is told next, at most a page; none if it has everything.
    fn after(&self, kinds: &[Kind], position: &mut Position) -> Vec<Result<Followed, FollowError>> {
        const PAGE: usize = 300;
        let mut page = Vec::new();
        for (number, shard) in self.shards.lock().unwrap().iter() {
            let here = position.0.get(number).copied();
            if here.is_some_and(|here| here.incarnation != shard.incarnation) {
                return vec![Err(FollowError::Recreated { shard: *number })];
            }
            let read = here.map_or(0, |here| here.revision);
            let skip = usize::try_from(read).unwrap();
            for stored in shard.commits.iter().skip(skip).take(PAGE) {
                let at = ShardPosition { incarnation: shard.incarnation, revision: stored.tail.revision };
                position.advance(*number, at);
                if kinds.contains(&stored.stream.kind()) {
                    page.push(Ok(Followed::Commit(Arc::new(stored.clone().into()), at)));
                }
            }
        }
        page
    }
}

fn stream_of(number: u64) -> StreamKey {
    let [a, b, c, d, ..]: [u8; 32] = Hash::over(b"test", &[&(number % 97).to_be_bytes()]).0;
    StreamKey::instance(InstanceId::from_bytes([a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]))
}

#[async_trait]
impl LogRead for TestLog {
    async fn tail(&self, _stream: &StreamKey) -> Result<Option<Stored>, ReadError> {
        Ok(None)
    }

    async fn read(&self, _: &StreamKey, _: u64, _: usize) -> Result<Vec<Stored>, ReadError> {
        Ok(Vec::new())
    }

    async fn follow(&self, name: &str, kinds: &[Kind], from: Position) -> Result<Follow, FollowError> {
        let state = Following {
            log: self.clone(),
            kinds: kinds.to_vec(),
            position: from,
            grown: self.grown.subscribe(),
            ready: VecDeque::new(),
            told: false,
            left: self.given_beside.filter(|_| name.ends_with("-next")),
        };
        Ok(Box::pin(stream::unfold(state, |mut state| async move {
            let next = state.next().await;
            Some((next, state))
        })))
    }

    async fn end(&self) -> Result<Position, ReadError> {
        let end = |shard: &Shard| ShardPosition {
            incarnation: shard.incarnation,
            revision: shard.commits.len() as u64,
        };
        Ok(Position(
            self.shards.lock().unwrap().iter().map(|(number, shard)| (*number, end(shard))).collect(),
        ))
    }

    async fn missing(&self) -> Result<BTreeMap<u8, u64>, ReadError> {
        Ok(BTreeMap::new())
    }

    fn unreadable(&self) -> Option<String> {
        None
    }

    fn shards(&self) -> u8 {
        SHARDS
    }
}

/// A running follower.
struct Following {
    log: TestLog,
    kinds: Vec<Kind>,
    position: Position,
    grown: watch::Receiver<u64>,
    ready: VecDeque<Result<Followed, FollowError>>,
    /// Whether the end was told since the follower last fell behind.
    told: bool,
    /// Commits that it is still given, if there is an end to that.
    left: Option<u64>,
}

impl Following {
    async fn next(&mut self) -> Result<Followed, FollowError> {
        loop {
            if let Some(next) = self.ready.pop_front() {
                return next;
            }
            if self.left == Some(0) {
                return pending().await;
            }
            self.grown.borrow_and_update();
            self.ready.extend(self.log.after(&self.kinds, &mut self.position));
            if !self.ready.is_empty() {
                self.left = self.left.map(|left| left.saturating_sub(self.ready.len() as u64));
                self.told = false;
                continue;
            }
            if !self.told {
                self.told = true;
                self.position = self.log.end().await.unwrap();
                return Ok(Followed::CaughtUp(self.position.clone()));
            }
            self.grown.changed().await.unwrap();
        }
    }
}
