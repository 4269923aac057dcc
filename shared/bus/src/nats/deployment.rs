//! The record of the deployment, in a stream of its own beside that of the keys: one role writes it, and nobody who
//! may make keys.

use std::time::Duration;

use async_nats::{
    Client,
    jetstream::stream::{Config, StorageType},
};
use async_trait::async_trait;
use bytes::Bytes;

use super::{
    key_store::NatsKeyStore,
    stream::{OpenError, StreamError, Table, settings},
};
use crate::port::{DeploymentStore, KeyStoreError, StoredDeployment};

/// The name of the stream.
const STREAM: &str = "BERTH_DEPLOYMENT";
/// Where the record stands: the one subject of the stream.
const SUBJECT: &str = "berth.v1.deployment";
/// Records that are kept. The server itself can be made to put an answer of its own where the record stands; an
/// operator who deletes that message has the record before it again.
const RECORDS_MAX: i64 = 64;
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

/// What is replaced need not be erased: there is no secret in it.
fn config(replicas: usize) -> Config {
    Config {
        storage: StorageType::File,
        max_messages_per_subject: RECORDS_MAX,
        deny_purge: true,
        ..settings(STREAM, SUBJECT, replicas)
    }
}

#[async_trait]
impl DeploymentStore for NatsDeployment {
    async fn read(&self) -> Result<Option<StoredDeployment>, KeyStoreError> {
        if let Some(keys) = &self.keys {
            keys.check().await?;
        }
        let last = self.table.last(SUBJECT).await?;
        Ok(last.map(|message| StoredDeployment { revision: message.sequence, value: message.payload }))
    }

    async fn write(&self, value: Bytes, expected: u64) -> Result<bool, KeyStoreError> {
        match self.table.write(SUBJECT, value, Some(expected), None).await {
            Ok(_) => Ok(true),
            Err(StreamError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
