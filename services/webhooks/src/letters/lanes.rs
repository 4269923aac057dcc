//! What waits of all instances of a partition.

use std::collections::HashMap;

use berth_bus::Kept;
use berth_proto::InstanceId;

use super::lane::Lane;
use crate::metrics;

/// Bytes that wait for all instances of a partition; more are refused, and the upstream tries them again.
const WAITING_BYTES_MAX: usize = 256 * 1024 * 1024;

/// The lanes of a partition; those in which nothing is to be done are not kept.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: HashMap<InstanceId, Lane>,
    bytes: usize,
}

impl Lanes {
    /// Whether one more of that many bytes may wait for an instance.
    pub(super) fn has_room(&self, instance: InstanceId, bytes: usize) -> bool {
        self.bytes + bytes <= WAITING_BYTES_MAX
            && self.lanes.get(&instance).is_none_or(|lane| lane.has_room(bytes))
    }

    /// One that is kept.
    pub(super) fn add(&mut self, kept: Kept) {
        let lane = self.lanes.entry(kept.instance).or_default();
        let before = (lane.len(), lane.bytes());
        lane.add(kept);
        metrics::letters_wait(lane.len() - before.0);
        self.bytes += lane.bytes() - before.1;
    }

    /// The place of the first one of an instance, if it is to set out now. A lane in which nothing is to be done goes.
    pub(super) fn set_out(&mut self, instance: InstanceId) -> Option<u64> {
        let lane = self.lanes.get_mut(&instance)?;
        let first = lane.set_out();
        if lane.is_idle() {
            self.lanes.remove(&instance);
        }
        first
    }

    /// One that was under way is at its end: it alone is done, or all that came so far.
    pub(super) fn settle(&mut self, instance: InstanceId, place: u64, all: bool) {
        let Some(lane) = self.lanes.get_mut(&instance) else { return };
        let before = (lane.len(), lane.bytes());
        lane.settle(lane.last().filter(|_| all).unwrap_or(place));
        metrics::letters_gone(before.0 - lane.len());
        self.bytes -= before.1 - lane.bytes();
    }

    /// Up to which place the postbag is to be erased now for an instance, if it is.
    pub(super) fn erase(&mut self, instance: InstanceId) -> Option<u64> {
        self.lanes.get_mut(&instance)?.erase()
    }

    /// It was erased up to a place, or could not be.
    pub(super) fn erased(&mut self, instance: InstanceId, up_to: u64, is_erased: bool) {
        if let Some(lane) = self.lanes.get_mut(&instance) {
            lane.erased(up_to, is_erased);
        }
    }

    /// The instances that have a lane.
    pub(super) fn instances(&self) -> Vec<InstanceId> {
        self.lanes.keys().copied().collect()
    }

    /// How many wait for each.
    pub(super) fn counts(&self) -> HashMap<InstanceId, usize> {
        self.lanes.iter().map(|(instance, lane)| (*instance, lane.len())).collect()
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        metrics::letters_gone(self.lanes.values().map(Lane::len).sum());
    }
}

#[cfg(test)]
mod tests {
    use super::{super::lane::WAITING_BYTES_MAX as OF_INSTANCE_BYTES_MAX, *};

    #[test]
    fn a_partition_has_room_for_so_many_bytes() {
        let mut lanes = Lanes::default();
        let instances: Vec<_> = (1..=5).map(|number| InstanceId::from_bytes([number; 16])).collect();
        for instance in &instances[..4] {
            assert!(lanes.has_room(*instance, OF_INSTANCE_BYTES_MAX));
            lanes.add(Kept { instance: *instance, place: 1, bytes: OF_INSTANCE_BYTES_MAX });
            assert!(!lanes.has_room(*instance, 1));
        }
        assert!(!lanes.has_room(instances[4], 1), "four instances have what there is");
        assert_eq!(lanes.set_out(instances[0]), Some(1));
        lanes.settle(instances[0], 1, false);
        assert!(lanes.has_room(instances[4], 1));
        assert_eq!(lanes.erase(instances[0]), Some(1));
        lanes.erased(instances[0], 1, true);
        assert_eq!(lanes.set_out(instances[0]), None);
        assert_eq!(lanes.instances().len(), 3);
    }
}
