//! One follower of the log for a whole process.
//!
//! The commits that it receives go into a window in memory, and every reader of the process is a place in that
//! window. A reader that begins, or that fell out of the window because it is slow, follows the log by itself until
//! it has caught up, and joins then: so nobody waits for anybody, and what the engine says of a position (a shard
//! that was recreated or ends before it) is said to each reader about its own.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use berth_proto::{Kind, StreamKey};
use berth_runtime::Lifecycle;
use futures::{StreamExt, stream};
use tokio::sync::watch;

use crate::{
    batches::{Batch, Batches, is_large},
    port::{
        AppendError, Appended, EventLog, Expected, Follow, FollowError, Followed, LogRead, NewCommit,
        Position, ReadError, ShardPosition, Stored, Tail, TailSince,
    },
    window::Window,
};

/// The name of the one follower, for the operator who lists consumers.
const NAME: &str = "process";
/// Commits that are taken into the window at once.
const BATCH_COMMITS_MAX: usize = 256;
/// The time between two looks at what was received. Whoever is woken for every commit takes more of the processor than what
/// it does with it, and the views rest longer anyway. The first commit after a quiet moment does not wait.
const TAKE_EVERY: Duration = Duration::from_millis(5);
/// Commits of a batch from which on more are waiting, and nothing rests.
const COMMITS_BEHIND: usize = BATCH_COMMITS_MAX / 2;
/// After so many commits a reader that follows by itself looks again whether it can join.
const JOIN_EVERY_COMMITS: u32 = 64;
/// The pause before the log is followed again after a failure.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// A log that a process follows once, whoever reads it. Everything but following goes to the log as it is.
pub struct OneFollower {
    log: Arc<dyn EventLog>,
    shared: Arc<Shared>,
    lifecycle: Lifecycle,
    /// Whether the one follower runs: it begins with the first reader.
    begun: AtomicBool,
}

/// What the one follower and the readers share.
struct Shared {
    /// The log as it is followed.
    log: Arc<dyn LogRead>,
    window: Window,
    reached: watch::Sender<Reached>,
}

/// How far the one follower is.
#[derive(Debug, Clone, Default)]
struct Reached {
    /// Raised whenever the log is followed anew: no reader trusts the window of another life.
    life: u64,
    /// Empty while the log is not followed.
    position: Position,
}

impl OneFollower {
    /// A log that is followed through `followed`: the same log, or one on a connection of its own. The one follower
    /// begins with the first reader and ends with the life cycle.
    pub fn new(log: Arc<dyn EventLog>, followed: Arc<dyn LogRead>, lifecycle: &Lifecycle) -> Self {
        let shared = Shared { log: followed, window: Window::default(), reached: watch::Sender::default() };
        Self { log, shared: Arc::new(shared), lifecycle: lifecycle.clone(), begun: AtomicBool::new(false) }
    }

    fn begin(&self) {
        if self.begun.swap(true, Ordering::SeqCst) {
            return;
        }
        let (shared, stop) = (Arc::clone(&self.shared), self.lifecycle.stop().clone());
        self.lifecycle.spawn(async move { stop.run_until_cancelled(shared.run()).await });
    }
}

impl fmt::Debug for OneFollower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OneFollower").field(&self.log).finish()
    }
}

// === impl Shared ===

