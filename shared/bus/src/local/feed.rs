//! A feed of public events in the memory of one process: for tests and simulations.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use berth_proto::Partition;
use bytes::Bytes;

use crate::feed::{EventFeed, FeedError, LastEvent};

/// An event as it stands in a [`LocalFeed`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptEvent {
    /// Its subject.
    pub subject: String,
    /// Its id.
    pub id: String,
    /// The event.
    pub payload: Bytes,
}

/// The feed of one process. Clones are the same; it forgets nothing.
#[derive(Debug, Clone, Default)]
pub struct LocalFeed(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    /// The event at place 1 comes first.
    events: Vec<KeptEvent>,
    /// The last place of each subject.
    last: BTreeMap<String, u64>,
    marks: BTreeMap<Partition, Bytes>,
}

impl LocalFeed {
    /// All events, in their order.
    pub fn events(&self) -> Vec<KeptEvent> {
        self.with(|kept| kept.events.clone())
    }

    fn with<T>(&self, work: impl FnOnce(&mut Kept) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl EventFeed for LocalFeed {
    async fn last(&self, subject: &str) -> Result<Option<LastEvent>, FeedError> {
        Ok(self.with(|kept| {
            let sequence = *kept.last.get(subject)?;
            let event = kept.events.get(usize::try_from(sequence).ok()?.checked_sub(1)?)?;
            Some(LastEvent { sequence, payload: event.payload.clone() })
        }))
    }

    async fn add(
        &self,
        subject: &str,
        id: &str,
        payload: Bytes,
        after: u64,
    ) -> Result<Option<u64>, FeedError> {
        Ok(self.with(|kept| {
            if kept.last.get(subject).copied().unwrap_or_default() != after {
                return None;
            }
            kept.events.push(KeptEvent { subject: subject.to_owned(), id: id.to_owned(), payload });
            let sequence = kept.events.len() as u64;
            kept.last.insert(subject.to_owned(), sequence);
            Some(sequence)
        }))
    }

    async fn noted(&self, partition: Partition) -> Result<Option<Bytes>, FeedError> {
        Ok(self.with(|kept| kept.marks.get(&partition).cloned()))
    }

    async fn note(&self, partition: Partition, mark: Bytes) -> Result<(), FeedError> {
        self.with(|kept| kept.marks.insert(partition, mark));
        Ok(())
    }
}
