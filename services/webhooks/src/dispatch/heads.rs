//! What of a lane is in memory: its oldest notices. The rest waits in the view; pure.
//!
//! The order of a lane rests on its oldest notice alone, so the others need not be in memory. A lane knows up to where all of it
//! is here; what stands behind that is read once everything before it is settled.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use berth_proto::{Timestamp, delivery::NoticeKeyV1};

use super::lane::{Lane, LaneKey, Waiting};
use crate::outbox::Owed;

/// Where a notice stands in its lane: its version and ordinal.
pub(crate) type InLane = (u64, u16);

/// How much of what is owed is kept in memory; the rest waits in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Notices of one lane (an endpoint of an instance) while there is room.
    pub lane_max: usize,
    /// Notices in memory from which on only the oldest one of a lane is added, and an instance goes away for which nothing is to be
    /// done for a while.
    pub short_from: usize,
    /// How long that is, at least.
    pub away_from: Duration,
    /// How often all are looked at for that.
    pub looks_each: Duration,
    /// Notices of one lane that are read at once when all before them are settled, at least, while there is room for any.
    pub read_min: usize,
    /// Notices in memory from which on no more are read but what goes on in its lane.
    pub notices_max: usize,
    /// Notices that are kept beyond these, of instances that something happens to meanwhile.
    pub besides_max: usize,
}

/// What waits in a lane behind what is in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Beyond {
    /// All that stands up to here is in memory; what stands behind it is not.
    pub(super) after: InLane,
    /// The last one that is known of.
    pub(super) last: InLane,
    /// About how many there are.
    pub(super) count: usize,
    /// Whether all of it is to be sent at once.
    pub(super) is_hurried: bool,
    /// Whether all before it was cancelled, as it will be, too.
    pub(super) is_leaving: bool,
}

/// The oldest of what one instance's endpoints are owed, as the view has it at one moment.
#[derive(Debug, Default)]
pub(crate) struct Heads {
    pub(super) rows: Vec<(NoticeKeyV1, Owed)>,
    pub(super) beyond: BTreeMap<LaneKey, Beyond>,
    /// Rows of each lane.
    counts: HashMap<LaneKey, (usize, InLane)>,
}

// === impl Room ===

impl Default for Room {
    /// Some 70 MB, if all of it waits in lanes of its own, which take 700 bytes each.
    fn default() -> Self {
        Self {
            lane_max: 256,
            short_from: 50_000,
            away_from: Duration::from_mins(1),
            looks_each: Duration::from_secs(5),
            read_min: 16,
            notices_max: 100_000,
            besides_max: 10_000,
        }
    }
}

impl Room {
    /// Notices that a lane has in memory, with so many in all of them.
    pub(super) const fn of_lane(&self, in_memory: usize) -> usize {
        if in_memory < self.short_from { self.lane_max } else { 1 }
    }

    /// The same, of a lane whose notices are read as those before them are settled.
    pub(super) fn going_on(&self, in_memory: usize) -> usize {
        if in_memory < self.notices_max { self.of_lane(in_memory).max(self.read_min) } else { 1 }
    }

    /// Notices in memory below which what was left in the view for want of room is read.
    pub(super) const fn free_below(&self) -> usize {
        self.notices_max - self.notices_max / 8
    }
}

// === impl Beyond ===

impl Beyond {
    const fn new(after: InLane, last: InLane) -> Self {
        Self { after, last, count: 0, is_hurried: false, is_leaving: false }
    }
}

// === impl Heads ===

impl Heads {
    /// Adds a row, in the order of the view. Of each lane so many are kept.
    pub(super) fn add(&mut self, key: NoticeKeyV1, owed: Owed, lane_max: usize) {
        let (lane, at) = (LaneKey::of(&key, owed.class), in_lane(&key));
        let (count, last) = self.counts.entry(lane).or_default();
        if *count < lane_max {
            (*count, *last) = (*count + 1, at);
            return self.rows.push((key, owed));
        }
        let after = *last;
        let beyond = self.beyond.entry(lane);
        let beyond = beyond.or_insert(Beyond::new(after, at));
        (beyond.last, beyond.count) = (at, beyond.count + 1);
    }

    /// Whether a notice stands behind what was read of its lane, whichever that is.
    pub(super) fn is_beyond(&self, key: &NoticeKeyV1) -> bool {
        [false, true].into_iter().any(|codes| {
            let lane = LaneKey { instance: key.instance, endpoint: key.endpoint, codes };
            self.beyond.get(&lane).is_some_and(|beyond| in_lane(key) > beyond.after)
        })
    }
}

// === impl Lane ===

impl Lane {
    /// About how many of its notices are in the view alone.
    pub(super) fn left_out(&self) -> usize {
        self.beyond.as_ref().map_or(0, |beyond| beyond.count)
    }

