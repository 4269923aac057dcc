//! A log that does not say where it ends until a story lets it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use berth_log::{Follow, FollowError, LogRead, Position, ReadError, Stored, memory::MemoryLog};
use berth_proto::{Kind, StreamKey};

/// The log. A clone is the same one.
#[derive(Debug, Clone)]
pub(crate) struct LateLog {
    log: MemoryLog,
    answers: Arc<AtomicBool>,
}

impl LateLog {
    pub(crate) fn new(log: MemoryLog) -> Self {
        Self { log, answers: Arc::default() }
    }

    /// Lets it answer from now on.
    pub(crate) fn answer(&self) {
        self.answers.store(true, Ordering::SeqCst);
    }
}

#[async_trait]
impl LogRead for LateLog {
    async fn tail(&self, stream: &StreamKey) -> Result<Option<Stored>, ReadError> {
        self.log.tail(stream).await
    }

    async fn read(&self, stream: &StreamKey, after: u64, limit: usize) -> Result<Vec<Stored>, ReadError> {
        self.log.read(stream, after, limit).await
    }

    async fn follow(&self, name: &str, kinds: &[Kind], from: Position) -> Result<Follow, FollowError> {
        self.log.follow(name, kinds, from).await
    }

    async fn end(&self) -> Result<Position, ReadError> {
        if self.answers.load(Ordering::SeqCst) {
            return self.log.end().await;
        }
        Err(ReadError::Unavailable("it is late".into()))
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
