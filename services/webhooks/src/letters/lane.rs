//! What waits of one instance.

use std::collections::BTreeMap;

use berth_bus::Kept;

/// Letters that wait for one instance; more are refused, and the upstream tries them again.
const WAITING_MAX: usize = 10_000;
/// Bytes of them.
const WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The letters of an instance, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// Their bytes, by their places.
    waiting: BTreeMap<u64, usize>,
    bytes: usize,
    /// The last place of which all is done: what the postbag still has there is to be erased, not sent.
    done: u64,
    /// Attempts that were made of the first one.
    pub(super) attempts: u16,
    /// Whether the first one is being sent, or its next attempt waits.
    pub(super) busy: bool,
}

impl Lane {
    /// Whether one more of that many bytes may wait.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.waiting.len() < WAITING_MAX && self.bytes + bytes <= WAITING_BYTES_MAX
    }

    /// One that is kept. One that is known or done already changes nothing.
    pub(super) fn add(&mut self, kept: Kept) {
        if kept.place > self.done && self.waiting.insert(kept.place, kept.bytes).is_none() {
            self.bytes += kept.bytes;
        }
    }

    /// The place of the first one.
    pub(super) fn first(&self) -> Option<u64> {
        self.waiting.keys().next().copied()
    }

    /// The place of the last one.
    pub(super) fn last(&self) -> Option<u64> {
        self.waiting.keys().next_back().copied()
    }

    /// All is done up to a place.
    pub(super) fn settle(&mut self, up_to: u64) {
        self.done = self.done.max(up_to);
        self.attempts = 0;
        self.waiting = self.waiting.split_off(&up_to.saturating_add(1));
        self.bytes = self.waiting.values().sum();
    }

    /// Whether nothing waits and nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && !self.busy
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use berth_proto::InstanceId;

    use super::*;

    fn kept(place: u64, bytes: usize) -> Kept {
        Kept { instance: InstanceId::from_bytes([1; 16]), place, bytes }
    }

    #[test]
    fn letters_keep_their_order_and_what_is_done_does_not_come_back() {
        let mut lane = Lane::default();
        for place in [7, 3, 5, 3] {
            lane.add(kept(place, 10));
        }
        assert_eq!((lane.first(), lane.last(), lane.len(), lane.bytes), (Some(3), Some(7), 3, 30));
        lane.settle(5);
        lane.add(kept(5, 10));
        assert_eq!((lane.first(), lane.len(), lane.bytes), (Some(7), 1, 10));
        lane.settle(7);
        assert!(lane.is_idle());
    }

    #[test]
    fn a_lane_has_room_for_so_many_letters_and_so_many_bytes() {
        let mut lane = Lane::default();
        assert!(lane.has_room(WAITING_BYTES_MAX) && !lane.has_room(WAITING_BYTES_MAX + 1));
        for place in 1..=WAITING_MAX {
            assert!(lane.has_room(1));
            lane.add(kept(place as u64, 1));
        }
        assert!(!lane.has_room(0));
    }
}
