//! What the engines inside one process have in common: the check of a start position and the follower.

use std::{collections::VecDeque, sync::Arc};

use async_trait::async_trait;
use berth_proto::{Kind, codec::PRELUDE_BYTES, limits};
use futures::stream;
use tokio::sync::watch;

use crate::{
    port::{
        AppendError, Follow, FollowError, Followed, NewCommit, Position, ReadError, ShardPosition, Stored,
    },
    shared::SharedCommit,
};

/// Commits that a follower reads from a shard at once.
pub(crate) const FOLLOW_PAGE_COMMITS_MAX: usize = 512;
/// Bytes after which a follower's page ends.
pub(crate) const FOLLOW_PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of a stored commit: its bound and the prelude before it.
pub(crate) const STORED_BYTES_MAX: usize = limits::COMMIT_BYTES_MAX + PRELUDE_BYTES;

/// Refuses a commit that no engine takes.
pub(crate) const fn check_size(commit: &NewCommit) -> Result<(), AppendError> {
    let bytes = commit.payload.len();
    if bytes > STORED_BYTES_MAX { Err(AppendError::TooLarge { bytes }) } else { Ok(()) }
}

/// Where a shard is, against where a reader of it was.
pub(crate) fn check_start(shard: u8, from: ShardPosition, end: ShardPosition) -> Result<(), FollowError> {
    if from.incarnation != end.incarnation {
        return Err(FollowError::Recreated { shard });
    }
    if from.revision > end.revision {
        return Err(FollowError::RolledBack { shard, end: end.revision, position: from.revision });
    }
    Ok(())
}

/// Commits of one shard in their order.
#[derive(Debug)]
pub(crate) struct Page {
    /// Those of the wanted kinds.
    pub(crate) commits: Vec<Arc<SharedCommit>>,
    /// The revision after which nothing up to the end of the page can be given; such a page has no commits.
    pub(crate) unreadable: Option<u64>,
    /// The last revision that was looked at, wanted or not.
    pub(crate) reached: u64,
}

impl Page {
    /// Goes on to a commit, which is in the page if it is of the wanted kinds.
    pub(crate) fn take(&mut self, stored: Stored, kinds: &[Kind]) {
        self.reached = stored.tail.revision;
        if kinds.contains(&stored.stream.kind()) {
            self.commits.push(Arc::new(stored.into()));
        }
    }

    /// The same page with some kinds of its commits.
    pub(crate) fn of_kinds(&self, kinds: &[Kind]) -> Self {
        let wanted = self.commits.iter().filter(|commit| kinds.contains(&commit.stored().stream.kind()));
        Self { commits: wanted.cloned().collect(), unreadable: self.unreadable, reached: self.reached }
    }

    /// What a follower of this life of the shard meets in it.
    pub(crate) fn followed(self, shard: u8, incarnation: u64) -> impl Iterator<Item = Followed> {
        let at = ShardPosition { incarnation, revision: self.reached };
        let passed_over = self.unreadable.map(|after| Followed::Unreadable { shard, after, at });
        let commits = self.commits.into_iter().map(move |commit| {
            let revision = commit.stored().tail.revision;
            Followed::Commit(commit, ShardPosition { incarnation, revision })
        });
        commits.chain(passed_over)
    }
}

/// The last revision of each shard, as the writer tells it; its index is the shard.
pub(crate) type Ends = Arc<[u64]>;

/// A log in this process that can be read shard by shard.
#[async_trait]
pub(crate) trait Local: Send + Sync + 'static {
    /// Held by a follower that is behind: what the log keeps for such followers goes when the last one lets go of it.
    type Behind: Send + 'static;

    /// A follower is behind.
    fn behind(&self) -> Self::Behind;

    /// The next page of a shard after a revision and up to another one: what is stored later than the end
    /// that the follower knows of is left for its next look. What cannot be given is a page of its own.
    async fn page(&self, shard: u8, after: u64, up_to: u64, kinds: &[Kind]) -> Result<Page, ReadError>;
}

/// What a follower carries from one step to the next.
struct Follower<L: Local> {
    log: L,
    kinds: Vec<Kind>,
    incarnation: u64,
    /// The last revision read of each shard.
    read: Vec<u64>,
    /// The shard that is looked at next.
    next: usize,
    ends: watch::Receiver<Ends>,
    /// What is left of the last page.
    ready: VecDeque<Followed>,
    /// Whether the reader has not yet been told that it is at the end.
    behind: bool,
    /// There from its first page until then.
    reading: Option<L::Behind>,
    ended: bool,
}

/// Follows a log in this process.
pub(crate) fn follow<L: Local>(
    log: L,
    incarnation: u64,
    kinds: &[Kind],
    from: &Position,
    mut ends: watch::Receiver<Ends>,
) -> Result<Follow, FollowError> {
    let known = ends.borrow_and_update().clone();
    let mut read = Vec::with_capacity(known.len());
    for (shard, &revision) in (0..).zip(known.iter()) {
        let start = from.0.get(&shard).copied();
        if let Some(start) = start {
            check_start(shard, start, ShardPosition { incarnation, revision })?;
        }
        read.push(start.map_or(0, |start| start.revision));
    }
    let follower = Follower {
        log,
        kinds: kinds.to_vec(),
        incarnation,
        read,
        next: 0,
        ends,
        ready: VecDeque::new(),
        behind: true,
        reading: None,
        ended: false,
    };
    Ok(Box::pin(stream::unfold(follower, |mut follower| async move {
        let next = follower.next().await?;
        Some((next, follower))
    })))
}

impl<L: Local> Follower<L> {
    async fn next(&mut self) -> Option<Result<Followed, FollowError>> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Some(Ok(ready));
            }
            if self.ended {
                return None;
            }
            if let Err(error) = self.step().await {
                self.ended = true;
                return Some(Err(error));
            }
        }
    }

    /// Reads a page of the next shard that has more, or waits for one that does.
    async fn step(&mut self) -> Result<(), FollowError> {
        let ends = self.ends.borrow_and_update().clone();
        for _ in 0..ends.len() {
            let at = self.next;
            self.next = (at + 1) % ends.len();
            let (Some(&end), Some(read)) = (ends.get(at), self.read.get_mut(at)) else { continue };
            let shard = u8::try_from(at).unwrap_or(u8::MAX);
            if end < *read {
                return Err(FollowError::RolledBack { shard, end, position: *read });
            }
            if end == *read {
                continue;
            }
            self.reading.get_or_insert_with(|| self.log.behind());
            let page = self.log.page(shard, *read, end, &self.kinds).await.map_err(unavailable)?;
            *read = page.reached.max(*read);
            self.behind = true;
            self.ready.extend(page.followed(shard, self.incarnation));
            return Ok(());
        }
        self.reading = None;
        if std::mem::take(&mut self.behind) {
            self.ready.push_back(Followed::CaughtUp(self.position()));
            return Ok(());
        }
        self.ends.changed().await.map_err(|closed| FollowError::Unavailable(Box::new(closed)))?;
        Ok(())
    }

    fn position(&self) -> Position {
        let incarnation = self.incarnation;
        let shards = (0..).zip(&self.read);
        Position(shards.map(|(shard, &revision)| (shard, ShardPosition { incarnation, revision })).collect())
    }
}

fn unavailable(error: ReadError) -> FollowError {
    FollowError::Unavailable(Box::new(error))
}
