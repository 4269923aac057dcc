//! States in memory: a shortcut, never the truth.
//!
//! A state from here may be behind, since another replica may have appended. An append on it then conflicts
//! and is decided again; an answer without an append is first checked against the log.
//!
//! The few that were used last are kept as they are worked with, the others encoded: a third of the memory, and its size
//! is known.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard, PoisonError},
};

use berth_domain::instance::State;
use berth_log::Loaded;
use berth_proto::{InstanceId, RecordV1};
use lru::LruCache;

/// States that are kept as they are worked with.
const AT_HAND_MAX: NonZeroUsize = NonZeroUsize::new(1_024).unwrap();
/// What an entry costs besides its encoded state, roughly, in bytes.
const ENTRY_OVERHEAD_BYTES: usize = 320;

/// The states used last, up to a number of bytes.
#[derive(Debug)]
pub(crate) struct StateCache {
    bytes_max: usize,
    /// Written and read by every mailbox.
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    at_hand: LruCache<InstanceId, Loaded<State>>,
    encoded: LruCache<InstanceId, Loaded<RecordV1>>,
    /// Bytes of what is encoded.
    bytes: usize,
}

// === impl StateCache ===

impl StateCache {
    pub(crate) fn new(bytes_max: usize) -> Self {
        let (at_hand, encoded) = (LruCache::new(AT_HAND_MAX), LruCache::unbounded());
        Self { bytes_max, inner: Mutex::new(Inner { at_hand, encoded, bytes: 0 }) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a state out; who takes it puts the next one back.
    pub(crate) fn take(&self, instance: InstanceId) -> Option<Loaded<State>> {
        let encoded = {
            let mut inner = self.inner();
            if let Some(loaded) = inner.at_hand.pop(&instance) {
                return Some(loaded);
            }
            inner.take_encoded(instance)?
        };
        // We encoded it ourselves, so it can be read.
        encoded.with_state(|state| state.open().ok())
    }

    /// Drops a state.
    pub(crate) fn forget(&self, instance: InstanceId) {
        let mut inner = self.inner();
        inner.at_hand.pop(&instance);
        inner.take_encoded(instance);
    }

    /// Puts a state in; the ones used longest ago make room.
    pub(crate) fn put(&self, instance: InstanceId, loaded: Loaded<State>) {
        let mut inner = self.inner();
        drop(inner.take_encoded(instance));
        let Some((oldest, loaded)) = inner.at_hand.push(instance, loaded) else { return };
        if oldest != instance
            && let Some(encoded) = loaded.with_state(|state| RecordV1::of(&state).ok())
        {
            inner.put_encoded(oldest, encoded);
            inner.shrink(self.bytes_max);
        }
    }
}

impl Inner {
    fn take_encoded(&mut self, instance: InstanceId) -> Option<Loaded<RecordV1>> {
        let encoded = self.encoded.pop(&instance)?;
        self.bytes -= cost(&encoded);
        Some(encoded)
    }

    fn put_encoded(&mut self, instance: InstanceId, mut encoded: Loaded<RecordV1>) {
        if let Some(state) = &mut encoded.state {
            state.body.shrink_to_fit();
        }
        self.bytes += cost(&encoded);
        if let Some(old) = self.encoded.put(instance, encoded) {
            self.bytes -= cost(&old);
        }
    }

    fn shrink(&mut self, bytes_max: usize) {
        while self.bytes > bytes_max {
            let Some((_, oldest)) = self.encoded.pop_lru() else { break };
            self.bytes -= cost(&oldest);
        }
    }
}

fn cost(encoded: &Loaded<RecordV1>) -> usize {
    encoded.state.as_ref().map_or(0, |state| state.body.len()) + ENTRY_OVERHEAD_BYTES
}

#[cfg(test)]
mod tests;
