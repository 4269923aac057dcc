//! Handles of a metric by its labels.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{PoisonError, RwLock},
};

/// Looks each handle of a metric up once: a look-up in the registry costs more than what is recorded.
///
/// It keeps what it looked up for the life of the process, so labels come from a closed list. A handle that is looked
/// up before telemetry is set up records nothing.
pub struct Handles<L, H> {
    look_up: fn(L) -> H,
    known: RwLock<BTreeMap<L, H>>,
}

impl<L: Copy + Ord, H: Clone> Handles<L, H> {
    /// Handles that are looked up so.
    pub const fn new(look_up: fn(L) -> H) -> Self {
        Self { look_up, known: RwLock::new(BTreeMap::new()) }
    }

    /// The handle with these labels.
    pub fn of(&self, labels: L) -> H {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(handle) = known.get(&labels) {
            return handle.clone();
        }
        drop(known);
        let handle = (self.look_up)(labels);
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(labels, handle.clone());
        handle
    }
}

impl<L, H> fmt::Debug for Handles<L, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handles")
    }
}
