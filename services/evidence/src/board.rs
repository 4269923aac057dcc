//! What is published: checkpoints by shard, the keys that sign them, and the lives of the log.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use berth_bus::{CheckpointError, Checkpoints, Entry};
use berth_proto::{Timestamp, evidence::PublishedV1};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    key::SigningKey,
    note::{Follows, Head, InvalidNote, Keys, Origin},
};

/// Entries that are read at once.
const PAGE: usize = 100;

/// What is published cannot be read or added to.
#[derive(Debug, Error)]
pub enum BoardError {
    /// The store does not answer; a retry helps when it does.
    #[error(transparent)]
    Store(#[from] CheckpointError),
    /// An entry is not one of ours, or not signed as it must be. An operator has to look who wrote it.
    #[error("entry {number} of `{topic}` is not one of this deployment")]
    Entry {
        /// Its topic.
        topic: String,
        /// Its number.
        number: u64,
        /// What is wrong with it.
        #[source]
        source: InvalidNote,
    },
    /// Something cannot be signed.
    #[error("it cannot be signed")]
    Sign(#[source] InvalidNote),
    /// The key that is configured is not the one that was announced last.
    #[error(
        "the evidence key is not the one that was announced last: announce it with `berth rotate-evidence-key`"
    )]
    AnotherKey,
    /// Somebody else published at the same time.
    #[error("somebody else published at the same time")]
    Contended,
}

/// An entry of a topic, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// A signed note; of a life its reason, for people.
    pub note: String,
    /// When it was published.
    pub at: Timestamp,
    /// What a life follows that began with another number of shards: a line for each, as in a checkpoint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub follows: Vec<String>,
}

/// What is published about one deployment.
#[derive(Debug, Clone)]
pub struct Board {
    store: Arc<dyn Checkpoints>,
    deployment: String,
    opened: Arc<Mutex<Opened>>,
}

/// What was opened before: a signature is verified once.
#[derive(Debug, Default)]
struct Opened {
    announcements: Vec<String>,
    keys: Keys,
    last: HashMap<u8, Published>,
}

/// A checkpoint that was published, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// As it is told.
    pub told: PublishedV1,
    /// What is signed.
    pub head: Head,
    /// Of which life of the log it is.
    pub life: u64,
}

impl Board {
    /// The topic of the announcements of keys.
    pub const KEYS: &str = "keys";
    /// The topic of the lives after the first one.
    pub const LIVES: &str = "lives";

    /// The board of a deployment.
    pub fn new(store: Arc<dyn Checkpoints>, deployment: &str) -> Self {
        Self { store, deployment: deployment.to_owned(), opened: Arc::default() }
    }

    fn opened(&self) -> MutexGuard<'_, Opened> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The id of the deployment.
    pub fn deployment(&self) -> &str {
        &self.deployment
    }

    /// The announcements of keys, the first first.
    pub async fn announcements(&self) -> Result<Vec<String>, BoardError> {
        let entries = self.all(Self::KEYS).await?;
        entries.iter().map(|entry| Ok(stored(Self::KEYS, entry)?.note)).collect()
    }

    /// The keys that were announced.
    pub async fn keys(&self) -> Result<Keys, BoardError> {
        let notes = self.announcements().await?;
        let mut opened = self.opened();
        if opened.announcements != notes {
            opened.keys = Keys::open(&self.deployment, notes.iter().map(String::as_str))
                .map_err(|source| BoardError::Entry { topic: Self::KEYS.to_owned(), number: 0, source })?;
            opened.announcements = notes;
        }
        Ok(opened.keys.clone())
    }

    /// The keys, the last of which is this one: it is announced if there is none yet.
    pub async fn keys_with(&self, key: &SigningKey, now: Timestamp) -> Result<Keys, BoardError> {
        let keys = self.keys().await?;
        match keys.last() {
            Some(last) if last == key.public() => Ok(keys),
            Some(_) => Err(BoardError::AnotherKey),
            None => self.announce(key, None, now).await,
        }
    }

    /// Announces the next key, signed by the last one.
    pub async fn announce(
        &self,
        next: &SigningKey,
        last: Option<&SigningKey>,
        now: Timestamp,
    ) -> Result<Keys, BoardError> {
        let before = self.store.last(Self::KEYS).await?.map_or(0, |entry| entry.number);
        let keys = self.keys().await?;
        let note = keys.announce(&self.deployment, next, last).map_err(BoardError::Sign)?;
        self.add(Self::KEYS, note, now, before).await?.ok_or(BoardError::Contended)?;
        self.keys().await
    }

    /// Which life of the log it is.
    pub async fn life(&self) -> Result<u64, BoardError> {
        Ok(self.all(Self::LIVES).await?.len() as u64 + 1)
    }

    /// Begins another life of the log, for a reason that people read. `follows` is what was signed last of it, if it has
    /// another number of shards from now on; else none, since each shard follows itself.
    pub async fn begin_life(
        &self,
        reason: &str,
        follows: &[Follows],
        now: Timestamp,
    ) -> Result<u64, BoardError> {
        let last = self.store.last(Self::LIVES).await?.map_or(0, |entry| entry.number);
        let follows = follows.iter().map(ToString::to_string).collect();
        let told = Told { note: reason.to_owned(), at: now, follows };
        self.copy(Self::LIVES, &told, last).await?.ok_or(BoardError::Contended)?;
        self.life().await
    }

