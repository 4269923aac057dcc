//! The partitions that this replica dispatches.

use std::collections::BTreeMap;

use berth_bus::Tenure;
use berth_domain::instance::NoticeClass;
use berth_proto::{InstanceId, Partition, delivery::SettledV1};
use tokio::{sync::oneshot, time::Instant};

use super::{
    owned::{Owned, Stage},
    settle::Settler,
};
use crate::metrics;

/// What is settled in one commit, and by whom.
pub(super) type Settling = (Settler, Vec<(SettledV1, NoticeClass)>);

/// See the module.
#[derive(Default)]
pub(super) struct Partitions(BTreeMap<Partition, Owned>);

// === impl Partitions ===

impl Partitions {
    /// A partition is dispatched here from now on.
    pub(super) fn take(&mut self, settler: Settler) {
        self.0.insert(settler.tenure().partition(), Owned::new(settler));
        metrics::owned(self.0.len());
    }

    /// Nothing more of a partition is begun. One that was never taken is gone already.
    pub(super) fn leave(&mut self, tenure: &Tenure, done: oneshot::Sender<()>) {
        if let Some(owned) = self.under(tenure) {
            owned.leaving = Some(done);
        }
    }

    /// Lets go of what others wait for and nothing is under way of; gives who waited.
    pub(super) fn let_go(&mut self) -> Vec<oneshot::Sender<()>> {
        let gone: Vec<_> = self.0.extract_if(.., |_, owned| owned.may_go()).collect();
        if !gone.is_empty() {
            metrics::owned(self.0.len());
        }
        gone.into_iter().filter_map(|(_, owned)| owned.leaving).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many they are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn owns(&self, instance: InstanceId) -> bool {
        self.0.contains_key(&Partition::of(instance.as_bytes()))
    }

    /// All of them.
    pub(super) fn names(&self) -> impl Iterator<Item = Partition> {
        self.0.keys().copied()
    }

    /// The partition of an instance.
    pub(super) fn of(&mut self, instance: InstanceId) -> Option<&mut Owned> {
        self.0.get_mut(&Partition::of(instance.as_bytes()))
    }

    /// The partition that is held under a tenure, unless it is held under another one by now.
    pub(super) fn under(&mut self, tenure: &Tenure) -> Option<&mut Owned> {
        self.0.get_mut(&tenure.partition()).filter(|owned| owned.is_under(tenure))
    }

    /// Attempts under way.
    pub(super) fn in_flight(&self) -> usize {
        self.0.values().map(|owned| owned.in_flight).sum()
    }

    /// Settlements whose commit is to be made now, of one partition. `is_busy`: whether much is under way.
    pub(super) fn next_to_settle(&mut self, now: Instant, is_busy: bool) -> Option<Settling> {
        let is_due = |owned: &&mut Owned| owned.settles_at(now, is_busy).is_some_and(|at| at <= now);
        let owned = self.0.values_mut().find(is_due)?;
        Some((owned.settler.clone(), owned.unsettled.begin(now)))
    }

    /// When the next such commit is to be made.
    pub(super) fn settles_at(&self, now: Instant, is_busy: bool) -> Option<Instant> {
        self.0.values().filter_map(|owned| owned.settles_at(now, is_busy)).min()
    }

    /// The outbox knows what former owners of a partition settled: gives what waited for that.
    pub(super) fn taken(&mut self, tenure: &Tenure) -> Vec<super::lane::Pending> {
        let Some(owned) = self.under(tenure) else { return Vec::new() };
        match std::mem::replace(&mut owned.stage, Stage::Taken) {
            Stage::Taking(waiting) => waiting,
            Stage::Untaken | Stage::Taken => Vec::new(),
        }
    }
}
