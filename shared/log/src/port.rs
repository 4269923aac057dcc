//! The port: what every engine of the log can do.
//!
//! # Adding an engine
//! Implement [`LogRead`] and [`EventLog`] and run the contract suite of this crate against it. The rules
//! that the suite checks are written at the methods.

use std::{collections::BTreeMap, fmt, pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use berth_proto::{CommandId, Kind, StreamKey};
use bytes::Bytes;
use futures::Stream;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::shared::SharedCommit;

/// The end of a stream as somebody saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tail {
    /// The version of its last commit.
    pub version: u64,
    /// The engine's own number of that commit; opaque.
    pub revision: u64,
}

/// The end of a stream, against one that was seen before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TailSince {
    /// It is the same.
    Same,
    /// It is another one, or not known to be the same: the last commit; none if the stream is empty.
    Other(Option<Stored>),
}

/// What an append builds on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// The stream has no commit.
    Empty,
    /// This is the last commit of the stream.
    After(Tail),
}

impl Expected {
    /// The version that the appended commit must have.
    pub const fn next_version(self) -> u64 {
        match self {
            Self::Empty => 1,
            Self::After(tail) => tail.version + 1,
        }
    }
}

/// A commit to be appended.
#[derive(Debug, Clone)]
pub struct NewCommit {
    /// The stream.
    pub stream: StreamKey,
    /// The version of the commit: gapless, 1 for the first.
    pub version: u64,
    /// The first command that it answers, for the message header; none if it answers none.
    pub command_id: Option<CommandId>,
    /// The W3C trace context of this hop.
    pub traceparent: Option<String>,
    /// The encoded [`berth_proto::CommitV2`], stored as it is.
    pub payload: Bytes,
}

/// A commit that is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The new tail of the stream.
    pub tail: Tail,
    /// The shard of the log that it went to.
    pub shard: u8,
}

/// A commit as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The stream.
    pub stream: StreamKey,
    /// Its version and revision. The version is read from the payload's decoded commit where the engine
    /// has no cheaper place; 0 if the payload is damaged beyond reading.
    pub tail: Tail,
    /// The shard of the log that it lies in.
    pub shard: u8,
    /// The exact stored bytes.
    pub payload: Bytes,
    /// Whether the engine knows that somebody else put them there: nothing is built on them. The version is 0 then.
    pub forged: bool,
}

/// How far a reader of one shard is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardPosition {
    /// Which life of the shard: a recreated one has another.
    pub incarnation: u64,
    /// The last revision that was read, 0 for none.
    pub revision: u64,
}

/// How far a reader of the whole log is, shard by shard. A shard that is absent was not read at all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Position(pub BTreeMap<u8, ShardPosition>);

impl Position {
    /// Whether a reader here has read everything up to `other`.
    pub fn covers(&self, other: &Self) -> bool {
        other.0.iter().all(|(shard, there)| {
            there.revision == 0
                || self.0.get(shard).is_some_and(|here| {
                    here.incarnation == there.incarnation && here.revision >= there.revision
                })
        })
    }

    /// Notes that the reader has read a commit.
    pub fn advance(&mut self, shard: u8, to: ShardPosition) {
        self.0.insert(shard, to);
    }
}

/// A commit could not be appended.
#[derive(Debug, Error)]
pub enum AppendError {
    /// Another commit was there first. Nothing was stored: reload and decide again.
    #[error("{stream} has moved on")]
    Conflict {
        /// The stream.
        stream: StreamKey,
    },
    /// Whether the commit is stored is not known. Reload the tail and look before anything else.
    #[error("whether the commit of {stream} is stored is not known")]
    Unknown {
        /// The stream.
        stream: StreamKey,
        /// What happened.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The log cannot take it now; nothing was stored.
    #[error("the log is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The disk or the stream is full; nothing was stored.
    #[error("the log is full")]
    Full(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The commit is larger than the log takes; nothing was stored.
    #[error("a commit of {bytes} bytes is too large")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
}

/// A read failed. A retry helps unless it says otherwise.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The log does not answer.
    #[error("the log is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store is damaged where it was read; a retry does not help.
    #[error("the store of the log is damaged")]
    Damaged(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Following failed.
#[derive(Debug, Error)]
pub enum FollowError {
    /// The log does not answer; follow again from the last position.
    #[error("the log is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The shard is another one than the position is of: it was recreated.
    #[error("shard {shard} of the log was recreated")]
    Recreated {
        /// The shard.
        shard: u8,
    },
    /// The shard ends before the position: acknowledged commits are lost. Build nothing on it.
    #[error(
        "shard {shard} of the log ends at {end}, behind {position}, which was read before: commits are lost"
    )]
    RolledBack {
        /// The shard.
        shard: u8,
        /// Its end.
        end: u64,
        /// Where the reader was.
        position: u64,
    },
}

/// What a follower meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Followed {
    /// A commit, and the position of its shard after it.
    Commit(Arc<SharedCommit>, ShardPosition),
    /// The engine cannot give what lies between two places: nothing is ever removed, so it is damaged or lost. It has
    /// been named to the operator; the reader goes on behind it.
    Unreadable {
        /// The shard.
        shard: u8,
        /// The last revision before it.
        after: u64,
        /// The position of the shard after it.
        at: ShardPosition,
    },
    /// Everything that was there when the follower asked has been read; said once, and again after each
    /// time it fell behind. Every shard has a position then.
    CaughtUp(Position),
}

