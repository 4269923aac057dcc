//! Letters in a stream of their own: one subject for each instance, and each is overwritten once it is delivered.

use std::time::Duration;

use async_nats::{
    Client,
    jetstream::stream::{Config, StorageType},
};
use async_trait::async_trait;
use berth_proto::{
    InstanceId, Partition,
    subject::{postbag_filter, postbag_subject},
};
use bytes::Bytes;

use super::{
    stream::{OpenError, StreamError, settings},
    table::Table,
};
use crate::postbag::{Kept, LETTER_AGE_MAX, Postbag, PostbagError};

/// The name of the stream.
const STREAM: &str = "BERTH_POSTBAG";
/// Letters that the stream keeps; more are refused, and whoever sent them tries again.
const LETTERS_MAX: i64 = 200_000;
/// Calls that erase letters of an instance, each up to a thousand: enough for all that may wait for one.
const ERASING_CALLS_MAX: u32 = 16;
/// How long one call to NATS may take.
const CALL_MAX: Duration = Duration::from_secs(5);

/// The postbag on NATS.
#[derive(Debug, Clone)]
pub struct NatsPostbag(Table);

impl NatsPostbag {
    /// Finds or makes the stream, with that number of replicas.
    pub async fn open(client: Client, replicas: usize) -> Result<Self, OpenError> {
        let settings = Config {
            storage: StorageType::File,
            max_age: LETTER_AGE_MAX,
            max_messages: LETTERS_MAX,
            deny_delete: false,
            deny_purge: true,
            ..settings(STREAM, &postbag_filter(None), replicas)
        };
        Table::open(client, &settings, CALL_MAX).await.map(Self)
    }
}

#[async_trait]
impl Postbag for NatsPostbag {
    async fn put(&self, instance: InstanceId, letter: Bytes) -> Result<u64, PostbagError> {
        Ok(self.0.write(&postbag_subject(instance), letter, None, None).await?)
    }

    async fn holders(&self, partition: Partition) -> Result<Vec<(InstanceId, usize)>, PostbagError> {
        let counts = self.0.counts(&postbag_filter(Some(partition))).await?;
        let holder = |(subject, letters): (String, usize)| {
            Some((subject.rsplit('.').next()?.parse::<InstanceId>().ok()?, letters))
        };
        Ok(counts.into_iter().filter_map(holder).collect())
    }

    async fn list(&self, instance: InstanceId) -> Result<Vec<Kept>, PostbagError> {
        let (mut all, subject) = (Vec::new(), postbag_subject(instance));
        let mut from = 1;
        while let Some(letter) = self.0.next(&subject, from).await? {
            all.push(Kept { instance, place: letter.sequence, bytes: letter.payload.len() });
            from = letter.sequence + 1;
        }
        Ok(all)
    }

    async fn get(&self, instance: InstanceId, place: u64) -> Result<Option<Bytes>, PostbagError> {
        let letter = self.0.next(&postbag_subject(instance), place).await?;
        Ok(letter.filter(|letter| letter.sequence == place).map(|letter| letter.payload))
    }

    async fn erase(&self, instance: InstanceId, up_to: u64) -> Result<(), PostbagError> {
        let (subject, before) = (postbag_subject(instance), up_to.saturating_add(1));
        for _ in 1..ERASING_CALLS_MAX {
            match self.0.erase_before(&subject, before).await {
                // There is more than one call erases.
                Err(StreamError::Conflict) => {}
                erased => return Ok(erased?),
            }
        }
        Ok(self.0.erase_before(&subject, before).await?)
    }
}

impl From<StreamError> for PostbagError {
    fn from(error: StreamError) -> Self {
        Self(error.into())
    }
}
