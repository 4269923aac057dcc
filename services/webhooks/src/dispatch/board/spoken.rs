//! Whose last words are spoken, so that what they needed may be erased.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use berth_domain::instance::NoticeClass;
use berth_proto::{
    InstanceId,
    delivery::{NoticeKeyV1, SettledV1},
};

use super::Board;

/// Whose last words are spoken.
#[derive(Debug, Default)]
pub(crate) struct Spoken {
    pub(crate) surely: BTreeSet<InstanceId>,
    /// With what of them is settled.
    pub(crate) perhaps: Vec<(InstanceId, HashSet<NoticeKeyV1>)>,
}

// === impl Board ===

impl Board {
    /// Instances whose last words are all in a batch of settlements; and those of which that is for the view to say, with what of
    /// them is settled or in the batch. Of some it is not known here that anything is in the view alone: `has_all` says so.
    pub(crate) fn spoken(
        &self,
        batch: &[(SettledV1, NoticeClass)],
        has_all: impl Fn(InstanceId) -> bool,
    ) -> Spoken {
        let mut finals = BTreeMap::new();
        for (settled, class) in batch {
            if *class == NoticeClass::Deletion {
                *finals.entry(settled.notice.instance).or_insert(0) += 1;
            }
        }
        let mut spoken = Spoken::default();
        for (instance, count) in finals {
            if has_all(instance) && self.is_whole(instance) {
                spoken.surely.extend((self.last_words(instance) <= count).then_some(instance));
            } else {
                let in_batch = batch.iter().map(|(settled, _)| settled.notice);
                let mut settled = self.settled.get(&instance).cloned().unwrap_or_default();
                settled.extend(in_batch.filter(|notice| notice.instance == instance));
                spoken.perhaps.push((instance, settled));
            }
        }
        spoken
    }

    /// Notices of an instance's deletion that are not settled.
    fn last_words(&self, instance: InstanceId) -> usize {
        let lanes = self.lanes_of(instance);
        let lanes = lanes.iter().filter_map(|key| self.lanes.get(key));
        lanes.flat_map(|lane| &lane.queue).filter(|waiting| waiting.class == NoticeClass::Deletion).count()
    }

    /// Whether nothing of an instance is in the view alone.
    pub(super) fn is_whole(&self, instance: InstanceId) -> bool {
        let lanes = self.lanes_of(instance);
        lanes.iter().filter_map(|key| self.lanes.get(key)).all(|lane| lane.beyond.is_none())
    }
}
