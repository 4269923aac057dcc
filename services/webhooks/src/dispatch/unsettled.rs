//! Settlements of a partition that wait for a commit; pure.

use std::{mem, time::Duration};

use berth_domain::instance::NoticeClass;
use berth_proto::delivery::{SETTLED_PER_COMMIT_MAX, SettledV1};
use tokio::time::Instant;

/// The time between two commits that settle notices of a partition while much is under way: else there is one for nearly each
/// notice of a burst, and it takes more than the notice. What holds up something behind it is settled at once all the same.
const SETTLE_EVERY: Duration = Duration::from_millis(50);
/// Settlements that are enough for a commit whenever the last one was.
const SETTLED_AT_ONCE: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Unsettled {
    waiting: Vec<(SettledV1, NoticeClass)>,
    /// Whether a commit is being made.
    is_settling: bool,
    /// When the last one was begun.
    settled_at: Option<Instant>,
    /// Whether a settlement holds something up.
    is_urgent: bool,
}

// === impl Unsettled ===

impl Unsettled {
    /// One more settlement waits; something may wait for it in turn.
    pub(super) fn add(&mut self, settled: SettledV1, class: NoticeClass, holds_up: bool) {
        self.waiting.push((settled, class));
        self.is_urgent |= holds_up;
    }

    /// When the next commit is to be made; none if there is nothing to settle, or one is being made. `may_rest`: whether so much is
    /// under way that others will come soon.
    pub(super) fn settles_at(&self, now: Instant, may_rest: bool) -> Option<Instant> {
        if self.is_settling || self.waiting.is_empty() {
            return None;
        }
        let rests = may_rest && !self.is_urgent && self.waiting.len() < SETTLED_AT_ONCE;
        Some(self.settled_at.filter(|_| rests).map_or(now, |last| last + SETTLE_EVERY))
    }

    /// The settlements of the next commit; the others wait.
    pub(super) fn begin(&mut self, now: Instant) -> Vec<(SettledV1, NoticeClass)> {
        (self.is_settling, self.settled_at) = (true, Some(now));
        let rest = self.waiting.split_off(self.waiting.len().min(SETTLED_PER_COMMIT_MAX));
        self.is_urgent &= !rest.is_empty();
        mem::replace(&mut self.waiting, rest)
    }

    /// The commit is made.
    pub(super) fn end(&mut self) {
        self.is_settling = false;
    }

    /// Whether nothing waits and no commit is being made.
    pub(super) const fn is_none(&self) -> bool {
        self.waiting.is_empty() && !self.is_settling
    }
}

#[cfg(test)]
mod tests {
    use berth_notices::fixtures::{INSTANCE, at};
    use berth_proto::{
        EndpointId,
        delivery::{NoticeKeyV1, SettlementV1},
    };

    use super::*;

    /// So many settlements wait, of which one may hold something up.
    fn add(unsettled: &mut Unsettled, count: usize, holds_up: bool) {
        for version in 0..count as u64 {
            let endpoint = EndpointId::from_bytes([2; 16]);
            let notice = NoticeKeyV1 { instance: INSTANCE, version, endpoint, ordinal: 0 };
            let settled = SettledV1 { notice, outcome: SettlementV1::Delivered, attempts: 1, at: at(0) };
            unsettled.add(settled, NoticeClass::Lifecycle, holds_up);
        }
    }

    #[test]
    fn one_commit_at_a_time_and_at_once_unless_others_will_come_soon() {
        let (mut unsettled, now) = (Unsettled::default(), Instant::now());
        assert!(unsettled.settles_at(now, true).is_none() && unsettled.is_none());
        add(&mut unsettled, 1, false);
        assert_eq!(unsettled.settles_at(now, true), Some(now), "there was none before");
        assert_eq!(unsettled.begin(now).len(), 1);
        add(&mut unsettled, 1, true);
        assert!(unsettled.settles_at(now, false).is_none() && !unsettled.is_none());
        unsettled.end();
        assert_eq!(unsettled.settles_at(now, true), Some(now), "something waits for it");
        unsettled.begin(now);
        unsettled.end();
        assert!(unsettled.is_none());
        add(&mut unsettled, 1, false);
        assert_eq!(unsettled.settles_at(now, false), Some(now));
        assert_eq!(unsettled.settles_at(now, true), Some(now + SETTLE_EVERY));
        add(&mut unsettled, SETTLED_AT_ONCE - 1, false);
        assert_eq!(unsettled.settles_at(now, true), Some(now), "they are enough");
    }

    #[test]
    fn what_finds_no_room_in_a_commit_is_of_the_next_and_as_urgent() {
        let (mut unsettled, now) = (Unsettled::default(), Instant::now());
        add(&mut unsettled, SETTLED_PER_COMMIT_MAX + 1, true);
        assert_eq!(unsettled.begin(now).len(), SETTLED_PER_COMMIT_MAX);
        unsettled.end();
        assert_eq!(unsettled.settles_at(now, true), Some(now));
        let rest = unsettled.begin(now);
        assert_eq!(rest[0].0.notice.version, SETTLED_PER_COMMIT_MAX as u64);
    }
}
