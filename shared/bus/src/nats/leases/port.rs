//! What members and claims are kept in: values by subject, read at the leader and written by compare and set.
//!
//! How members and claims behave must not depend on a server to be seen: it is the same over a bucket of NATS and over
//! one in the memory of a simulation.

use std::{fmt, time::Duration};

use async_nats::Client;
use async_trait::async_trait;
use bytes::Bytes;

use super::{
    super::{
        stream::{OpenError, StreamError},
        table::Table,
    },
    bucket,
    cluster::survey,
};
use crate::cluster::Engine;

/// A value that stands in the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastValue {
    /// The value.
    pub payload: Bytes,
    /// The bucket's number of it: later ones have greater ones.
    pub sequence: u64,
}

/// See the module.
#[async_trait]
pub trait LeaseBucket: fmt::Debug + Send + Sync + 'static {
    /// What stands at a subject.
    async fn last(&self, subject: &str) -> Result<Option<LastValue>, StreamError>;

    /// The subjects of a filter at which something stands.
    async fn subjects(&self, filter: &str) -> Result<Vec<String>, StreamError>;

    /// Puts a value and gives its number. With `expected`, only if what stands there has that number (0: nothing does), else
    /// [`StreamError::Conflict`]. With `ttl` (whole seconds) it disappears after that time.
    async fn write(
        &self,
        subject: &str,
        payload: Bytes,
        expected: Option<u64>,
        ttl: Option<Duration>,
    ) -> Result<u64, StreamError>;

    /// Makes the bucket again if it was lost since it was opened.
    async fn restore(&self) -> Result<(), OpenError>;

    /// The engine that keeps it, with those of these streams that are there.
    async fn engine(&self, streams: &[String]) -> Engine;
}

/// The bucket on NATS.
#[derive(Debug)]
pub(super) struct NatsBucket {
    client: Client,
    replicas: usize,
    /// As it was found at the start.
    table: Table,
}

// === impl NatsBucket ===

impl NatsBucket {
    pub(super) async fn open(client: Client, replicas: usize) -> Result<Self, OpenError> {
        let table = bucket::open(client.clone(), replicas).await?;
        Ok(Self { client, replicas, table })
    }
}

#[async_trait]
impl LeaseBucket for NatsBucket {
    async fn last(&self, subject: &str) -> Result<Option<LastValue>, StreamError> {
        let last = self.table.last(subject).await?;
        Ok(last.map(|message| LastValue { payload: message.payload, sequence: message.sequence }))
    }

    async fn subjects(&self, filter: &str) -> Result<Vec<String>, StreamError> {
        self.table.subjects(filter).await
    }

    async fn write(
        &self,
        subject: &str,
        payload: Bytes,
        expected: Option<u64>,
        ttl: Option<Duration>,
    ) -> Result<u64, StreamError> {
        self.table.write(subject, payload, expected, ttl).await
    }

    async fn restore(&self) -> Result<(), OpenError> {
        bucket::open(self.client.clone(), self.replicas).await.map(drop)
    }

    async fn engine(&self, streams: &[String]) -> Engine {
        survey(&self.client, streams).await
    }
}
