//! A bounded sequence of records that every replica of a role follows into a store of its own.
//!
//! A deployment of one process has none: there is one store, and nobody else to tell.

use std::{fmt, pin::Pin, time::Duration};

use async_trait::async_trait;
use berth_proto::Partition;
use bytes::Bytes;
use futures::Stream;
use thiserror::Error;

use crate::port::Source;

/// How long a record is kept.
pub const RELAY_AGE_MAX: Duration = Duration::from_hours(30 * 24);
/// Bytes of all records that one who has a store of its own keeps there; beyond them the oldest go early.
pub const RELAY_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// The relay does not work at this moment; a retry helps when it does.
#[derive(Debug, Error)]
#[error("the relay of records is not available")]
pub struct RelayError(#[source] pub Source);

/// A record and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relayed {
    /// Its place: later ones have greater ones.
    pub sequence: u64,
    /// The record.
    pub record: Bytes,
}

/// How far a relay goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayEnd {
    /// Another number if the relay was lost and made anew: places of the former one mean nothing in it.
    pub incarnation: u64,
    /// The place of the oldest record that is kept; one more than the last place if there is none.
    pub first: u64,
    /// The place of the last record; 0 if there was none.
    pub last: u64,
}

/// Records as they come. After an error it is to be followed again, from where it got to.
pub type Following = Pin<Box<dyn Stream<Item = Result<Relayed, RelayError>> + Send>>;

/// See the module.
#[async_trait]
pub trait Relay: fmt::Debug + Send + Sync + 'static {
    /// Appends a record durably, and gives its place.
    async fn append(&self, partition: Partition, record: Bytes) -> Result<u64, RelayError>;

    /// How far it goes now.
    async fn end(&self) -> Result<RelayEnd, RelayError>;

    /// The records after a place, those that are kept, in order, and those that come. `name` says who follows.
    async fn follow(&self, name: &str, after: u64) -> Result<Following, RelayError>;
}
