//! Sealed key material of devices in a plain stream, one subject for each device.
//!
//! What is replaced or deleted is overwritten on disk, as in the key store; a crash in between is made good by
//! the next put or delete of the same device.
//!
//! The server itself can be made to put an answer of its own where material stands. It is no material, and what stood
//! there before still is: the material is the last message that is one.

use std::time::Duration;

use async_nats::{
    Client,
    jetstream::stream::{Config, StorageType},
};
use async_trait::async_trait;
use berth_proto::InstanceId;
use bytes::Bytes;
use thiserror::Error;

use super::{
    stream::{OpenError, StreamError, settings},
    table::Table,
};
use crate::port::{DEVICE_KEYS_BYTES_MAX, DeviceKeys, KeyStoreError};

/// The name of the stream.
const STREAM: &str = "BERTH_DEVICE_KEYS";
/// What the stream stores: instance and attempt.
const SUBJECTS: &str = "berth.v1.devicekeys.*.*";
/// How long one call to NATS may take.
const CALL_MAX: Duration = Duration::from_secs(5);

/// The first byte of a message: the material follows. An answer of the server begins otherwise.
const MATERIAL: u8 = 1;
/// Messages of one device that are looked through, from the first on. A put leaves its own and erases all before it, so
/// that only a crash leaves two.
const LOOKED_THROUGH_MAX: u32 = 8;
/// How often a put starts again because somebody else put material of the same device.
const PUT_TRIES_MAX: u32 = 16;

/// The material is longer than the store takes. A retry does not help.
#[derive(Debug, Error)]
#[error("the key material of a device has at most {DEVICE_KEYS_BYTES_MAX} bytes")]
struct TooLong;

/// Key material of devices on NATS.
#[derive(Debug, Clone)]
pub struct NatsDeviceKeys(Table);

impl NatsDeviceKeys {
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

    /// Compares and sets, since a put that was given up by its caller may still be on its way: without, it
    /// could replace a later one of another process.
    async fn put_once(&self, subject: &str, sealed: Bytes) -> Result<(), StreamError> {
        let expected = self.0.last(subject).await?.map_or(0, |message| message.sequence);
        let message = Bytes::from([&[MATERIAL], sealed.as_ref()].concat());
        let stored = self.0.write(subject, message, Some(expected), None).await?;
        self.0.erase_before(subject, stored).await
    }

    async fn last_material(&self, subject: &str) -> Result<Option<Bytes>, StreamError> {
        let Some(last) = self.0.last(subject).await? else { return Ok(None) };
        if let Some(material) = decode(&last.payload) {
            return Ok(Some(material));
        }
        tracing::warn!(subject, "something that is no material was stored over that of a device");
        let (mut material, mut from) = (None, 1);
        for _ in 0..LOOKED_THROUGH_MAX {
            let Some(message) = self.0.next(subject, from).await? else { break };
            from = message.sequence + 1;
            material = decode(&message.payload).or(material);
        }
        Ok(material)
    }
}

fn decode(payload: &Bytes) -> Option<Bytes> {
    payload.starts_with(&[MATERIAL]).then(|| payload.slice(1..))
}

fn subject(instance: InstanceId, attempt: u32) -> String {
    format!("berth.v1.devicekeys.{instance}.{attempt}")
}

#[async_trait]
impl DeviceKeys for NatsDeviceKeys {
    async fn put(&self, instance: InstanceId, attempt: u32, sealed: Bytes) -> Result<(), KeyStoreError> {
        if sealed.len() > DEVICE_KEYS_BYTES_MAX {
            return Err(KeyStoreError(TooLong.into()));
        }
        let subject = subject(instance, attempt);
        for _ in 1..PUT_TRIES_MAX {
            match self.put_once(&subject, sealed.clone()).await {
                Err(StreamError::Conflict) => {}
                result => return Ok(result?),
            }
        }
        Ok(self.put_once(&subject, sealed).await?)
    }

    async fn get(&self, instance: InstanceId, attempt: u32) -> Result<Option<Bytes>, KeyStoreError> {
        Ok(self.last_material(&subject(instance, attempt)).await?)
    }

    async fn delete(&self, instance: InstanceId, attempt: u32) -> Result<(), KeyStoreError> {
        Ok(self.0.erase_before(&subject(instance, attempt), u64::MAX).await?)
    }

    async fn all(&self) -> Result<Vec<(InstanceId, u32)>, KeyStoreError> {
        let subjects = self.0.subjects(SUBJECTS).await?;
        let mut all: Vec<_> = subjects.iter().filter_map(|subject| device_of(subject)).collect();
        all.sort_unstable();
        Ok(all)
    }
}

/// The device of a subject; none if it is none of ours.
fn device_of(subject: &str) -> Option<(InstanceId, u32)> {
    let (instance, attempt) = subject.strip_prefix("berth.v1.devicekeys.")?.split_once('.')?;
    Some((instance.parse().ok()?, attempt.parse().ok()?))
}
