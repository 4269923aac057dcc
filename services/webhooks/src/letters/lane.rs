//! What waits of one instance.

use std::collections::BTreeMap;

use berth_bus::Kept;

/// Letters that wait for one instance; more are refused, and the upstream tries them again.
const WAITING_MAX: usize = 10_000;
/// Bytes of them.
pub(super) const WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The letters of an instance, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// Their bytes, by their places.
    waiting: BTreeMap<u64, usize>,
    bytes: usize,
    /// The last place of which all is done: what the postbag still has there is to be erased, not sent.
    done: u64,
    /// Whether the postbag may still have something of what is done.
    owes_erasure: bool,
    /// Whether it is being erased.
    erasing: bool,
    /// Whether the first one is on its way, however long it waits on it.
    under_way: bool,
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

    /// The place of the first one, if it is to set out now: nothing of the lane is under way, and what is done was erased as far
    /// as it could be, so that after a crash nothing is told behind what came later.
    pub(super) fn set_out(&mut self) -> Option<u64> {
        let first = self.first().filter(|_| !self.under_way && !self.erasing)?;
        self.under_way = true;
        Some(first)
    }

    fn first(&self) -> Option<u64> {
        self.waiting.keys().next().copied()
    }

    /// The place of the last one.
    pub(super) fn last(&self) -> Option<u64> {
        self.waiting.keys().next_back().copied()
    }

    /// The one that was under way is at its end, and all is done up to a place.
    pub(super) fn settle(&mut self, up_to: u64) {
        self.under_way = false;
        self.owes_erasure = true;
        self.done = self.done.max(up_to);
        self.waiting = self.waiting.split_off(&up_to.saturating_add(1));
        self.bytes = self.waiting.values().sum();
    }

    /// Up to which place the postbag is to be erased now, if it is.
    pub(super) fn erase(&mut self) -> Option<u64> {
        let begins = self.owes_erasure && !self.erasing;
        self.erasing |= begins;
        begins.then_some(self.done)
    }

    /// It was erased up to a place, or could not be.
    pub(super) fn erased(&mut self, up_to: u64, is_erased: bool) {
        self.erasing = false;
        self.owes_erasure = !is_erased || up_to < self.done;
    }

    /// Whether nothing waits, nothing is under way, and nothing is to be kept in mind.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && !self.under_way && !self.owes_erasure && !self.erasing
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// How many bytes wait.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
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
        assert_eq!(lane.erase(), Some(7));
        lane.erased(7, true);
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

    #[test]
    fn what_could_not_be_erased_is_kept_in_mind_and_erased_again() {
        let mut lane = Lane::default();
        lane.add(kept(1, 10));
        assert_eq!((lane.set_out(), lane.set_out(), lane.erase()), (Some(1), None, None));
        lane.settle(1);
        lane.add(kept(2, 10));
        assert_eq!(
            (lane.erase(), lane.erase(), lane.set_out()),
            (Some(1), None, None),
            "one after the other"
        );
        lane.erased(1, false);
        assert_eq!(lane.set_out(), Some(2), "which holds nobody up");
        // It is repeated meanwhile, and what is done then is not forgotten by that.
        assert_eq!(lane.erase(), Some(1));
        lane.settle(2);
        lane.erased(1, true);
        assert!(!lane.is_idle());
        lane.add(kept(1, 10));
        assert_eq!((lane.set_out(), lane.erase()), (None, Some(2)));
        lane.erased(2, true);
        assert!(lane.is_idle());
    }
}
