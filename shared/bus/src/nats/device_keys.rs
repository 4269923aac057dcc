//! Sealed key material of devices in a plain stream, one subject for each device.
//!
//! What is replaced or deleted is overwritten on disk, as in the key store; a crash in between is made good by
//! the next put or delete of the same device.

use std::time::Duration;

use async_nats::{
    Client,
    jetstream::stream::{Config, StorageType},
};
use async_trait::async_trait;
use berth_proto::InstanceId;
use bytes::Bytes;
use thiserror::Error;

use super::stream::{OpenError, StreamError, Table, settings};
use crate::port::{DEVICE_KEYS_BYTES_MAX, DeviceKeys, KeyStoreError};

/// The name of the stream.
const STREAM: &str = "BERTH_DEVICE_KEYS";
/// What the stream stores: instance and attempt.
const SUBJECTS: &str = "berth.v1.devicekeys.*.*";
/// How long one call to NATS may take.
const CALL_MAX: Duration = Duration::from_secs(5);

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
        let stored = self.0.write(subject, sealed, Some(expected), None).await?;
        self.0.erase_before(subject, stored).await
    }
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
        let last = self.0.last(&subject(instance, attempt)).await?;
        Ok(last.map(|message| message.payload))
    }

    async fn delete(&self, instance: InstanceId, attempt: u32) -> Result<(), KeyStoreError> {
        Ok(self.0.erase_before(&subject(instance, attempt), u64::MAX).await?)
    }
}