/// A running follower: commits of each shard in their order, for ever.
pub type Follow = Pin<Box<dyn Stream<Item = Result<Followed, FollowError>> + Send>>;

/// Reading the log.
#[async_trait]
pub trait LogRead: fmt::Debug + Send + Sync + 'static {
    /// The last commit of a stream, read where every acknowledged append is visible (the leader).
    async fn tail(&self, stream: &StreamKey) -> Result<Option<Stored>, ReadError>;

    /// The same, unless the last commit still is the one that was seen and the engine can tell that without reading it: then it
    /// is not found out either that its bytes were damaged since. An engine that has to read gives what it read.
    async fn tail_since(&self, stream: &StreamKey, _seen: Tail) -> Result<TailSince, ReadError> {
        self.tail(stream).await.map(TailSince::Other)
    }

    /// Where the last commit of a stream lies, also if the store cannot give that commit itself.
    async fn tail_place(&self, stream: &StreamKey) -> Result<Option<Tail>, ReadError> {
        Ok(self.tail(stream).await?.map(|stored| stored.tail))
    }

    /// Commits of a stream in their order, after the commit with the version `after_version` (0: from the
    /// first), at most `limit`.
    async fn read(
        &self,
        stream: &StreamKey,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<Stored>, ReadError>;

    /// The commit of a stream with this version; none if there is no such commit. The revision is where it once
    /// lay: a hint for an engine that knows no versions, which it must check.
    async fn read_at(&self, stream: &StreamKey, at: Tail) -> Result<Option<Stored>, ReadError> {
        let page = self.read(stream, at.version.saturating_sub(1), 1).await?;
        Ok(page.into_iter().next().filter(|found| found.tail.version == at.version))
    }

    /// Commits of these kinds after a position, then every new one. `name` names the reader (letters,
    /// digits and `-`), for the operator who lists consumers.
    async fn follow(&self, name: &str, kinds: &[Kind], from: Position) -> Result<Follow, FollowError>;

    /// The end of the log.
    async fn end(&self) -> Result<Position, ReadError>;

    /// How many commits are gone from before the end of each shard, as far as the engine itself can tell without reading
    /// them; a shard that lacks none is absent. Nothing is ever removed from a log, so each one is a loss.
    async fn missing(&self) -> Result<BTreeMap<u8, u64>, ReadError>;

    /// What followers of this process had to pass over, in words; none if they could read everything.
    fn unreadable(&self) -> Option<String>;

    /// The number of shards, fixed at the first start.
    fn shards(&self) -> u8;
}

/// Appending to the log.
#[async_trait]
pub trait EventLog: LogRead {
    /// Stores a commit durably if the stream is as expected.
    ///
    /// On a conflict or a time-out the adapter itself reads the stream and looks for this very payload, so
    /// that `Conflict` means "not mine" and a retried append that was stored answers like the first.
    async fn append(&self, commit: NewCommit, expected: Expected) -> Result<Appended, AppendError>;

    /// Stores what somebody put into another log and the deployment did not write: it stays so here. Refused by an engine that nobody
    /// else writes to, and which knows no such commits.
    async fn append_forged(&self, commit: NewCommit, _: Expected) -> Result<Appended, AppendError> {
        Err(AppendError::Unavailable(
            format!("a forged commit of {} has no place here", commit.stream).into(),
        ))
    }
}

/// How long an adapter tries to learn the fate of an append before it answers [`AppendError::Unknown`].
pub const APPEND_RESOLVE_MAX: Duration = Duration::from_secs(10);
