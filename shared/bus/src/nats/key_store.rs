//! Wrapped data keys in a plain stream: a subject for each owner's key, and one for the mark of its destruction.
//!
//! **A key cannot be written over.** A subject takes one message, and the server refuses a second one, so that
//! whoever may make keys can make them for owners that have none and do nothing else. Therefore a destruction cannot
//! leave its mark in the key's place: it stands on a subject of its own, which others may write than those who make
//! keys, and nothing that stands in a key's place can be taken for one. Once the key is erased its place is free
//! again; the mark, which is looked for with every read, says that nothing there counts.
//!
//! Destroying a key stores the mark, so that from then on nobody gets the key, and then overwrites the key on disk.
//! A key-value bucket would forbid that secure delete, and a purge leaves the bytes behind. Repeated after a crash
//! in between, it does the second step again.
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
use futures::try_join;

use super::{
    stream::{OpenError, StreamError, settings},
    table::Table,
};
use crate::port::{KeptKey, KeyStore, KeyStoreError};

/// The stream of the keys of instances and accounts.
pub const KEY_STREAM: &str = "BERTH_KEYS";
/// The same, and what its subjects begin with.
const DATA_KEYS: (&str, &str) = (KEY_STREAM, "berth.v1.keys");
/// The stream of the keys that last notices are sealed under: NATS lets a user erase from a whole stream or not at
/// all, and who delivers webhooks shall erase no instance.
const DELIVERY_KEYS: (&str, &str) = ("BERTH_DELIVERY_KEYS", "berth.v1.deliverykeys");
/// How long one call to NATS may take.
const CALL_MAX: Duration = Duration::from_secs(5);
/// How often a destruction starts again because something stands where its mark belongs. Whatever that is, it is not
/// ours and is erased, so twice is enough unless somebody keeps writing there.
const DESTROY_TRIES_MAX: u32 = 4;

/// What a mark of a destruction consists of. The server itself can be made to put an answer of its own there, which
/// is never this.
const DESTROYED: &[u8] = &[0];
/// The first byte of a key: the wrapped key follows.
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

    /// The stream, for whoever watches it.
    pub(super) const fn table(&self) -> &Table {
        &self.table
    }

    /// The subject of an owner's key: its 26 characters stand for `*`.
    fn subject(&self, owner: &[u8; 16]) -> String {
        format!("{}.{}", self.prefix, InstanceId::from_bytes(*owner))
    }

    /// The subject of the mark that an owner's key was destroyed.
    fn destroyed(&self, owner: &[u8; 16]) -> String {
        format!("{}.destroyed.{}", self.prefix, InstanceId::from_bytes(*owner))
    }

    /// Whether the owner's key was destroyed. What is no mark of ours says nothing.
    async fn is_destroyed(&self, owner: &[u8; 16]) -> Result<bool, StreamError> {
        let subject = self.destroyed(owner);
        let Some(message) = self.table.last(&subject).await? else { return Ok(false) };
        let is_mark = message.payload == DESTROYED;
        if !is_mark {
            tracing::warn!(subject, "what stands where a key is marked as destroyed is no such mark");
        }
        Ok(is_mark)
    }

    /// Stores the mark; whatever else stands in its place is erased.
    async fn mark(&self, owner: &[u8; 16]) -> Result<(), StreamError> {
        let subject = self.destroyed(owner);
        for _ in 0..DESTROY_TRIES_MAX {
            match self.table.write(&subject, Bytes::from_static(DESTROYED), Some(0), None).await {
                Err(StreamError::Conflict) if self.is_destroyed(owner).await? => return Ok(()),
                Err(StreamError::Conflict) => self.table.erase_before(&subject, u64::MAX).await?,
                result => return result.map(drop),
            }
        }
        Err(StreamError::Conflict)
    }
}

fn config((stream, prefix): (&str, &str), replicas: usize) -> Config {
    Config {
        subjects: vec![format!("{prefix}.*"), format!("{prefix}.destroyed.*")],
        storage: StorageType::File,
        max_messages_per_subject: 1,
        discard_new_per_subject: true,
        deny_purge: true,
        ..settings(stream, prefix, replicas)
    }
}

fn decode(payload: &[u8]) -> Result<WrappedKey, StreamError> {
    match payload {
        [KEY, key @ ..] => Ok(WrappedKey(key.to_vec())),
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
            // The key's place is free again once it was destroyed; asked afterwards, so that no destruction is missed.
            Ok(_) => Ok((!self.is_destroyed(owner).await?).then_some(key)),
            Err(StreamError::Conflict) => match self.get(owner).await? {
                KeptKey::Present(key) => Ok(Some(key)),
                KeptKey::Destroyed => Ok(None),
                KeptKey::Missing => Err(StreamError::Conflict.into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// Both places are read at once. A key that was there while the mark was not yet is the key of that moment; a
    /// place that is empty is empty only if there is no mark after it was seen to be.
    async fn get(&self, owner: &[u8; 16]) -> Result<KeptKey, KeyStoreError> {
        let subject = self.subject(owner);
        let (destroyed, message) = try_join!(self.is_destroyed(owner), self.table.last(&subject))?;
        Ok(match message {
            _ if destroyed => KeptKey::Destroyed,
            Some(message) => KeptKey::Present(decode(&message.payload)?),
            None if self.is_destroyed(owner).await? => KeptKey::Destroyed,
            None => KeptKey::Missing,
        })
    }

    async fn destroy(&self, owner: &[u8; 16]) -> Result<(), KeyStoreError> {
        self.mark(owner).await?;
        Ok(self.table.erase_before(&self.subject(owner), u64::MAX).await?)
    }
}

impl From<StreamError> for KeyStoreError {
    fn from(error: StreamError) -> Self {
        Self(error.into())
    }
}
