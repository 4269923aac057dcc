//! Volatile values in a memory bucket whose messages carry their time to live.
//!
//! A counter must end `ttl` after it was first added to, while each write of a message starts its time anew.
//! So a *window* message ends, and is never rewritten; the count stands under the window's sequence, and is
//! orphaned when the window is gone. That needs no clock that the replicas would have to agree on.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use async_nats::{
    Client,
    jetstream::stream::{Config, DiscardPolicy, StorageType},
};
use async_trait::async_trait;
use bytes::Bytes;
use tokio::{sync::Mutex, time::sleep};

use super::{
    stream::{OpenError, StreamError, settings},
    table::Table,
};
use crate::{
    port::{VOLATILE_TTL_MAX, Volatile, VolatileEntry, VolatileError},
    subject::{InvalidEntry, check_key, check_value},
};

/// The stream of the bucket.
const STREAM: &str = "KV_berth_volatile";
/// What the stream stores.
const SUBJECTS: &str = "$KV.berth_volatile.>";
/// Bytes of memory that the bucket takes on each server; beyond it, the oldest values go early.
const BYTES_MAX: i64 = 128 * 1_024 * 1_024;
/// How long one call to NATS may take.
const CALL_MAX: Duration = Duration::from_secs(2);
/// How often an addition starts again because another replica was faster.
const ADD_TRIES_MAX: u32 = 256;
/// Locks that keep the tasks of this process from racing each other for a counter.
const LOCKS: usize = 64;
/// How often is looked whether the bucket is still there.
const KEEP_EVERY: Duration = Duration::from_secs(1);
/// How long the mark of a removed value stays.
const REMOVED_TTL: Duration = Duration::from_secs(1);

/// Volatile values on NATS.
#[derive(Debug, Clone)]
pub struct NatsVolatile {
    table: Table,
    settings: Config,
    /// Taken by each addition, by the hash of its key.
    locks: Arc<[Mutex<()>]>,
}

impl NatsVolatile {
    /// Finds or makes the bucket, with that number of replicas.
    pub async fn open(client: Client, replicas: usize) -> Result<Self, OpenError> {
        let settings = Config {
            storage: StorageType::Memory,
            max_messages_per_subject: 1,
            max_bytes: BYTES_MAX,
            discard: DiscardPolicy::Old,
            allow_message_ttl: true,
            ..settings(STREAM, SUBJECTS, replicas)
        };
        let table = Table::open(client, &settings, CALL_MAX).await?;
        Ok(Self { table, settings, locks: (0..LOCKS).map(|_| Mutex::new(())).collect() })
    }

    /// Makes the bucket again when it is gone: a server that was started anew has nothing of what was in its
    /// memory. For a process that may make streams; until it has, nobody can show a code or count a rate.
    /// Never ends.
    pub async fn keep(self) {
        loop {
            sleep(KEEP_EVERY).await;
            match self.table.restore(&self.settings).await {
                Ok(false) => {}
                Ok(true) => tracing::warn!(
                    stream = STREAM,
                    "the NATS server had lost its memory: the bucket of volatile values was made again, empty"
                ),
                Err(error) => tracing::warn!(
                    stream = STREAM,
                    error = &error as &dyn std::error::Error,
                    "the bucket of volatile values is gone and cannot be made again yet"
                ),
            }
        }
    }

    /// The sequence of the counter's window, which is made if there is none.
    async fn window(&self, key: &str, ttl: Duration) -> Result<u64, StreamError> {
        let subject = format!("$KV.berth_volatile.window.{key}");
        match self.table.last(&subject).await? {
            Some(window) => Ok(window.sequence),
            None => self.table.write(&subject, Bytes::from_static(b"1"), Some(0), Some(ttl)).await,
        }
    }

    async fn add_once(&self, key: &str, amount: u64, ttl: Duration) -> Result<u64, StreamError> {
        let window = self.window(key, ttl).await?;
        let subject = format!("$KV.berth_volatile.count.{window}");
        let (before, sequence) = match self.table.last(&subject).await? {
            Some(message) => (decode_count(&message.payload)?, message.sequence),
            None => (0, 0),
        };
        let count = before.saturating_add(amount);
        // Written after its window with the same time to live, the count outlasts it.
        let payload = Bytes::from(count.to_string());
        self.table.write(&subject, payload, Some(sequence), Some(ttl)).await?;
        Ok(count)
    }

    async fn lock(&self, key: &str) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let index = usize::try_from(hasher.finish() % LOCKS as u64).unwrap_or_default();
        match self.locks.get(index) {
            Some(lock) => Some(lock.lock().await),
            None => None,
        }
    }
}

fn subject(key: &str) -> String {
    format!("$KV.berth_volatile.value.{key}")
}

fn decode_count(payload: &[u8]) -> Result<u64, StreamError> {
    std::str::from_utf8(payload).ok().and_then(|text| text.parse().ok()).ok_or(StreamError::Malformed)
}

/// A value's message: an empty one marks a removed value, so a value starts with a byte of ours.
fn encode(value: &[u8]) -> Bytes {
    Bytes::from([&[1], value].concat())
}

#[async_trait]
impl Volatile for NatsVolatile {
    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), VolatileError> {
        check_key(key).and_then(|()| check_value(&value))?;
        self.table.write(&subject(key), encode(&value), None, Some(ttl.min(VOLATILE_TTL_MAX))).await?;
        Ok(())
    }

    async fn get(&self, key: &str) -> Result<Option<VolatileEntry>, VolatileError> {
        check_key(key)?;
        let last = self.table.last(&subject(key)).await?;
        Ok(last
            .filter(|message| !message.payload.is_empty())
            .map(|message| VolatileEntry { value: message.payload.slice(1..) }))
    }

    async fn remove(&self, key: &str) -> Result<(), VolatileError> {
        check_key(key)?;
        self.table.write(&subject(key), Bytes::new(), None, Some(REMOVED_TTL)).await?;
        Ok(())
    }

    async fn add(&self, key: &str, amount: u64, ttl: Duration) -> Result<u64, VolatileError> {
        check_key(key)?;
        let ttl = ttl.min(VOLATILE_TTL_MAX);
        let _turn = self.lock(key).await;
        for _ in 1..ADD_TRIES_MAX {
            match self.add_once(key, amount, ttl).await {
                Err(StreamError::Conflict) => {}
                result => return Ok(result?),
            }
        }
        Ok(self.add_once(key, amount, ttl).await?)
    }
}

impl From<StreamError> for VolatileError {
    fn from(error: StreamError) -> Self {
        Self(error.into())
    }
}

impl From<InvalidEntry> for VolatileError {
    fn from(error: InvalidEntry) -> Self {
        Self(error.into())
    }
}
