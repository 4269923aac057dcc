//! The bucket that members and claims stand in.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use berth_bus::{
    cluster::Engine,
    nats::{LastValue, LeaseBucket, OpenError, StreamError},
    subject::matches,
};
use bytes::Bytes;
use tokio::time::Instant;

use crate::world::{At, CutOff};

/// What stands in the bucket.
#[derive(Debug, Default)]
pub(crate) struct Values(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    last: u64,
    values: BTreeMap<String, (LastValue, Option<Instant>)>,
    /// When values end, the next one first, with ends that were put off meanwhile.
    ends: BTreeSet<(Instant, String)>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct SharedBucket(pub(crate) At);

fn away(_cut: CutOff) -> StreamError {
    StreamError::NotConnected
}

impl Inner {
    fn sweep(&mut self) {
        let now = Instant::now();
        while self.ends.first().is_some_and(|(ends, _)| *ends <= now)
            && let Some((ended, subject)) = self.ends.pop_first()
        {
            if self.values.get(&subject).is_some_and(|(_, ends)| *ends == Some(ended)) {
                self.values.remove(&subject);
            }
        }
    }

    /// The subjects that a filter matches: members look twice a second, among claims that are not looked at.
    fn subjects(&self, filter: &str) -> Vec<String> {
        let begins = filter.split(['*', '>']).next().unwrap_or_default();
        let from = self.values.range(begins.to_owned()..).map(|(subject, _)| subject);
        let near = from.take_while(|subject| subject.starts_with(begins));
        near.filter(|subject| matches(filter, subject)).cloned().collect()
    }

    fn put(&mut self, subject: &str, payload: Bytes, ttl: Option<Duration>) -> u64 {
        self.last += 1;
        let ends = ttl.map(|ttl| Instant::now() + ttl);
        if let Some(ends) = ends {
            self.ends.insert((ends, subject.to_owned()));
        }
        self.values.insert(subject.to_owned(), (LastValue { payload, sequence: self.last }, ends));
        self.last
    }
}

impl SharedBucket {
    fn with<T>(&self, look: impl FnOnce(&mut Inner) -> T) -> T {
        let mut inner = self.0.world.values.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.sweep();
        look(&mut inner)
    }
}

#[async_trait]
impl LeaseBucket for SharedBucket {
    async fn last(&self, subject: &str) -> Result<Option<LastValue>, StreamError> {
        self.0.reach().await.map_err(away)?;
        let last = self.with(|inner| inner.values.get(subject).map(|(value, _)| value.clone()));
        self.0.way().await;
        Ok(last)
    }

    async fn subjects(&self, filter: &str) -> Result<Vec<String>, StreamError> {
        self.0.reach().await.map_err(away)?;
        let found = self.with(|inner| inner.subjects(filter));
        self.0.way().await;
        Ok(found)
    }

    async fn write(
        &self,
        subject: &str,
        payload: Bytes,
        expected: Option<u64>,
        ttl: Option<Duration>,
    ) -> Result<u64, StreamError> {
        let answered = self.0.reach_to_write().await.map_err(away)?;
        let written = self.with(|inner| {
            let found = inner.values.get(subject).map_or(0, |(value, _)| value.sequence);
            if expected.is_some_and(|expected| expected != found) {
                return Err(StreamError::Conflict);
            }
            Ok(inner.put(subject, payload, ttl))
        });
        let said = if written.is_ok() { "writes" } else { "may not write" };
        self.0.step(format_args!("{said} {subject}"));
        answered.back(&self.0, written).await.map_err(away)?
    }

    async fn restore(&self) -> Result<(), OpenError> {
        self.0.alive().await;
        Ok(())
    }

    async fn engine(&self, _streams: &[String]) -> Engine {
        Engine {
            kind: "simulated",
            version: None,
            sync: "never".to_owned(),
            servers: Vec::new(),
            streams: Vec::new(),
        }
    }
}