    /// About how many there are.
    pub(super) fn owed(&self) -> usize {
        self.queue.len() + self.left_out()
    }

    /// Whether what stands there is in the view alone.
    pub(super) fn is_beyond(&self, at: InLane) -> bool {
        self.beyond.as_ref().is_some_and(|beyond| at > beyond.after)
    }

    /// Whether all that is here of it is settled and more is in the view.
    pub(super) fn is_to_be_read(&self) -> bool {
        self.queue.is_empty() && self.beyond.is_some()
    }

    /// Whether a notice that comes stays in the view, of a lane that has so many at most.
    pub(super) fn has_no_room(&self, at: InLane, lane_max: usize) -> bool {
        let is_last = self.queue.back().is_some_and(|last| at > last.in_lane());
        self.is_beyond(at) || (is_last && self.queue.len() >= lane_max)
    }

    /// A notice stays in the view, or goes back to it. `is_news`: whether it was counted before only if it is not the last one.
    pub(super) fn leave_out(&mut self, at: InLane, is_news: bool) {
        let was_beyond = self.is_beyond(at);
        // What is tried or settled may stand behind it.
        let before = self.queue.iter().rev().map(Waiting::in_lane).find(|one| *one < at);
        let before = before.unwrap_or(just_before(at));
        let beyond = self.beyond.get_or_insert_with(|| Box::new(Beyond::new(before, before)));
        if !was_beyond {
            beyond.after = beyond.after.min(before);
        }
        if !(was_beyond && is_news) || at > beyond.last {
            beyond.count += 1;
        }
        beyond.last = beyond.last.max(at);
    }

    /// The view was read from the beginning of the lane: so much stands behind what was taken over.
    pub(super) fn read_anew(&mut self, beyond: Option<Beyond>) {
        let is_hurried = self.beyond.as_ref().is_some_and(|beyond| beyond.is_hurried);
        self.beyond = beyond.map(|beyond| Box::new(Beyond { is_hurried, ..beyond }));
    }

    /// So many more were read, up to there, or all.
    pub(super) fn reads_on(&mut self, up_to: Option<InLane>, count: usize) {
        match (up_to, &mut self.beyond) {
            (Some(up_to), Some(beyond)) => {
                (beyond.after, beyond.last) = (up_to, beyond.last.max(up_to));
                beyond.is_leaving = false;
                beyond.count = beyond.count.saturating_sub(count);
            }
            (Some(_), None) => {}
            (None, beyond) => *beyond = None,
        }
    }

    /// A notice that is here has no row any more: it leaves, unless it is tried or settled.
    pub(super) fn lose(&mut self, at: InLane) {
        if self.get(at.0, at.1).is_some_and(|waiting| !waiting.busy) {
            self.remove(at.0, at.1);
        }
    }

    /// The same of one that is in the view alone.
    pub(super) fn lose_beyond(&mut self, at: InLane) {
        if let Some(beyond) = self.beyond.as_mut().filter(|beyond| at > beyond.after) {
            beyond.count = beyond.count.saturating_sub(1);
        }
    }

    /// Notes that all of it that is here was cancelled, if it was.
    pub(super) fn leaves(&mut self) {
        if let Some(beyond) = &mut self.beyond {
            beyond.is_leaving = self.queue.len() == self.busy as usize;
        }
    }

    /// What waits to be sent is due now, in the view too. Gives how many of those here were not.
    pub(super) fn hurry(&mut self, now: Timestamp) -> usize {
        let mut hurried = 0;
        for waiting in self.queue.iter_mut().filter(|waiting| !waiting.held && !waiting.busy) {
            hurried += usize::from(waiting.due > now);
            waiting.due = waiting.due.min(now);
        }
        if let Some(beyond) = &mut self.beyond {
            beyond.is_hurried = true;
        }
        hurried
    }

    /// Leaves in the view what is more than a lane has, but for what is tried or settled.
    pub(super) fn shorten(&mut self, lane_max: usize) {
        while self.queue.len() > lane_max.max(1)
            && let Some(last) = self.queue.pop_back_if(|last| !last.busy)
        {
            self.leave_out(last.in_lane(), false);
        }
    }
}

// === impl Waiting ===

impl Waiting {
    /// Where it stands.
    pub(super) const fn in_lane(&self) -> InLane {
        (self.version, self.ordinal)
    }
}

/// The last place before one.
pub(super) const fn just_before((version, ordinal): InLane) -> InLane {
    match ordinal.checked_sub(1) {
        Some(ordinal) => (version, ordinal),
        None => (version.saturating_sub(1), u16::MAX),
    }
}

/// Where a notice stands.
pub(super) const fn in_lane(key: &NoticeKeyV1) -> InLane {
    (key.version, key.ordinal)
}
