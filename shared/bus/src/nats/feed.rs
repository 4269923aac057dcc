//! The public events in a stream that drops what is old: seven days, and ten million events at most. Their number is bounded
//! and not their bytes, since a server keeps as many bytes free for a stream as it may have, and a small one has none to spare.
//!
//! An event names the one before it of its instance (`Nats-Expected-Last-Subject-Sequence`), so nothing that comes late or
//! twice gets in. How far a partition is stands in the bucket of the leases, where its owner may write.

use std::time::Duration;

use async_nats::{
    Client,
    jetstream::{
        consumer::{AckPolicy, DeliverPolicy, pull},
        stream::{Config, DiscardPolicy, StorageType},
    },
};
use async_trait::async_trait;
use berth_proto::{
    AccountId, Partition,
    subject::{EVENTS_FILTER, events_filter},
};
use bytes::Bytes;

use super::{
    leases::lease_bucket,
    stream::{OpenError, StreamError, settings},
    table::Table,
};
use crate::feed::{EventFeed, FEED_AGE_MAX, FEED_EVENTS_MAX, FeedError, LastEvent};

/// The name of the stream.
pub const FEED_STREAM: &str = "BERTH_EVENTS";
/// How long the server knows the ids of events by itself.
const IDS_KNOWN: Duration = Duration::from_mins(2);
/// How long one call to NATS may take.
const CALL_MAX: Duration = Duration::from_secs(5);
/// How long a reader may work on an event before it is given out again.
const ACK_WAIT: Duration = Duration::from_secs(30);
/// Events that a reader may have without having said that it is done with them.
const UNACKNOWLEDGED_MAX: i64 = 1_000;

/// The feed on NATS.
#[derive(Debug, Clone)]
pub struct NatsFeed {
    events: Table,
    marks: Table,
}

impl NatsFeed {
    /// Finds or makes the stream and the bucket, with that number of replicas.
    pub async fn open(client: Client, replicas: usize) -> Result<Self, OpenError> {
        let events = Config {
            storage: StorageType::File,
            max_age: FEED_AGE_MAX,
            max_messages: i64::from(FEED_EVENTS_MAX),
            discard: DiscardPolicy::Old,
            duplicate_window: IDS_KNOWN,
            ..settings(FEED_STREAM, EVENTS_FILTER, replicas)
        };
        let events = Table::open(client.clone(), &events, CALL_MAX).await?;
        Ok(Self { events, marks: lease_bucket(client, replicas).await? })
    }

    /// Finds or makes the durable consumer of a reader of an account: 1 is the account's first one.
    pub async fn make_reader(&self, account: AccountId, number: u8) -> Result<(), StreamError> {
        let name = reader_name(account, number);
        let config = pull::Config {
            name: Some(name.clone()),
            durable_name: Some(name),
            description: Some("A reader of the public events of an account of Berth.".to_owned()),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_ack_pending: UNACKNOWLEDGED_MAX,
            filter_subject: events_filter(account),
            ..pull::Config::default()
        };
        self.events.consumer(config).await.map(drop)
    }
}

/// The name of the durable consumer of a reader of an account.
pub fn reader_name(account: AccountId, number: u8) -> String {
    format!("{account}-{number}")
}

/// Where it stands how far a partition is.
fn mark_subject(partition: Partition) -> String {
    format!("$KV.berth_leases.fed.projections.{partition}")
}

#[async_trait]
impl EventFeed for NatsFeed {
    async fn last(&self, subject: &str) -> Result<Option<LastEvent>, FeedError> {
        let last = self.events.last(subject).await?;
        Ok(last.map(|message| LastEvent { sequence: message.sequence, payload: message.payload }))
    }

    async fn add(
        &self,
        subject: &str,
        id: &str,
        payload: Bytes,
        after: u64,
    ) -> Result<Option<u64>, FeedError> {
        match self.events.write_identified(subject, id, payload, after).await {
            Ok(sequence) => Ok(Some(sequence)),
            Err(StreamError::Conflict) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn noted(&self, partition: Partition) -> Result<Option<Bytes>, FeedError> {
        Ok(self.marks.last(&mark_subject(partition)).await?.map(|message| message.payload))
    }

    async fn note(&self, partition: Partition, mark: Bytes) -> Result<(), FeedError> {
        self.marks.write(&mark_subject(partition), mark, None, None).await?;
        Ok(())
    }
}

impl From<StreamError> for FeedError {
    fn from(error: StreamError) -> Self {
        Self(error.into())
    }
}
