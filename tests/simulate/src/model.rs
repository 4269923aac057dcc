//! What clients were told, which must be true ever after.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// A command that was answered with success.
#[derive(Debug, Clone)]
pub(crate) struct Acknowledged {
    pub(crate) instance: String,
    pub(crate) key: String,
    pub(crate) path: String,
    /// The version that the first answer showed.
    pub(crate) version: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Model(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    acknowledged: Vec<Acknowledged>,
    /// Instances that were made while everything failed, and those of them that were deleted.
    made: Vec<String>,
    deleted: BTreeSet<String>,
    /// The highest version of each instance that anybody was shown.
    seen: BTreeMap<String, u64>,
}

// === impl Model ===

impl Model {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn acknowledge(&self, acknowledged: Acknowledged) {
        self.see(&acknowledged.instance, acknowledged.version);
        self.inner().acknowledged.push(acknowledged);
    }

    /// Somebody was told that an instance was made.
    pub(crate) fn make(&self, instance: String) {
        self.inner().made.push(instance);
    }

    /// Somebody was told that an instance was deleted.
    pub(crate) fn delete(&self, instance: &str) {
        self.inner().deleted.insert(instance.to_owned());
    }

    pub(crate) fn made(&self) -> Vec<String> {
        self.inner().made.clone()
    }

    pub(crate) fn is_deleted(&self, instance: &str) -> bool {
        self.inner().deleted.contains(instance)
    }

    /// Somebody was shown this version of an instance.
    pub(crate) fn see(&self, instance: &str, version: u64) {
        let mut inner = self.inner();
        let seen = inner.seen.entry(instance.to_owned()).or_default();
        *seen = version.max(*seen);
    }

    /// What any read that begins now must show at least.
    pub(crate) fn floor(&self, instance: &str) -> u64 {
        self.inner().seen.get(instance).copied().unwrap_or_default()
    }

    pub(crate) fn acknowledged(&self) -> Vec<Acknowledged> {
        self.inner().acknowledged.clone()
    }
}
