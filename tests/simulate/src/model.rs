//! What clients were told, which must be true ever after.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;

use crate::shown::{self, Shown};

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
    /// The endpoints of each instance.
    endpoints: BTreeMap<String, Vec<String>>,
    /// The versions of each instance that anybody was shown, and as what.
    shown: BTreeMap<String, BTreeMap<u64, Vec<Shown>>>,
}

// === impl Model ===

impl Model {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn acknowledge(&self, acknowledged: Acknowledged) {
        self.inner().acknowledged.push(acknowledged);
    }

    /// Somebody was told that an instance was made while everything failed.
    pub(crate) fn make(&self, instance: String) {
        self.inner().made.push(instance);
    }

    /// An instance has these endpoints.
    pub(crate) fn give(&self, instance: &str, endpoints: Vec<String>) {
        self.inner().endpoints.insert(instance.to_owned(), endpoints);
    }

    /// The endpoints of each instance that somebody was told of.
    pub(crate) fn endpoints(&self) -> BTreeMap<String, Vec<String>> {
        self.inner().endpoints.clone()
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

    /// Somebody was shown an instance.
    pub(crate) fn see(&self, body: &Value) {
        let (Some(instance), Some(version)) = (body["id"].as_str(), body["version"].as_u64()) else { return };
        let shown = shown::of_answer(body);
        let mut inner = self.inner();
        let before = inner.shown.entry(instance.to_owned()).or_default().entry(version).or_default();
        if !before.contains(&shown) {
            before.push(shown);
        }
    }

    /// Everything that was shown of each instance, by version.
    pub(crate) fn shown(&self) -> Vec<(String, Vec<(u64, Shown)>)> {
        let flat = |(version, shown): (&u64, &Vec<Shown>)| {
            let version = *version;
            shown.clone().into_iter().map(move |shown| (version, shown))
        };
        let of = |(instance, shown): (&String, &BTreeMap<_, _>)| {
            (instance.clone(), shown.iter().flat_map(flat).collect())
        };
        self.inner().shown.iter().map(of).collect()
    }

    /// What any read that begins now must show at least.
    pub(crate) fn floor(&self, instance: &str) -> u64 {
        self.inner().shown.get(instance).and_then(|shown| shown.keys().last().copied()).unwrap_or_default()
    }

    pub(crate) fn acknowledged(&self) -> Vec<Acknowledged> {
        self.inner().acknowledged.clone()
    }
}
