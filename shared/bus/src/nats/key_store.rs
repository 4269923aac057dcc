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

use super::stream::{OpenError, StreamError, Table, settings};
use crate::port::{KeyStore, KeyStoreError};

/// The name of the stream.
const STREAM: &str = "BERTH_KEYS";
/// What the stream stores; an owner's 26 characters stand for `*`.
const SUBJECTS: &str = "berth.v1.keys.*";
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
pub struct NatsKeyStore(Table);

impl NatsKeyStore {
    /// Finds or makes the stream, with that number of replicas.
    pub async fn open(client: Client, replicas: usize) -> Result<Self, OpenError> {
        let settings = Config {
            storage: StorageType::File,
            max_messages_per_subject: -1,
            deny_purge: true,
            ..settings(STREAM, SUBJECTS, replicas)
        };
        Table::open(client, &settings, CALL_MAX).await.map(Self)
    }

    async fn destroy_once(&self, subject: &str) -> Result<(), StreamError> {
        let last = self.0.last(subject).await?;
        let tombstone = match &last {
            Some(message) if message.payload.starts_with(&[TOMBSTONE]) => message.sequence,
            _ => {
                let expected = last.map_or(0, |message| message.sequence);
                self.0.write(subject, Bytes::from_static(&[TOMBSTONE]), Some(expected), None).await?
            }
        };
        self.0.erase_before(subject, tombstone).await
    }
}

fn subject(owner: &[u8; 16]) -> String {
    format!("berth.v1.keys.{}", InstanceId::from_bytes(*owner))
}

fn decode(payload: &[u8]) -> Result<Option<WrappedKey>, StreamError> {
    match payload {
        [KEY, key @ ..] => Ok(Some(WrappedKey(key.to_vec()))),
        [TOMBSTONE] => Ok(None),
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
        match self.0.write(&subject(owner), payload, Some(0), None).await {
            Ok(_) => Ok(Some(key)),
            Err(StreamError::Conflict) => self.get(owner).await,
            Err(error) => Err(error.into()),
        }
    }

    async fn get(&self, owner: &[u8; 16]) -> Result<Option<WrappedKey>, KeyStoreError> {
        match self.0.last(&subject(owner)).await? {
            Some(message) => Ok(decode(&message.payload)?),
            None => Ok(None),
        }
    }

    async fn destroy(&self, owner: &[u8; 16]) -> Result<(), KeyStoreError> {
        let subject = subject(owner);
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
