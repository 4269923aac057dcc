//! The port of what is published about the log: checkpoints, and the keys that sign them.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use thiserror::Error;

use crate::port::Source;

/// What is published cannot be read or written at this moment; a retry helps when the store works.
#[derive(Debug, Error)]
#[error("the store of checkpoints is not available")]
pub struct CheckpointError(#[source] pub Source);

/// An entry of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number: later entries of the topic have higher ones, and none has 0.
    pub number: u64,
    /// What was published.
    pub value: Bytes,
}

/// Bytes of the longest entry.
pub const ENTRY_BYTES_MAX: usize = 16 * 1_024;

/// Lists that only grow, one for each topic (letters, digits and `-`), apart from the log that they are about. Nobody
/// changes an entry or takes one away.
#[async_trait]
pub trait Checkpoints: fmt::Debug + Send + Sync + 'static {
    /// The last entry of a topic.
    async fn last(&self, topic: &str) -> Result<Option<Entry>, CheckpointError>;

    /// Entries of a topic after a number, in their order, at most `limit`.
    async fn read(&self, topic: &str, after: u64, limit: usize) -> Result<Vec<Entry>, CheckpointError>;

    /// Adds an entry durably if the last one of the topic has this number (0: there is none), and gives its number.
    /// None if somebody else was first: read again.
    async fn publish(&self, topic: &str, value: Bytes, expected: u64)
    -> Result<Option<u64>, CheckpointError>;
}
