//! Puts events into the feed: those of an instance one after the other, those of many at once.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use berth_bus::{EventFeed, FeedError};
use berth_proto::Partition;
use berth_runtime::chain;
use futures::{StreamExt, stream};
use tokio::time::sleep;

use super::{
    Owned,
    rendered::{Lanes, Place, Rendered},
};
use crate::metrics;

/// Instances whose events are under way at once.
const INSTANCES_AT_ONCE: usize = 64;
/// Instances of which is remembered what stands in the feed last; when there are more, all are forgotten, which costs each a
/// read.
const REMEMBERED_MAX: usize = 65_536;
/// The pause before another try.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) struct Publisher {
    feed: Arc<dyn EventFeed>,
    /// What stands in the feed last, by subject.
    last: Mutex<HashMap<String, Last>>,
}

/// The last event of a subject: its place in the feed and among those of its instance.
#[derive(Debug, Clone, Default)]
struct Last {
    sequence: u64,
    place: Option<Place>,
}

// === impl Publisher ===

impl Publisher {
    pub(super) fn new(feed: Arc<dyn EventFeed>) -> Self {
        Self { feed, last: Mutex::default() }
    }

    /// Publishes everything; gives the partitions that ended before that.
    pub(super) async fn publish(&self, lanes: Lanes, owned: &Owned) -> BTreeSet<Partition> {
        stream::iter(lanes)
            .map(|(subject, (partition, events))| async move {
                let tenure = owned.get(&partition)?;
                let done = tenure.run(self.publish_lane(&subject, events)).await;
                done.is_none().then_some(partition)
            })
            .buffer_unordered(INSTANCES_AT_ONCE)
            .filter_map(std::future::ready)
            .collect()
            .await
    }

    async fn publish_lane(&self, subject: &str, events: Vec<Rendered>) {
        for event in events {
            while let Err(error) = self.add(subject, &event).await {
                tracing::warn!(reason = chain(&error), "a public event cannot be published now");
                sleep(RETRY_PAUSE).await;
            }
        }
    }

    /// Adds an event unless it, or a later one, is there.
    async fn add(&self, subject: &str, event: &Rendered) -> Result<(), FeedError> {
        loop {
            let last = self.last(subject).await?;
            if last.place.is_some_and(|place| place >= event.place) {
                return Ok(());
            }
            let added = self.feed.add(subject, &event.id, event.payload.clone(), last.sequence).await;
            match added {
                Ok(Some(sequence)) => {
                    self.remember(subject, Last { sequence, place: Some(event.place.clone()) });
                    metrics::published();
                    return Ok(());
                }
                // Another replica was here, or this one before it lost the answer.
                Ok(None) => self.forget(subject),
                Err(error) => {
                    self.forget(subject);
                    return Err(error);
                }
            }
        }
    }

    async fn last(&self, subject: &str) -> Result<Last, FeedError> {
        if let Some(last) = self.remembered().get(subject) {
            return Ok(last.clone());
        }
        let last = self.feed.last(subject).await?;
        let last = last.map_or_else(Last::default, |last| Last {
            sequence: last.sequence,
            place: Place::of(&last.payload),
        });
        self.remember(subject, last.clone());
        Ok(last)
    }

    fn remember(&self, subject: &str, last: Last) {
        let mut remembered = self.remembered();
        if remembered.len() >= REMEMBERED_MAX && !remembered.contains_key(subject) {
            remembered.clear();
        }
        remembered.insert(subject.to_owned(), last);
    }

    fn forget(&self, subject: &str) {
        self.remembered().remove(subject);
    }

    fn remembered(&self) -> MutexGuard<'_, HashMap<String, Last>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
