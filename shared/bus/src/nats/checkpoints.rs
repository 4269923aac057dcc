//! Checkpoints of the log in a stream of their own, which only grows.

use std::time::Duration;

use async_nats::{
    Client,
    jetstream::{
        message::StreamMessage,
        stream::{Config, StorageType},
    },
};
use async_trait::async_trait;
use bytes::Bytes;

use super::{
    stream::{OpenError, StreamError, settings},
    table::Table,
};
use crate::checkpoints::{CheckpointError, Checkpoints, Entry};

/// The name of the stream.
const STREAM: &str = "BERTH_CHECKPOINTS";
/// Its subjects.
const SUBJECTS: &str = "berth.v1.checkpoint.*";
/// The first byte of an entry. What the server itself can be made to answer into a topic begins otherwise and is none.
const ENTRY: u8 = 1;
/// How far back the last entry is looked for first, if the last message is none; then twice as far, and so on.
const BACK_FIRST: u64 = 64;
/// How long one call to NATS may take.
const CALL_MAX: Duration = Duration::from_secs(5);

/// The checkpoints on NATS. A clone is the same.
#[derive(Debug, Clone)]
pub struct NatsCheckpoints {
    table: Table,
}

impl NatsCheckpoints {
    /// Finds or makes the stream, with that number of replicas.
    pub async fn open(client: Client, replicas: usize) -> Result<Self, OpenError> {
        Ok(Self { table: Table::open(client, &config(replicas), CALL_MAX).await? })
    }

    /// Finds the stream and makes none: none if it is not there.
    pub async fn find(client: Client, replicas: usize) -> Result<Option<Self>, OpenError> {
        Ok(Table::find(client, &config(replicas), CALL_MAX).await?.map(|table| Self { table }))
    }

    /// The last entry, and the sequence of the last message, which may be later.
    async fn look(&self, topic: &str) -> Result<(Option<Entry>, u64), StreamError> {
        let subject = subject(topic);
        let Some(last) = self.table.last(&subject).await? else { return Ok((None, 0)) };
        let end = last.sequence;
        if let Some(entry) = entry(&last) {
            return Ok((Some(entry), end));
        }
        let mut back = BACK_FIRST;
        loop {
            let from = end.saturating_sub(back).max(1);
            let (mut found, mut next) = (None, from);
            while let Some(message) = self.table.next(&subject, next).await? {
                next = message.sequence + 1;
                found = entry(&message).or(found);
            }
            if found.is_some() || from == 1 {
                return Ok((found, end));
            }
            back = back.saturating_mul(2);
        }
    }
}

fn config(replicas: usize) -> Config {
    Config {
        storage: StorageType::File,
        deny_delete: true,
        deny_purge: true,
        ..settings(STREAM, SUBJECTS, replicas)
    }
}

fn subject(topic: &str) -> String {
    format!("berth.v1.checkpoint.{topic}")
}

fn entry(message: &StreamMessage) -> Option<Entry> {
    let is_entry = message.payload.first() == Some(&ENTRY);
    is_entry.then(|| Entry { number: message.sequence, value: message.payload.slice(1..) })
}

impl From<StreamError> for CheckpointError {
    fn from(error: StreamError) -> Self {
        Self(error.into())
    }
}

#[async_trait]
impl Checkpoints for NatsCheckpoints {
    async fn last(&self, topic: &str) -> Result<Option<Entry>, CheckpointError> {
        Ok(self.look(topic).await?.0)
    }

    async fn read(&self, topic: &str, after: u64, limit: usize) -> Result<Vec<Entry>, CheckpointError> {
        let (subject, mut next, mut entries) = (subject(topic), after.saturating_add(1), Vec::new());
        while entries.len() < limit {
            let Some(message) = self.table.next(&subject, next).await? else { break };
            next = message.sequence + 1;
            entries.extend(entry(&message));
        }
        Ok(entries)
    }

    async fn publish(
        &self,
        topic: &str,
        value: Bytes,
        expected: u64,
    ) -> Result<Option<u64>, CheckpointError> {
        let (last, end) = self.look(topic).await?;
        if last.map_or(0, |entry| entry.number) != expected {
            return Ok(None);
        }
        let stored = [&[ENTRY], &*value].concat().into();
        match self.table.write(&subject(topic), stored, Some(end), None).await {
            Ok(number) => Ok(Some(number)),
            Err(StreamError::Conflict) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