    /// What a life follows that began with another number of shards; none for other lives.
    pub async fn follows(&self, life: u64) -> Result<Vec<Follows>, BoardError> {
        let Some(place) = life.checked_sub(2).and_then(|place| usize::try_from(place).ok()) else {
            return Ok(Vec::new());
        };
        let lives = self.all(Self::LIVES).await?;
        let Some(entry) = lives.get(place) else { return Ok(Vec::new()) };
        let parsed =
            stored(Self::LIVES, entry)?.follows.iter().map(|line| line.parse()).collect::<Result<_, _>>();
        parsed.map_err(|source| BoardError::Entry {
            topic: Self::LIVES.to_owned(),
            number: entry.number,
            source,
        })
    }

    /// The topic of a shard.
    pub fn topic(shard: u8) -> String {
        topic_of(shard)
    }

    /// Entries of a topic after a number, with their numbers.
    pub async fn entries(
        &self,
        topic: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Told)>, BoardError> {
        let entries = self.store.read(topic, after, limit).await?;
        entries.iter().map(|entry| Ok((entry.number, stored(topic, entry)?))).collect()
    }

    /// Adds an entry of another store as it is, after the last one, which has this number; none if somebody else was first.
    pub async fn copy(&self, topic: &str, told: &Told, last: u64) -> Result<Option<u64>, BoardError> {
        let value = serde_json::to_vec(told).map_err(|error| CheckpointError(error.into()))?;
        Ok(self.store.publish(topic, value.into(), last).await?)
    }

    /// Whose tree a shard's is now.
    pub fn origin(&self, shard: u8, life: u64) -> Origin {
        Origin { deployment: self.deployment.clone(), shard, life }
    }

    /// The last checkpoint of a shard, which one of the keys must have signed.
    pub async fn last(&self, shard: u8, keys: &Keys) -> Result<Option<Published>, BoardError> {
        let topic = topic_of(shard);
        let Some(entry) = self.store.last(&topic).await? else { return Ok(None) };
        let told = published(&topic, shard, &entry)?;
        if let Some(known) = self.opened().last.get(&shard).filter(|known| known.told == told) {
            return Ok(Some(known.clone()));
        }
        let failed = |source| BoardError::Entry { topic: topic.clone(), number: entry.number, source };
        let head = Head::open(&told.note, keys.all()).map_err(failed)?;
        let origin: Origin = head.origin.parse().map_err(failed)?;
        let expected = self.origin(shard, origin.life);
        if origin != expected {
            return Err(failed(InvalidNote::Origin { found: head.origin, expected: expected.to_string() }));
        }
        let last = Published { told, head, life: origin.life };
        self.opened().last.insert(shard, last.clone());
        Ok(Some(last))
    }

    /// Checkpoints of a shard after a number, and whether there are more.
    pub async fn page(
        &self,
        shard: u8,
        after: u64,
        limit: usize,
    ) -> Result<(Vec<PublishedV1>, bool), BoardError> {
        let topic = topic_of(shard);
        let mut entries = self.store.read(&topic, after, limit + 1).await?;
        let more = entries.len() > limit;
        entries.truncate(limit);
        let told: Result<Vec<_>, _> = entries.iter().map(|entry| published(&topic, shard, entry)).collect();
        Ok((told?, more))
    }

    /// Signs and publishes a head after the last checkpoint, which has this number; none if somebody else was first.
    pub async fn publish(
        &self,
        shard: u8,
        head: &Head,
        key: &SigningKey,
        now: Timestamp,
        last: u64,
    ) -> Result<Option<u64>, BoardError> {
        let note = head.sign(key).map_err(BoardError::Sign)?;
        self.add(&topic_of(shard), note, now, last).await
    }

    async fn add(
        &self,
        topic: &str,
        note: String,
        at: Timestamp,
        last: u64,
    ) -> Result<Option<u64>, BoardError> {
        self.copy(topic, &Told { note, at, follows: Vec::new() }, last).await
    }

    async fn all(&self, topic: &str) -> Result<Vec<Entry>, BoardError> {
        let mut all: Vec<Entry> = Vec::new();
        loop {
            let after = all.last().map_or(0, |entry| entry.number);
            let page = self.store.read(topic, after, PAGE).await?;
            let is_last = page.len() < PAGE;
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }
}

fn topic_of(shard: u8) -> String {
    format!("shard-{shard}")
}

fn stored(topic: &str, entry: &Entry) -> Result<Told, BoardError> {
    serde_json::from_slice(&entry.value).map_err(|_| BoardError::Entry {
        topic: topic.to_owned(),
        number: entry.number,
        source: InvalidNote::Text,
    })
}

fn published(topic: &str, shard: u8, entry: &Entry) -> Result<PublishedV1, BoardError> {
    let Told { note, at, .. } = stored(topic, entry)?;
    Ok(PublishedV1 { number: entry.number, shard, published_at: at, note })
}
