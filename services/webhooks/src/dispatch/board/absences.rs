//! Instances leave memory when nothing is to be done for them for a while, and come back.

use berth_proto::{EndpointId, InstanceId, Timestamp};

use super::{
    Board,
    away::{Absence, Call, Head, NEVER},
};
use crate::{
    dispatch::{
        lane::{Lane, LaneKey},
        turns::Why,
    },
    schedule::plus,
};

/// Notices that an instance is owed at most that goes away: all of them are passed by when it is read back, while other reads wait. Of
/// one that is owed more the oldest ones stay, one for each endpoint.
const NOTICES_MAX: usize = 16_384;
/// The same as [`super::Room::away_from`] where there is no room.
const AWAY_FROM_PRESSED: std::time::Duration = std::time::Duration::from_secs(5);

// === impl Board ===

impl Board {
    /// Whether instances for which nothing is to be done for a while are to go away.
    pub(crate) const fn is_crowded(&self) -> bool {
        self.count > 0 && self.count >= self.room.short_from
    }

    /// Whether those are, too, that have waited long for their turn.
    pub(crate) const fn is_pressed(&self) -> bool {
        self.count >= self.room.free_below()
    }

    /// How often all are looked at for that.
    pub(crate) const fn looks_each(&self) -> std::time::Duration {
        self.room.looks_each
    }

    /// An instance goes away if nothing is to be done for it for a while.
    pub(crate) fn may_go(&mut self, instance: InstanceId, now: Timestamp) {
        let lanes = self.lanes_of(instance);
        let owed: usize = lanes.iter().filter_map(|key| self.lanes.get(key)).map(Lane::owed).sum();
        if owed > NOTICES_MAX {
            for lane_key in lanes {
                self.change(lane_key, |lane| lane.shorten(1));
                self.index(lane_key);
            }
        } else if let Some(absence) = self.absence(instance, &lanes, now) {
            self.go(instance, absence);
        }
    }

    /// What is to be remembered of an instance that goes away; none if it may not.
    fn absence(&self, instance: InstanceId, lanes: &[LaneKey], now: Timestamp) -> Option<Absence> {
        // What is settled here may be a row of the view still.
        if lanes.is_empty() || self.settled.contains_key(&instance) || !self.away.has_room(lanes.len()) {
            return None;
        }
        let is_pressed = self.is_pressed();
        let from = plus(now, if is_pressed { AWAY_FROM_PRESSED } else { self.room.away_from });
        let (mut heads, mut notices) = (Vec::with_capacity(lanes.len()), 0);
        let (mut oldest, mut until, mut stuck_until) = (None, NEVER, NEVER);
        for lane_key in lanes {
            let lane = self.lanes.get(lane_key).filter(|lane| lane.busy == 0)?;
            let head = lane.head()?;
            let rest = self.turns.rest_of(*lane_key, lane, (now, is_pressed))?;
            match rest.why {
                Why::Stuck => stuck_until = stuck_until.min(rest.until),
                Why::Due | Why::Held => until = until.min(rest.until),
            }
            notices += lane.owed();
            if !head.held {
                oldest = oldest.into_iter().chain([head.occurred_at]).min();
            }
            heads.push(Head {
                endpoint: lane_key.endpoint,
                version: head.version,
                due: head.due,
                ordinal: head.ordinal,
                attempts: head.attempts,
                codes: lane_key.codes,
                is_kept: head.held,
                why: rest.why,
            });
        }
        let (notices, heads) = (u32::try_from(notices).unwrap_or(u32::MAX), heads.into_boxed_slice());
        let absence = Absence { until, stuck_until, oldest, notices, is_touched: false, heads };
        (until.min(stuck_until) > from).then_some(absence)
    }

    fn go(&mut self, instance: InstanceId, absence: Absence) {
        for head in &absence.heads {
            let lane_key = head.lane(instance);
            self.turns.goes_away(lane_key, head.why);
            self.change(lane_key, |lane| {
                lane.queue.clear();
                lane.beyond = None;
            });
            self.index(lane_key);
        }
        self.away.put(instance, absence);
    }

    /// An instance is not away any more; gives what was remembered of it.
    pub(super) fn come_back(&mut self, instance: InstanceId) -> Option<Absence> {
        let absence = self.away.take(instance)?;
        self.waits_no_more(&absence);
        Some(absence)
    }

    /// What was away does not wait for breakers any more.
    pub(super) fn waits_no_more(&mut self, absence: &Absence) {
        for head in absence.heads.iter().filter(|head| head.why == Why::Held) {
            self.turns.came_back(head.endpoint, false);
        }
    }

    /// Whether an instance is away.
    pub(crate) fn is_away(&self, instance: InstanceId) -> bool {
        self.away.has(instance)
    }

    /// Something happened to an instance, which is asked about when it is back; it comes back now.
    pub(crate) fn touch(&mut self, instance: InstanceId, now: Timestamp) {
        self.away.touch(instance, now);
    }

    /// What waits for an endpoint that is away is to be asked about.
    pub(crate) fn call_back(&mut self, endpoint: EndpointId) {
        self.away.call(endpoint, Call::Touched);
    }

    /// Looks for some more of those that are called back.
    pub(crate) fn go_on_calling(&mut self, now: Timestamp) {
        if self.away.calls() {
            for endpoint in self.away.go_on(now) {
                self.turns.came_back(endpoint, true);
            }
        }
    }

    /// Whether some are called back still.
    pub(crate) fn calls(&self) -> bool {
        self.away.calls()
    }

    /// When the next instance comes back, if there is room. What made room for others comes after them.
    pub(crate) fn comes_back_at(&self) -> Option<Timestamp> {
        self.away.wake_at(self.is_free()).filter(|_| !self.is_full())
    }

    /// The next one that comes back by now: it is to be read.
    pub(crate) fn next_back(&mut self, now: Timestamp) -> Option<InstanceId> {
        let is_free = self.is_free();
        (!self.is_full()).then(|| self.away.next(now, is_free)).flatten()
    }
}

#[cfg(test)]
mod tests;
