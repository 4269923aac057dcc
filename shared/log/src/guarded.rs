//! A log that refuses everything while somebody knows that it is not the one that was seen.

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use berth_proto::{Kind, StreamKey};
use thiserror::Error;
use tokio::sync::watch;

use crate::port::{
    AppendError, Appended, EventLog, Expected, Follow, FollowError, LogRead, NewCommit, Position, ReadError,
    Stored, Tail, TailSince,
};

/// Why nothing is built on the log; none while there is no doubt.
pub type Halted = Option<Arc<str>>;

/// Nothing is built on the log: acknowledged commits are lost. A retry helps when the log is restored.
#[derive(Debug, Error)]
#[error("nothing is built on the log: {0}")]
struct HaltedError(Arc<str>);

/// A log behind a gate that whoever watches its high-water mark closes. Reads are refused, too: a log without
/// its commits would answer that there is nothing. The end can be asked for, which is how the mark is compared.
pub struct GuardedLog {
    log: Arc<dyn EventLog>,
    halted: watch::Receiver<Halted>,
}

impl GuardedLog {
    /// A log that is refused while `halted` says why.
    pub const fn new(log: Arc<dyn EventLog>, halted: watch::Receiver<Halted>) -> Self {
        Self { log, halted }
    }

    fn halted(&self) -> Option<Box<dyn std::error::Error + Send + Sync>> {
        Some(Box::new(HaltedError(self.halted.borrow().clone()?)))
    }

    fn readable(&self) -> Result<(), ReadError> {
        self.halted().map_or(Ok(()), |why| Err(ReadError::Unavailable(why)))
    }
}

impl fmt::Debug for GuardedLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GuardedLog").field(&self.log).finish()
    }
}

#[async_trait]
impl LogRead for GuardedLog {
    async fn tail(&self, stream: &StreamKey) -> Result<Option<Stored>, ReadError> {
        self.readable()?;
        self.log.tail(stream).await
    }

    async fn tail_since(&self, stream: &StreamKey, seen: Tail) -> Result<TailSince, ReadError> {
        self.readable()?;
        self.log.tail_since(stream, seen).await
    }

    async fn tail_place(&self, stream: &StreamKey) -> Result<Option<Tail>, ReadError> {
        self.readable()?;
        self.log.tail_place(stream).await
    }

    async fn read_at(&self, stream: &StreamKey, at: Tail) -> Result<Option<Stored>, ReadError> {
        self.readable()?;
        self.log.read_at(stream, at).await
    }

    async fn read(
        &self,
        stream: &StreamKey,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<Stored>, ReadError> {
        self.readable()?;
        self.log.read(stream, after_version, limit).await
    }

    async fn follow(&self, name: &str, kinds: &[Kind], from: Position) -> Result<Follow, FollowError> {
        self.log.follow(name, kinds, from).await
    }

    async fn end(&self) -> Result<Position, ReadError> {
        self.log.end().await
    }

    async fn missing(&self) -> Result<BTreeMap<u8, u64>, ReadError> {
        self.log.missing().await
    }

    fn unreadable(&self) -> Option<String> {
        self.log.unreadable()
    }

    fn shards(&self) -> u8 {
        self.log.shards()
    }
}

#[async_trait]
impl EventLog for GuardedLog {
    async fn append(&self, commit: NewCommit, expected: Expected) -> Result<Appended, AppendError> {
        if let Some(why) = self.halted() {
            return Err(AppendError::Unavailable(why));
        }
        self.log.append(commit, expected).await
    }
}