impl Shared {
    /// Follows the log from its end, for ever. After a failure readers go on by themselves, and are told by the
    /// engine what became of their positions.
    async fn run(&self) {
        loop {
            let error = self.follow().await;
            self.restart(Position::default());
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the one follower of the log begins anew; readers follow by themselves meanwhile"
            );
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    /// Takes commits into the window until something fails.
    async fn follow(&self) -> FollowError {
        let end = match self.log.end().await {
            Ok(end) => end,
            Err(error) => return FollowError::Unavailable(Box::new(error)),
        };
        let follow = match self.log.follow(NAME, &Kind::ALL, end.clone()).await {
            Ok(follow) => follow,
            Err(error) => return error,
        };
        self.restart(end);
        let mut batches = Batches::new(follow, BATCH_COMMITS_MAX);
        while let Some(batch) = batches.next().await {
            let is_behind = is_large(&batch, COMMITS_BEHIND);
            if let Err(error) = self.take(batch) {
                return error;
            }
            if !is_behind {
                tokio::time::sleep(TAKE_EVERY).await;
            }
        }
        FollowError::Unavailable("the log stopped sending".into())
    }

    /// Begins another life, with an empty window after a position.
    fn restart(&self, position: Position) {
        self.window.clear();
        self.window.reach(&position);
        self.reached.send_modify(|reached| *reached = Reached { life: reached.life + 1, position });
    }

    fn take(&self, batch: Batch) -> Result<(), FollowError> {
        let mut position = self.reached.borrow().position.clone();
        for followed in batch {
            match followed? {
                Followed::Commit(commit, at) => {
                    position.advance(commit.stored().shard, at);
                    self.window.push([commit]);
                }
                Followed::Unreadable { shard, at, .. } => {
                    position.advance(shard, at);
                    self.window.pass_over(shard, at.revision);
                }
                Followed::CaughtUp(end) => {
                    self.window.reach(&end);
                    position = end;
                }
            }
        }
        self.reached.send_modify(|reached| reached.position = position);
        Ok(())
    }
}

// === impl LogRead and EventLog ===

#[async_trait]
impl LogRead for OneFollower {
    async fn tail(&self, stream: &StreamKey) -> Result<Option<Stored>, ReadError> {
        self.log.tail(stream).await
    }

    async fn tail_since(&self, stream: &StreamKey, seen: Tail) -> Result<TailSince, ReadError> {
        self.log.tail_since(stream, seen).await
    }

    async fn tail_place(&self, stream: &StreamKey) -> Result<Option<Tail>, ReadError> {
        self.log.tail_place(stream).await
    }

