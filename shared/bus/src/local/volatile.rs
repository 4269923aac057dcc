//! Volatile values in the memory of one process.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;

use crate::{
    port::{VOLATILE_TTL_MAX, Volatile, VolatileEntry, VolatileError},
    subject::{InvalidEntry, check_key, check_value},
};

/// Values that the process keeps, and as many counters. Beyond it, those that end first go early.
const ENTRIES_MAX: usize = 100_000;

/// Values and counters with a time to live, on the monotonic clock.
#[derive(Debug, Default)]
pub struct LocalVolatile {
    /// Written and read by every task of the process.
    values: Mutex<Expiring<Bytes>>,
    /// Written by every task that limits a rate.
    counters: Mutex<Expiring<u64>>,
}

/// A map whose entries end; each access sweeps out the ended ones.
#[derive(Debug)]
struct Expiring<V> {
    entries: HashMap<String, (Instant, V)>,
    /// The same entries in the order in which they end.
    ends: BTreeSet<(Instant, String)>,
}

impl<V> Default for Expiring<V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), ends: BTreeSet::new() }
    }
}

impl<V> Expiring<V> {
    fn sweep(&mut self, now: Instant) {
        while self.ends.first().is_some_and(|(end, _)| *end <= now) {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        if let Some((_, key)) = self.ends.pop_first() {
            self.entries.remove(&key);
        }
    }

    fn insert(&mut self, key: &str, end: Instant, value: V) {
        self.remove(key);
        if self.entries.len() >= ENTRIES_MAX {
            self.drop_first();
        }
        self.entries.insert(key.to_owned(), (end, value));
        self.ends.insert((end, key.to_owned()));
    }

    fn remove(&mut self, key: &str) {
        if let Some((end, _)) = self.entries.remove(key) {
            self.ends.remove(&(end, key.to_owned()));
        }
    }
}

impl LocalVolatile {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }
}

/// The swept map and the present moment.
fn swept<V>(map: &Mutex<Expiring<V>>) -> (MutexGuard<'_, Expiring<V>>, Instant) {
    let now = Instant::now();
    let mut map = map.lock().unwrap_or_else(PoisonError::into_inner);
    map.sweep(now);
    (map, now)
}

fn invalid(error: InvalidEntry) -> VolatileError {
    VolatileError(error.into())
}

#[async_trait]
impl Volatile for LocalVolatile {
    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), VolatileError> {
        check_key(key).and_then(|()| check_value(&value)).map_err(invalid)?;
        let (mut values, now) = swept(&self.values);
        values.insert(key, now + ttl.min(VOLATILE_TTL_MAX), value);
        Ok(())
    }

    async fn get(&self, key: &str) -> Result<Option<VolatileEntry>, VolatileError> {
        check_key(key).map_err(invalid)?;
        let (values, _) = swept(&self.values);
        Ok(values.entries.get(key).map(|(_, value)| VolatileEntry { value: value.clone() }))
    }

    async fn remove(&self, key: &str) -> Result<(), VolatileError> {
        check_key(key).map_err(invalid)?;
        swept(&self.values).0.remove(key);
        Ok(())
    }

    async fn add(&self, key: &str, amount: u64, ttl: Duration) -> Result<u64, VolatileError> {
        check_key(key).map_err(invalid)?;
        let (mut counters, now) = swept(&self.counters);
        if let Some((_, count)) = counters.entries.get_mut(key) {
            *count = count.saturating_add(amount);
            return Ok(*count);
        }
        counters.insert(key, now + ttl.min(VOLATILE_TTL_MAX), amount);
        Ok(amount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_map_lets_go_of_what_ends_first() {
        let mut map = Expiring::default();
        let start = Instant::now();
        for number in 0..=ENTRIES_MAX {
            map.insert(&number.to_string(), start + Duration::from_secs(number as u64), ());
        }
        assert_eq!(map.entries.len(), ENTRIES_MAX);
        assert_eq!(map.ends.len(), ENTRIES_MAX);
        assert!(!map.entries.contains_key("0") && map.entries.contains_key("1"));
    }

    #[test]
    fn replacing_a_value_moves_its_end() {
        let mut map = Expiring::default();
        let start = Instant::now();
        map.insert("a", start + Duration::from_secs(1), 1);
        map.insert("a", start + Duration::from_secs(9), 2);
        map.sweep(start + Duration::from_secs(5));
        assert_eq!(map.entries.get("a").map(|(_, value)| *value), Some(2));
        map.sweep(start + Duration::from_secs(9));
        assert!(map.entries.is_empty() && map.ends.is_empty());
    }
}
