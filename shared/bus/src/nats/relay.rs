//! A relay in a stream that drops what is old: thirty days, and a million records at most. Their number is bounded and not
//! their bytes, since a server keeps as many bytes free for a stream as it may have, and a small one has none to spare.

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
    Partition,
    subject::{ATTEMPTS_FILTER, attempts_subject},
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use thiserror::Error;

use super::{
    stream::{OpenError, StreamError, settings},
    table::Table,
};
use crate::relay::{Following, RELAY_AGE_MAX, Relay, RelayEnd, RelayError, Relayed};

/// The name of the stream.
const STREAM: &str = "BERTH_ATTEMPTS";
/// Records that the stream keeps.
const RELAY_RECORDS_MAX: i64 = 1_000_000;
/// How long one call to NATS may take.
const CALL_MAX: Duration = Duration::from_secs(5);
/// Records that one pull asks for.
const PULL_RECORDS_MAX: usize = 1_000;
/// How long one pull stands.
const PULL_EXPIRES: Duration = Duration::from_secs(30);
/// How often an idle server says that it is there.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// After how long without a reader the server forgets a consumer.
const INACTIVE_MAX: Duration = Duration::from_secs(30);

/// A record did not come: the consumer is to be made again behind the last one that did.
#[derive(Debug, Error)]
#[error("a record was lost on the way")]
struct Gap;

/// The relay on NATS.
#[derive(Debug, Clone)]
pub struct NatsRelay(Table);

impl NatsRelay {
    /// Finds or makes the stream, with that number of replicas.
    pub async fn open(client: Client, replicas: usize) -> Result<Self, OpenError> {
        let settings = Config {
            storage: StorageType::File,
            max_age: RELAY_AGE_MAX,
            max_messages: RELAY_RECORDS_MAX,
            discard: DiscardPolicy::Old,
            deny_delete: false,
            deny_purge: true,
            ..settings(STREAM, ATTEMPTS_FILTER, replicas)
        };
        Table::open(client, &settings, CALL_MAX).await.map(Self)
    }
}

#[async_trait]
impl Relay for NatsRelay {
    async fn append(&self, partition: Partition, record: Bytes) -> Result<u64, RelayError> {
        Ok(self.0.write(&attempts_subject(partition), record, None, None).await?)
    }

    async fn end(&self) -> Result<RelayEnd, RelayError> {
        let info = self.0.look().await?;
        let incarnation = u64::try_from(info.created.unix_timestamp_nanos()).unwrap_or_default();
        let last = info.state.last_sequence;
        let first = if info.state.messages == 0 { last + 1 } else { info.state.first_sequence };
        Ok(RelayEnd { incarnation, first, last })
    }

    async fn follow(&self, name: &str, after: u64) -> Result<Following, RelayError> {
        let config = pull::Config {
            name: Some(self.0.unique_name(name)),
            description: Some("A follower of the attempts of Berth.".to_owned()),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: after + 1 },
            ack_policy: AckPolicy::None,
            inactive_threshold: INACTIVE_MAX,
            memory_storage: true,
            num_replicas: 1,
            ..pull::Config::default()
        };
        let consumer = self.0.consumer(config).await?;
        let messages = consumer
            .stream()
            .max_messages_per_batch(PULL_RECORDS_MAX)
            .expires(PULL_EXPIRES)
            .heartbeat(HEARTBEAT)
            .messages()
            .await
            .map_err(|error| RelayError(error.into()))?;
        // The consumer's own numbers have no gap unless a message was lost on the way.
        let records = messages.scan(0, |delivered, message| {
            let record = message.map_err(|error| RelayError(error.into())).and_then(|message| {
                let info = message.info().map_err(RelayError)?;
                let (number, sequence) = (info.consumer_sequence, info.stream_sequence);
                if number != std::mem::replace(delivered, number) + 1 {
                    return Err(RelayError(Gap.into()));
                }
                Ok(Relayed { sequence, record: message.message.payload })
            });
            std::future::ready(Some(record))
        });
        // A consumer that has ended is to be made again.
        Ok(Box::pin(records.chain(stream::once(async { Err(RelayError(Gap.into())) }))))
    }
}

impl From<StreamError> for RelayError {
    fn from(error: StreamError) -> Self {
        Self(error.into())
    }
}