    async fn read(
        &self,
        stream: &StreamKey,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<Stored>, ReadError> {
        self.log.read(stream, after_version, limit).await
    }

    async fn read_at(&self, stream: &StreamKey, at: Tail) -> Result<Option<Stored>, ReadError> {
        self.log.read_at(stream, at).await
    }

    async fn follow(&self, name: &str, kinds: &[Kind], from: Position) -> Result<Follow, FollowError> {
        self.begin();
        let reached = self.shared.reached.subscribe();
        let own = self.shared.log.follow(name, kinds, from.clone()).await?;
        let reader = Reader {
            shared: Arc::clone(&self.shared),
            name: name.to_owned(),
            kinds: kinds.to_vec(),
            read: from,
            source: Source::Own { follow: own, caught_up: false, commits: 0 },
            reached,
            ready: VecDeque::new(),
            behind: false,
            ended: false,
        };
        Ok(Box::pin(stream::unfold(reader, |mut reader| async move {
            let next = reader.next().await?;
            Some((next, reader))
        })))
    }

    async fn end(&self) -> Result<Position, ReadError> {
        self.log.end().await
    }

    async fn missing(&self) -> Result<BTreeMap<u8, u64>, ReadError> {
        self.log.missing().await
    }

    fn unreadable(&self) -> Option<String> {
        self.shared.log.unreadable()
    }

    fn shards(&self) -> u8 {
        self.log.shards()
    }
}

#[async_trait]
impl EventLog for OneFollower {
    async fn append(&self, commit: NewCommit, expected: Expected) -> Result<Appended, AppendError> {
        self.log.append(commit, expected).await
    }
}

// === impl Reader ===

/// Where a reader's commits come from.
enum Source {
    /// From the log, by itself.
    Own {
        follow: Follow,
        /// Whether the reader was told once that it has everything that was there when it asked.
        caught_up: bool,
        /// Commits since it last looked whether it can join.
        commits: u32,
    },
    /// From the window, in one life of it.
    Window { life: u64 },
}

struct Reader {
    shared: Arc<Shared>,
    name: String,
    kinds: Vec<Kind>,
    read: Position,
    source: Source,
    reached: watch::Receiver<Reached>,
    ready: VecDeque<Followed>,
    /// Whether the reader was given commits from the window and not yet told that it is at the end.
    behind: bool,
    ended: bool,
}

impl Reader {
    async fn next(&mut self) -> Option<Result<Followed, FollowError>> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Some(Ok(ready));
            }
            if self.ended {
                return None;
            }
            let step = match &mut self.source {
                Source::Own { follow, caught_up, .. } => {
                    let caught_up = *caught_up;
                    tokio::select! {
                        biased;
                        met = follow.next() => self.meet(met),
                        _ = self.reached.changed(), if caught_up => {
                            self.join();
                            Ok(())
                        }
                    }
                }
                Source::Window { life } => {
                    let life = *life;
                    self.look(life).await
                }
            };
            if let Err(error) = step {
                self.ended = true;
                return Some(Err(error));
            }
        }
    }

    /// Takes what its own follower met.
    fn meet(&mut self, met: Option<Result<Followed, FollowError>>) -> Result<(), FollowError> {
        let followed =
            met.unwrap_or_else(|| Err(FollowError::Unavailable("the log stopped sending".into())))?;
        let at_end = match &followed {
            Followed::Commit(commit, at) => {
                self.read.advance(commit.stored().shard, *at);
                false
            }
            Followed::Unreadable { shard, at, .. } => {
                self.read.advance(*shard, *at);
                false
            }
            Followed::CaughtUp(end) => {
                self.read = end.clone();
                true
            }
        };
        self.ready.push_back(followed);
        if let Source::Own { caught_up, commits, .. } = &mut self.source {
            *caught_up |= at_end;
            *commits += 1;
            if *caught_up && (at_end || *commits >= JOIN_EVERY_COMMITS) {
                *commits = 0;
                self.join();
            }
        }
        Ok(())
    }

    /// Goes over to the window if it has everything that comes next. A reader that is before the one follower waits
    /// for it, since only a place that both have passed is certainly the same for both.
    fn join(&mut self) {
        let reached = self.reached.borrow_and_update().clone();
        let is_passed = |(shard, end): (&u8, &ShardPosition)| {
            self.read.0.get(shard).is_some_and(|read| {
                read.incarnation == end.incarnation
                    && read.revision <= end.revision
                    && self.shared.window.covers(*shard, read.revision)
            })
        };
        if !reached.position.0.is_empty() && reached.position.0.iter().all(is_passed) {
            self.source = Source::Window { life: reached.life };
        }
    }

    /// Reads a page of each shard that has more, or waits for one that does. A reader that fell out of the window
    /// follows by itself again.
    async fn look(&mut self, life: u64) -> Result<(), FollowError> {
        let reached = self.reached.borrow_and_update().clone();
        if reached.life != life {
            return self.leave().await;
        }
        let mut moved = false;
        for (&shard, end) in &reached.position.0 {
            let read = self.read.0.get(&shard).map_or(0, |read| read.revision);
            if end.revision <= read {
                continue;
            }
            let Some(page) = self.shared.window.page(shard, (read, end.revision), &self.kinds) else {
                return self.leave().await;
            };
            self.read.advance(shard, ShardPosition { revision: page.reached, ..*end });
            self.ready.extend(page.followed(shard, end.incarnation));
            moved = true;
        }
        self.behind |= moved;
        if moved {
            return Ok(());
        }
        if self.behind {
            self.behind = false;
            self.ready.push_back(Followed::CaughtUp(self.read.clone()));
            return Ok(());
        }
        self.reached.changed().await.map_err(|closed| FollowError::Unavailable(Box::new(closed)))
    }

    /// Follows by itself from where it is.
    async fn leave(&mut self) -> Result<(), FollowError> {
        tracing::debug!(reader = self.name, "a reader of the log is behind and follows by itself");
        let follow = self.shared.log.follow(&self.name, &self.kinds, self.read.clone()).await?;
        // It was told so before it joined.
        self.source = Source::Own { follow, caught_up: true, commits: 0 };
        Ok(())
    }
}
