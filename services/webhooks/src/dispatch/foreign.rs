//! Attempts of former owners whose fate is unknown: nobody can stop them, and each lives for as long as one may take; pure.

use std::{collections::HashMap, time::Duration};

use berth_proto::{EndpointId, InstanceId, Timestamp, delivery::NoticeKeyV1};

use super::lane::{LaneKey, Waiting};
use crate::schedule::plus;

/// See the module. At most one of each lane.
#[derive(Debug, Default)]
pub(super) struct ForeignAttempts(HashMap<(InstanceId, EndpointId), Foreign>);

/// What may still run of former owners' attempts at an endpoint.
#[derive(Debug, Clone, Copy)]
struct Foreign {
    /// The oldest notice of which there is one.
    oldest: (u64, u16),
    /// The last of them ends before this …
    until: Timestamp,
    /// … which was so long after it was found.
    life: Duration,
}

// === impl ForeignAttempts ===

impl ForeignAttempts {
    /// One was found, which lives for so long at most.
    pub(super) fn note(&mut self, key: &NoticeKeyV1, life: Duration, now: Timestamp) {
        let (of, until) = ((key.version, key.ordinal), plus(now, life));
        let entry = self.0.entry((key.instance, key.endpoint));
        let foreign = entry.or_insert(Foreign { oldest: of, until, life });
        foreign.oldest = foreign.oldest.min(of);
        (foreign.until, foreign.life) = (foreign.until.max(until), foreign.life.max(life));
    }

    /// When a head may be tried: what ends a session is held back while something older may still be under way.
    pub(super) fn earliest(&self, lane: LaneKey, head: &Waiting) -> Timestamp {
        let held_back = self
            .0
            .get(&(lane.instance, lane.endpoint))
            .filter(|foreign| head.is_an_end() && foreign.oldest < (head.version, head.ordinal));
        held_back.map_or(head.due, |foreign| head.due.max(foreign.until))
    }

    /// After a clock that went back: they live for no longer than ever.
    pub(super) fn follow_clock(&mut self, now: Timestamp) {
        for foreign in self.0.values_mut() {
            foreign.until = foreign.until.min(plus(now, foreign.life));
        }
    }

    pub(super) fn forget(&mut self, is_gone: impl Fn(InstanceId) -> bool) {
        self.0.retain(|(instance, _), _| !is_gone(*instance));
    }
}
