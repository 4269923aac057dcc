//! Which instances have new rows: how the dispatcher learns what to look at without reading everything.

use std::{
    collections::BTreeSet,
    mem,
    sync::{Mutex, PoisonError},
};

use berth_proto::InstanceId;

/// Instances that are remembered; beyond that the dispatcher looks at everything once.
const TOUCHED_MAX: usize = 65_536;

/// Instances whose rows changed. Written by the fold, drained by the dispatcher.
#[derive(Debug, Default)]
pub struct Touched(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Touched since the last drain.
    fresh: BTreeSet<InstanceId>,
    /// Drained last time: their batch may not have been written by then, so they are handed out once more.
    again: BTreeSet<InstanceId>,
    /// Whether more were touched than are remembered.
    overflow: bool,
}

/// What a drain gives.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Drained {
    /// Look at these.
    These(BTreeSet<InstanceId>),
    /// Look at everything.
    Everything,
}

// === impl Touched ===

impl Touched {
    /// Notes an instance.
    pub(crate) fn add(&self, instance: InstanceId) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.fresh.len() >= TOUCHED_MAX {
            inner.overflow = true;
        } else {
            inner.fresh.insert(instance);
        }
    }

    /// What was touched since the last drain and in the one before. Called after the view said that rows
    /// changed: a fold notes an instance before its batch is written, and says so after.
    pub(crate) fn drain(&self) -> Drained {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = mem::take(&mut inner.fresh);
        let mut both = mem::replace(&mut inner.again, fresh.clone());
        if mem::take(&mut inner.overflow) {
            return Drained::Everything;
        }
        both.extend(fresh);
        Drained::These(both)
    }
}
