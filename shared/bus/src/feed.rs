//! The public events, kept for a while in one sequence: for subscribers that were away.
//!
//! It follows from the log and can be made from it again. A deployment of one process has none: there is nobody on a bus.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use berth_proto::Partition;
use bytes::Bytes;
use thiserror::Error;

use crate::port::Source;

/// How long an event is kept.
pub const FEED_AGE_MAX: Duration = Duration::from_hours(7 * 24);
/// Events that are kept at most; beyond them the oldest go early.
pub const FEED_EVENTS_MAX: u32 = 10_000_000;

/// The feed does not work at this moment; a retry helps when it does.
#[derive(Debug, Error)]
#[error("the feed of public events is not available")]
pub struct FeedError(#[source] pub Source);

/// The last event of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastEvent {
    /// Its place in the feed.
    pub sequence: u64,
    /// The event.
    pub payload: Bytes,
}

/// See the module.
#[async_trait]
pub trait EventFeed: fmt::Debug + Send + Sync + 'static {
    /// The last event of a subject that is kept.
    async fn last(&self, subject: &str) -> Result<Option<LastEvent>, FeedError>;

    /// Appends an event durably, if the last one of its subject still has the place `after` (0: there is none), and tells it
    /// to whoever hears the subject now. Gives its place; none if another one stands there. `id` is by which subscribers
    /// know an event that they had before.
    async fn add(
        &self,
        subject: &str,
        id: &str,
        payload: Bytes,
        after: u64,
    ) -> Result<Option<u64>, FeedError>;

    /// What was noted last of a partition.
    async fn noted(&self, partition: Partition) -> Result<Option<Bytes>, FeedError>;

    /// Notes up to where the events of a partition are in the feed: for whoever goes on with it.
    async fn note(&self, partition: Partition, mark: Bytes) -> Result<(), FeedError>;
}
