//! A log over another one that does some things otherwise: what a story does not change goes through.

use std::{collections::BTreeMap, fmt, ops::Deref};

use async_trait::async_trait;
use berth_log::{
    AppendError, Appended, EventLog, Expected, Follow, FollowError, LogRead, NewCommit, Position, ReadError,
    Stored, Tail, TailSince,
};
use berth_proto::{Kind, StreamKey};

/// What a story changes of a log; all else goes to the one beneath.
#[async_trait]
pub trait LogDouble: fmt::Debug + Send + Sync + 'static {
    /// The log beneath.
    fn beneath(&self) -> &dyn EventLog;

    /// See [`LogRead::tail`].
    async fn tail(&self, stream: &StreamKey) -> Result<Option<Stored>, ReadError> {
        self.beneath().tail(stream).await
    }

    /// See [`LogRead::tail_since`]: what it gives is read with [`Self::tail`].
    async fn tail_since(&self, stream: &StreamKey, _seen: Tail) -> Result<TailSince, ReadError> {
        self.tail(stream).await.map(TailSince::Other)
    }

    /// See [`LogRead::read`].
    async fn read(&self, stream: &StreamKey, after: u64, limit: usize) -> Result<Vec<Stored>, ReadError> {
        self.beneath().read(stream, after, limit).await
    }

    /// See [`LogRead::read_at`]: what it gives is read with [`Self::read`].
    async fn read_at(&self, stream: &StreamKey, at: Tail) -> Result<Option<Stored>, ReadError> {
        let page = self.read(stream, at.version.saturating_sub(1), 1).await?;
        Ok(page.into_iter().next().filter(|found| found.tail.version == at.version))
    }

    /// See [`LogRead::follow`].
    async fn follow(&self, name: &str, kinds: &[Kind], from: Position) -> Result<Follow, FollowError> {
        self.beneath().follow(name, kinds, from).await
    }

    /// See [`LogRead::end`].
    async fn end(&self) -> Result<Position, ReadError> {
        self.beneath().end().await
    }

    /// See [`EventLog::append`].
    async fn append(&self, commit: NewCommit, expected: Expected) -> Result<Appended, AppendError> {
        self.beneath().append(commit, expected).await
    }
}

/// The log that a double makes.
#[derive(Debug)]
pub struct Doubled<D>(pub D);

impl<D> Deref for Doubled<D> {
    type Target = D;

    fn deref(&self) -> &D {
        &self.0
    }
}

#[async_trait]
impl<D: LogDouble> LogRead for Doubled<D> {
    async fn tail(&self, stream: &StreamKey) -> Result<Option<Stored>, ReadError> {
        self.0.tail(stream).await
    }

    async fn tail_since(&self, stream: &StreamKey, seen: Tail) -> Result<TailSince, ReadError> {
        self.0.tail_since(stream, seen).await
    }

    async fn read(&self, stream: &StreamKey, after: u64, limit: usize) -> Result<Vec<Stored>, ReadError> {
        self.0.read(stream, after, limit).await
    }

    async fn read_at(&self, stream: &StreamKey, at: Tail) -> Result<Option<Stored>, ReadError> {
        self.0.read_at(stream, at).await
    }

    async fn follow(&self, name: &str, kinds: &[Kind], from: Position) -> Result<Follow, FollowError> {
        self.0.follow(name, kinds, from).await
    }

    async fn end(&self) -> Result<Position, ReadError> {
        self.0.end().await
    }

    async fn missing(&self) -> Result<BTreeMap<u8, u64>, ReadError> {
        self.0.beneath().missing().await
    }

    fn unreadable(&self) -> Option<String> {
        self.0.beneath().unreadable()
    }

    fn shards(&self) -> u8 {
        self.0.beneath().shards()
    }
}

#[async_trait]
impl<D: LogDouble> EventLog for Doubled<D> {
    async fn append(&self, commit: NewCommit, expected: Expected) -> Result<Appended, AppendError> {
        self.0.append(commit, expected).await
    }
}
