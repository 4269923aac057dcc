//! The record of the deployment, in a stream of its own beside that of the keys: one role writes it, and nobody who
//! may make keys.
//!
//! It lies in two slots, each a subject that takes one message: the newer record counts, and the next one goes where
//! the older one stood. So while a record stands nothing can be stored over it, not even what the server itself can be
//! made to answer there; and whatever else fills the other slot is no record, and is erased before the next one.

use std::time::Duration;

use async_nats::{
    Client,
    jetstream::stream::{Config, StorageType},
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::try_join;

use super::{
    key_store::NatsKeyStore,
    stream::{OpenError, StreamError, settings},
    table::Table,
};
use crate::port::{DeploymentStore, KeyStoreError, StoredDeployment};

/// The name of the stream.
const STREAM: &str = "BERTH_DEPLOYMENT";
/// The slots: the subjects of the stream.
const SLOTS: [&str; 2] = ["berth.v1.deployment.a", "berth.v1.deployment.b"];
/// Both of them.
const ALL_SLOTS: &str = "berth.v1.deployment.*";
/// The first byte of a record; its number and its value follow.
const RECORD: u8 = 1;
/// How often the slots are looked at before there is no record: one may move to the other slot between two looks.
const LOOKS_MAX: u32 = 3;
/// How long one call to NATS may take.
const CALL_MAX: Duration = Duration::from_secs(5);

/// The record of the deployment on NATS.
#[derive(Debug, Clone)]
pub struct NatsDeployment {
    table: Table,
    /// The stream of the keys that the record stands for.
    keys: Option<Table>,
}

impl NatsDeployment {
    /// Finds or makes the stream, with that number of replicas.
    pub async fn open(client: Client, replicas: usize) -> Result<Self, OpenError> {
        let table = Table::open(client, &config(replicas), CALL_MAX).await?;
        Ok(Self { table, keys: None })
    }

    /// Finds the stream and makes none: none if it is not there. For a deployment that had one.
    pub async fn find(client: Client, replicas: usize) -> Result<Option<Self>, OpenError> {
        let table = Table::find(client, &config(replicas), CALL_MAX).await?;
        Ok(table.map(|table| Self { table, keys: None }))
    }

    /// The same record, read from now on only while the stream of these keys is there and as it must be: whoever
    /// reads it to know that all is well with the keys is told otherwise.
    #[must_use]
    pub fn beside(self, keys: &NatsKeyStore) -> Self {
        Self { keys: Some(keys.table().clone()), ..self }
    }
}

/// What stands in a slot.
struct Slot {
    subject: &'static str,
    /// The message, whatever it is.
    sequence: Option<u64>,
    record: Option<StoredDeployment>,
}

fn config(replicas: usize) -> Config {
    Config {
        storage: StorageType::File,
        subjects: SLOTS.map(str::to_owned).to_vec(),
        max_messages_per_subject: 1,
        discard_new_per_subject: true,
        deny_purge: true,
        ..settings(STREAM, SLOTS[0], replicas)
    }
}

fn encode(number: u64, value: &[u8]) -> Bytes {
    [&[RECORD], number.to_be_bytes().as_slice(), value].concat().into()
}

fn decode(payload: &Bytes) -> Option<StoredDeployment> {
    let (number, _) = payload.strip_prefix(&[RECORD])?.split_first_chunk()?;
    let value = payload.slice(1 + number.len()..);
    Some(StoredDeployment { revision: u64::from_be_bytes(*number), value })
}

impl NatsDeployment {
    async fn slot(&self, subject: &'static str) -> Result<Slot, StreamError> {
        let last = self.table.last(subject).await?;
        let record = last.as_ref().and_then(|message| decode(&message.payload));
        Ok(Slot { subject, sequence: last.map(|message| message.sequence), record })
    }

    /// The slot with the newer record, and the one for the next.
    async fn look(&self) -> Result<[Slot; 2], StreamError> {
        let (one, other) = try_join!(self.slot(SLOTS[0]), self.slot(SLOTS[1]))?;
        let number = |slot: &Slot| slot.record.as_ref().map(|record| record.revision);
        // No record is less than any.
        Ok(if number(&one) < number(&other) { [other, one] } else { [one, other] })
    }
}

#[async_trait]
impl DeploymentStore for NatsDeployment {
    async fn read(&self) -> Result<Option<StoredDeployment>, KeyStoreError> {
        if let Some(keys) = &self.keys {
            keys.check().await?;
        }
        for _ in 0..LOOKS_MAX {
            let [newer, _] = self.look().await?;
            if newer.record.is_some() {
                return Ok(newer.record);
            }
        }
        Ok(None)
    }

    /// Stored only if nothing was stored in either slot since they were looked at.
    async fn write(&self, value: Bytes, expected: u64) -> Result<bool, KeyStoreError> {
        let [newer, next] = self.look().await?;
        if newer.record.map_or(0, |record| record.revision) != expected {
            return Ok(false);
        }
        if let Some(sequence) = next.sequence {
            self.table.erase_before(next.subject, sequence + 1).await?;
        }
        let (record, last) = (encode(expected + 1, &value), newer.sequence.unwrap_or_default());
        match self.table.write_after(next.subject, record, ALL_SLOTS, last).await {
            Ok(_) => Ok(true),
            Err(StreamError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
