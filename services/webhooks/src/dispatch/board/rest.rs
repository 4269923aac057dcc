//! What of lanes is in the view alone, and comes to the board once all before it is settled.

use std::{collections::BTreeMap, ops::Bound};

use berth_proto::delivery::{NoticeKeyV1, SETTLED_PER_COMMIT_MAX};

use super::{Board, InLane, LaneKey, Past, Present};
use crate::outbox::Owed;

/// Notices of a lane that are read at once when all before them were cancelled, however many are in memory: they leave at once.
const LEAVING_AT_ONCE: usize = 16 * SETTLED_PER_COMMIT_MAX;

/// The next notices of a lane.
#[derive(Debug)]
pub(crate) struct Rest {
    pub(crate) lane: LaneKey,
    /// Behind which they were looked for.
    pub(crate) after: InLane,
    pub(crate) rows: Vec<(NoticeKeyV1, Owed)>,
    /// Up to where all of them were read; none if there are no more.
    pub(crate) up_to: Option<InLane>,
}

// === impl Board ===

impl Board {
    /// Whether there is a lane of which more is to be read.
    pub(crate) fn is_to_be_read(&self) -> bool {
        !self.to_be_read.is_empty()
    }

    /// Some lanes of which more is to be read, behind what of them, and how many notices: so many of both at most, or one lane. Those
    /// that stand behind one, or the first ones if none does.
    pub(crate) fn to_be_read(
        &self,
        behind: Option<LaneKey>,
        (lanes_max, notices_max): (usize, usize),
    ) -> BTreeMap<LaneKey, (InLane, usize)> {
        let is_behind = |lane: &LaneKey| self.to_be_read.last().is_some_and(|last| last > lane);
        let from = behind.filter(is_behind).map_or(Bound::Unbounded, Bound::Excluded);
        let lanes = self.to_be_read.range((from, Bound::Unbounded)).take(lanes_max);
        let going_on = self.read_at_once();
        let read = |key: &LaneKey| {
            let beyond = self.lanes.get(key)?.beyond.as_ref()?;
            let count = if beyond.is_leaving { LEAVING_AT_ONCE } else { going_on };
            Some((*key, (beyond.after, count)))
        };
        let mut notices = 0;
        let fits = |(_, (_, count)): &(LaneKey, (InLane, usize))| {
            let fits = notices == 0 || notices + count <= notices_max;
            notices += count;
            fits
        };
        lanes.filter_map(read).take_while(fits).collect()
    }

    /// Notices of one lane that are read at once.
    pub(crate) fn read_at_once(&self) -> usize {
        self.room.going_on(self.count)
    }

    /// Whether there is room for what was left in the view for want of it.
    pub(crate) const fn is_free(&self) -> bool {
        self.count < self.room.free_below()
    }

    /// Whether there is no room for what does not go on in its lane.
    pub(crate) const fn is_full(&self) -> bool {
        self.count >= self.room.notices_max
    }

    /// The same, also for instances that something happens to.
    pub(crate) const fn has_no_room(&self) -> bool {
        self.count >= self.room.notices_max + self.room.besides_max
    }

    /// Whether a lane is here.
    pub(crate) fn has_lane(&self, lane: LaneKey) -> bool {
        self.lanes.contains_key(&lane)
    }

    /// Whether all of a lane that was here was cancelled.
    pub(crate) fn is_leaving(&self, lane: LaneKey) -> bool {
        let beyond = self.lanes.get(&lane).and_then(|lane| lane.beyond.as_ref());
        beyond.is_some_and(|beyond| beyond.is_leaving)
    }

    /// Takes over the next notices of a lane. Says whether the lane is still as it was when they were looked for.
    pub(crate) fn read_on(&mut self, rest: Rest, past: &impl Past, clock: Present) -> bool {
        let Rest { lane: lane_key, after, rows, up_to } = rest;
        let Some(beyond) = self.lanes.get(&lane_key).and_then(|lane| lane.beyond.as_deref().copied()) else {
            return false;
        };
        if beyond.after != after {
            return false;
        }
        self.change(lane_key, |lane| lane.reads_on(up_to, rows.len()));
        for (key, owed) in rows {
            let lane_max = if beyond.is_leaving { LEAVING_AT_ONCE } else { self.room.going_on(self.count) };
            self.add(key, owed, (lane_max, false), past, clock);
        }
        if beyond.is_hurried
            && let Some(lane) = self.lanes.get_mut(&lane_key)
        {
            lane.hurry(clock.now);
        }
        self.index(lane_key);
        true
    }
}
