//! Wrapped data keys in a plain stream, one subject for each owner.
//!
//! A key-value bucket would forbid the secure delete that overwrites a message on disk, and a purge leaves the
//! bytes behind. Destroying a key stores a tombstone after it, so that from then on nobody gets the key and
//! none can be put in its place, and then overwrites what stands before the tombstone; repeated after a crash
//! in between, it does the second step again. The stream keeps any number of messages for each subject, since
//! a limit would drop the key unerased when the tombstone comes.
//!
//! On a cluster the servers' Raft logs keep the wrapped key until they are compacted, which takes minutes.

use std::time::Duration;

use async_nats::{
    Client,
    jetstream::stream::{Config, StorageType},
};
use async_trait::async_trait;
use berth_proto::InstanceId;
use berth_runtime::WrappedKey;
use bytes::Bytes;

use super::{
    deployment::NatsDeployment,
    stream::{OpenError, StreamError, Table, settings},
};
use crate::port::{KeptKey, KeyStore, KeyStoreError};

/// The stream of the keys of instances and accounts, and what its subjects begin with.
const DATA_KEYS: (&str, &str) = ("BERTH_KEYS", "berth.v1.keys");
/// The stream of the keys that last notices are sealed under: NATS lets a user erase from a whole stream or not at
/// all, and who delivers webhooks shall erase no instance.
const DELIVERY_KEYS: (&str, &str) = ("BERTH_DELIVERY_KEYS", "berth.v1.deliverykeys");
/// How long one call to NATS may take.
const CALL_MAX: Duration = Duration::from_secs(5);
/// How often a destruction starts again because somebody else wrote the owner's subject. An owner has at most
/// two messages, so twice is enough.
const DESTROY_TRIES_MAX: u32 = 4;

/// The first byte of a message: the owner's key was destroyed.
const TOMBSTONE: u8 = 0;
/// The first byte of a message: the wrapped key follows.
const KEY: u8 = 1;

/// Wrapped data keys on NATS.
#[derive(Debug, Clone)]
pub struct NatsKeyStore {
    table: Table,
    prefix: &'static str,
}

impl NatsKeyStore {
    /// Finds or makes the stream of the keys of instances and accounts, with that number of replicas.
    pub async fn open(client: Client, replicas: usize) -> Result<Self, OpenError> {
        let table = Table::open(client, &config(DATA_KEYS, replicas), CALL_MAX).await?;
        Ok(Self { table, prefix: DATA_KEYS.1 })
    }

    /// Finds the stream of the keys of instances and accounts and makes none: none if it is not there. For a
    /// deployment that had keys.
    pub async fn find(client: Client, replicas: usize) -> Result<Option<Self>, OpenError> {
        let table = Table::find(client, &config(DATA_KEYS, replicas), CALL_MAX).await?;
        Ok(table.map(|table| Self { table, prefix: DATA_KEYS.1 }))
    }

    /// Finds or makes the stream of the keys of last notices, with that number of replicas.
    pub async fn open_for_deliveries(client: Client, replicas: usize) -> Result<Self, OpenError> {
        let table = Table::open(client, &config(DELIVERY_KEYS, replicas), CALL_MAX).await?;
        Ok(Self { table, prefix: DELIVERY_KEYS.1 })
    }

    /// The record of the deployment, which lies in the stream of the keys of instances and accounts.
    pub fn deployment(&self) -> NatsDeployment {
        NatsDeployment::new(self.table.clone())
    }

    /// The subject of an owner's key: its 26 characters stand for `*`.
    fn subject(&self, owner: &[u8; 16]) -> String {
        format!("{}.{}", self.prefix, InstanceId::from_bytes(*owner))
    }

    async fn destroy_once(&self, subject: &str) -> Result<(), StreamError> {
        let last = self.table.last(subject).await?;
        let tombstone = match &last {
            Some(message) if message.payload.starts_with(&[TOMBSTONE]) => message.sequence,
            _ => {
                let expected = last.map_or(0, |message| message.sequence);
                self.table.write(subject, Bytes::from_static(&[TOMBSTONE]), Some(expected), None).await?
            }
        };
        self.table.erase_before(subject, tombstone).await
    }
}

fn config((stream, prefix): (&str, &str), replicas: usize) -> Config {
    Config {
        storage: StorageType::File,
        max_messages_per_subject: -1,
        deny_purge: true,
        ..settings(stream, &format!("{prefix}.*"), replicas)
    }
}

fn decode(payload: &[u8]) -> Result<KeptKey, StreamError> {
    match payload {
        [KEY, key @ ..] => Ok(KeptKey::Present(WrappedKey(key.to_vec()))),
        [TOMBSTONE] => Ok(KeptKey::Destroyed),
        _ => Err(StreamError::Malformed),
    }
}

#[async_trait]
impl KeyStore for NatsKeyStore {
    async fn put_if_absent(
        &self,
        owner: &[u8; 16],
        key: WrappedKey,
    ) -> Result<Option<WrappedKey>, KeyStoreError> {
        let payload = Bytes::from([&[KEY], key.0.as_slice()].concat());
        match self.table.write(&self.subject(owner), payload, Some(0), None).await {
            Ok(_) => Ok(Some(key)),
            Err(StreamError::Conflict) => match self.get(owner).await? {
                KeptKey::Present(key) => Ok(Some(key)),
                KeptKey::Destroyed => Ok(None),
                KeptKey::Missing => Err(StreamError::Conflict.into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    async fn get(&self, owner: &[u8; 16]) -> Result<KeptKey, KeyStoreError> {
        match self.table.last(&self.subject(owner)).await? {
            Some(message) => Ok(decode(&message.payload)?),
            None => Ok(KeptKey::Missing),
        }
    }

    async fn destroy(&self, owner: &[u8; 16]) -> Result<(), KeyStoreError> {
        let subject = self.subject(owner);
        for _ in 1..DESTROY_TRIES_MAX {
            match self.destroy_once(&subject).await {
                Err(StreamError::Conflict) => {}
                result => return Ok(result?),
            }
        }
        Ok(self.destroy_once(&subject).await?)
    }
}

impl From<StreamError> for KeyStoreError {
    fn from(error: StreamError) -> Self {
        Self(error.into())
    }
}
