//! The partitions that this replica dispatches.

use std::collections::BTreeMap;

use berth_bus::Tenure;
use berth_domain::instance::NoticeClass;
use berth_proto::{InstanceId, Partition, delivery::SettledV1};
use tokio::sync::oneshot;

use super::{
    owned::{Owned, Stage},
    settle::Settler,
};
use crate::metrics;

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

    /// Settlements that wait for a commit, in one of a partition that makes none at the moment.
    pub(super) fn next_to_settle(&mut self) -> Option<(Settler, Vec<(SettledV1, NoticeClass)>)> {
        let owned = self.0.values_mut().find(|owned| !owned.unsettled.is_empty() && !owned.is_settling)?;
        Some((owned.settler.clone(), owned.begin_settling()))
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
