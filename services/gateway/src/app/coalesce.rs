//! One read for many askers.
//!
//! An asker may use a read that *began* after it asked, never one that was already running: so a burst of
//! requests costs two reads and still sees everything that was acknowledged before.

use std::{
    collections::HashMap,
    future::Future,
    hash::Hash,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Shares reads by key.
#[derive(Debug)]
pub(super) struct Coalesce<K, V> {
    /// Slots of keys that somebody asks for at this moment.
    slots: Mutex<HashMap<K, Shared<V>>>,
}

#[derive(Debug)]
struct Shared<V> {
    /// Those who ask for the key; the last one to leave takes the slot away.
    askers: usize,
    slot: Arc<Slot<V>>,
}

#[derive(Debug)]
struct Slot<V> {
    /// Reads that have begun; written by the asker that holds `last`.
    begun: AtomicU64,
    /// The last finished read: its number and value.
    last: tokio::sync::Mutex<Option<(u64, V)>>,
}

impl<K: Hash + Eq + Clone, V: Clone> Coalesce<K, V> {
    pub(super) fn new() -> Self {
        Self { slots: Mutex::new(HashMap::new()) }
    }

    /// The value of a read that begins after this call. A failed read is not shared.
    pub(super) async fn read<E, F>(&self, key: K, read: impl FnOnce() -> F) -> Result<V, E>
    where
        F: Future<Output = Result<V, E>>,
    {
        let asker = self.enter(&key);
        let slot = &asker.slot;
        let arrived = slot.begun.load(Ordering::SeqCst);
        let mut last = slot.last.lock().await;
        if let Some((number, value)) = last.as_ref()
            && *number > arrived
        {
            return Ok(value.clone());
        }
        let number = slot.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let value = read().await?;
        *last = Some((number, value.clone()));
        Ok(value)
    }

    fn enter<'a>(&'a self, key: &'a K) -> Asker<'a, K, V> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = slots.entry(key.clone()).or_insert_with(|| {
            let slot = Slot { begun: AtomicU64::new(0), last: tokio::sync::Mutex::new(None) };
            Shared { askers: 0, slot: Arc::new(slot) }
        });
        shared.askers += 1;
        Asker { coalesce: self, key, slot: Arc::clone(&shared.slot) }
    }
}

/// Somebody who asks for a key. A client that goes away drops its request at any await: the slot is left all the same.
struct Asker<'a, K: Hash + Eq, V> {
    coalesce: &'a Coalesce<K, V>,
    key: &'a K,
    slot: Arc<Slot<V>>,
}

impl<K: Hash + Eq, V> Drop for Asker<'_, K, V> {
    /// Drops the slot when nobody else asks for the key.
    fn drop(&mut self) {
        let mut slots = self.coalesce.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(shared) = slots.get_mut(self.key) else { return };
        shared.askers -= 1;
        if shared.askers == 0 {
            slots.remove(self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_burst_costs_two_reads_and_leaves_nothing_behind() {
        let coalesce = Arc::new(Coalesce::<u8, u64>::new());
        let reads = Arc::new(AtomicU64::new(0));
        let askers = (0..50).map(|_| {
            let (coalesce, reads) = (Arc::clone(&coalesce), Arc::clone(&reads));
            async move {
                coalesce
                    .read(7, || async {
                        tokio::task::yield_now().await;
                        Ok::<_, Infallible>(reads.fetch_add(1, Ordering::SeqCst))
                    })
                    .await
            }
        });
        futures::future::join_all(askers).await;
        assert_eq!(reads.load(Ordering::SeqCst), 2, "one that was running and one that began after");
        assert!(coalesce.slots.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn an_asker_that_goes_away_leaves_nothing_behind() {
        let coalesce = Coalesce::<u8, u8>::new();
        let never = coalesce.read(1, std::future::pending::<Result<u8, Infallible>>);
        assert!(never.now_or_never().is_none(), "the read is under way");
        assert!(coalesce.slots.lock().unwrap().is_empty());
        assert_eq!(coalesce.read(1, || async { Ok::<_, Infallible>(2) }).await, Ok(2));
    }

    #[tokio::test]
    async fn a_later_asker_never_gets_an_earlier_read() {
        let coalesce = Coalesce::<u8, u8>::new();
        let first = coalesce.read(1, || async { Ok::<_, Infallible>(1) }).await;
        let second = coalesce.read(1, || async { Ok::<_, Infallible>(2) }).await;
        assert_eq!((first, second), (Ok(1), Ok(2)));
    }
}
