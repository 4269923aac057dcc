//! States in memory: a shortcut, never the truth.
//!
//! A state from here may be behind, since another replica may have appended. An append on it then conflicts
//! and is decided again; an answer without an append is first checked against the log.

use std::sync::{Mutex, PoisonError};

use berth_domain::instance::State;
use berth_log::Loaded;
use berth_proto::InstanceId;
use lru::LruCache;

/// What an entry costs besides its state, roughly, in bytes.
const ENTRY_OVERHEAD_BYTES: usize = 512;

/// The states used last, up to a number of bytes.
#[derive(Debug)]
pub(crate) struct StateCache {
    bytes_max: usize,
    /// Written and read by every mailbox.
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    states: LruCache<InstanceId, Loaded<State>>,
    bytes: usize,
}

impl StateCache {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, inner: Mutex::new(Inner { states: LruCache::unbounded(), bytes: 0 }) }
    }

    /// Takes a state out; who takes it puts the next one back.
    pub(crate) fn take(&self, instance: InstanceId) -> Option<Loaded<State>> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let loaded = inner.states.pop(&instance)?;
        inner.bytes -= cost(&loaded);
        Some(loaded)
    }

    /// Puts a state in; the ones used longest ago make room.
    pub(crate) fn put(&self, instance: InstanceId, loaded: Loaded<State>) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.bytes += cost(&loaded);
        if let Some(old) = inner.states.put(instance, loaded) {
            inner.bytes -= cost(&old);
        }
        while inner.bytes > self.bytes_max {
            let Some((_, oldest)) = inner.states.pop_lru() else { break };
            inner.bytes -= cost(&oldest);
        }
    }
}

/// A commit is at least as large as the state in it.
fn cost<S>(loaded: &Loaded<S>) -> usize {
    loaded.bytes + ENTRY_OVERHEAD_BYTES
}

#[cfg(test)]
mod tests {
    use berth_proto::StreamKey;

    use super::*;

    fn loaded(bytes: usize) -> Loaded<State> {
        let mut loaded = Loaded::empty(StreamKey::instance(InstanceId::from_bytes([0; 16])));
        loaded.bytes = bytes;
        loaded
    }

    #[test]
    fn the_oldest_states_make_room() {
        let cache = StateCache::new(4 * (1_000 + ENTRY_OVERHEAD_BYTES));
        let id = |byte| InstanceId::from_bytes([byte; 16]);
        for byte in 0..5 {
            cache.put(id(byte), loaded(1_000));
        }
        assert!(cache.take(id(0)).is_none(), "the oldest is gone");
        assert!(cache.take(id(4)).is_some());
        cache.put(id(9), loaded(1_000_000));
        assert!(cache.take(id(9)).is_none(), "what is larger than the whole is not kept");
        assert_eq!(cache.inner.lock().unwrap().bytes, 0);
    }
}
