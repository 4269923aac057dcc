//! What the board knows of instances: which have something on it, and how it stands.

use std::{collections::BTreeSet, ops::Bound};

use berth_domain::instance::NoticeClass;
use berth_proto::{EndpointId, InstanceId, Timestamp, delivery::NoticeKeyV1};

use super::{Board, LaneKey};
use crate::dispatch::lane::Indexed;

// === impl Board ===

impl Board {
    /// Instances with notices that wait or are being tried, or were settled and are rows of the view, perhaps.
    pub(crate) fn instances(&self) -> BTreeSet<InstanceId> {
        self.instances_between(None, None)
    }

    /// Those of them behind one, and up to another one.
    pub(crate) fn instances_between(
        &self,
        after: Option<InstanceId>,
        last: Option<InstanceId>,
    ) -> BTreeSet<InstanceId> {
        let from = after.map_or(Bound::Unbounded, |after| Bound::Excluded(last_lane_of(after)));
        let to = last.map_or(Bound::Unbounded, |last| Bound::Included(last_lane_of(last)));
        let mut instances: BTreeSet<_> =
            self.lanes.range((from, to)).map(|(lane_key, _)| lane_key.instance).collect();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let to = last.map_or(Bound::Unbounded, Bound::Included);
        instances.extend(self.settled.range((from, to)).map(|(instance, _)| *instance));
        instances
    }

    /// Instances with lanes that are meant, among so many lanes behind one. Gives the last lane that was looked at, if there are more.
    pub(crate) fn instances_with(
        &self,
        is_meant: impl Fn(&LaneKey) -> bool,
        after: Option<LaneKey>,
        lanes_max: usize,
    ) -> (BTreeSet<InstanceId>, Option<LaneKey>) {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let (mut instances, mut looked_at) = (BTreeSet::new(), 0);
        for lane_key in self.lanes.range((from, Bound::Unbounded)).map(|(lane_key, _)| lane_key) {
            if is_meant(lane_key) {
                instances.insert(lane_key.instance);
            }
            looked_at += 1;
            if looked_at == lanes_max {
                return (instances, Some(*lane_key));
            }
        }
        (instances, None)
    }

    /// Endpoints that something of an instance waits for or is tried at.
    pub(crate) fn endpoints_of(&self, instance: InstanceId) -> Vec<EndpointId> {
        let mut endpoints: Vec<_> =
            self.lanes_of(instance).into_iter().map(|lane_key| lane_key.endpoint).collect();
        endpoints.dedup();
        endpoints
    }

    /// Whether something waits for an instance that is neither tried nor settled at this moment.
    pub(crate) fn has_waiting(&self, instance: InstanceId) -> bool {
        let lanes = self.lanes_of(instance);
        lanes.iter().filter_map(|key| self.lanes.get(key)).any(|lane| lane.queue.len() > lane.busy as usize)
    }

    /// Whether something of an instance is tried or settled at this moment.
    pub(crate) fn has_busy(&self, instance: InstanceId) -> bool {
        let lanes = self.lanes_of(instance);
        lanes.iter().filter_map(|key| self.lanes.get(key)).any(|lane| lane.busy > 0)
    }

    /// Whether something waits behind a notice in its lane.
    pub(crate) fn holds_up(&self, notice: &NoticeKeyV1, class: NoticeClass) -> bool {
        self.lanes
            .get(&LaneKey::of(notice, class))
            .is_some_and(|lane| lane.queue.len() > 1 || lane.beyond.is_some())
    }

    /// Whether something of an instance waits for more than its turn: for its next attempt, or for its endpoint. Who asks the
    /// gate about it next may be hours away.
    pub(crate) fn is_put_off(&self, instance: InstanceId, now: Timestamp) -> bool {
        let lanes = self.lanes_of(instance);
        lanes.iter().filter_map(|key| self.lanes.get(key)).any(|lane| match &lane.indexed {
            Some(Indexed::Idle(due)) => *due > now,
            Some(Indexed::Held(_) | Indexed::Paced(_)) => true,
            // What is tried at this moment is asked about when it fails.
            Some(Indexed::Unknown(_) | Indexed::Ready(..)) | None => false,
        })
    }
}

/// What comes after all lanes of an instance.
const fn last_lane_of(instance: InstanceId) -> LaneKey {
    LaneKey { instance, endpoint: EndpointId::from_bytes([u8::MAX; 16]), codes: true }
}
