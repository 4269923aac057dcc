//! What the loop knows of a partition that it dispatches.

use std::time::Duration;

use berth_bus::Tenure;
use berth_domain::instance::NoticeClass;
use berth_proto::delivery::{SETTLED_PER_COMMIT_MAX, SettledV1};
use tokio::{sync::oneshot, time::Instant};

use super::{lane::Pending, settle::Settler};

/// The time between two commits that settle notices of a partition while much is under way: else there is one for nearly each
/// notice of a burst, and it takes more than the notice. What holds up something behind it is settled at once all the same.
const SETTLE_EVERY: Duration = Duration::from_millis(50);
/// Settlements that are enough for a commit whenever the last one was.
const SETTLED_AT_ONCE: usize = 64;

/// A partition that is dispatched here.
pub(super) struct Owned {
    pub(super) settler: Settler,
    pub(super) stage: Stage,
    /// Settlements that wait for the commit before theirs.
    unsettled: Vec<(SettledV1, NoticeClass)>,
    pub(super) is_settling: bool,
    /// When the last commit for settlements was begun.
    settled_at: Option<Instant>,
    /// Whether a settlement holds something up.
    is_urgent: bool,
    /// Attempts under way.
    pub(super) in_flight: usize,
    /// Who waits until nothing is under way; nothing more is begun then.
    pub(super) leaving: Option<oneshot::Sender<()>>,
}

/// Whether the outbox knows what former owners settled.
pub(super) enum Stage {
    /// Nobody asked yet: a partition that owes nothing costs no commit.
    Untaken,
    /// It is about to; these wait for it.
    Taking(Vec<Pending>),
    Taken,
}

// === impl Owned ===

impl Owned {
    pub(super) const fn new(settler: Settler) -> Self {
        Self {
            settler,
            stage: Stage::Untaken,
            unsettled: Vec::new(),
            is_settling: false,
            settled_at: None,
            is_urgent: false,
            in_flight: 0,
            leaving: None,
        }
    }

    /// One more settlement waits for a commit; something may wait for it in turn.
    pub(super) fn settle(&mut self, settled: SettledV1, class: NoticeClass, holds_up: bool) {
        self.unsettled.push((settled, class));
        self.is_urgent |= holds_up;
    }

    /// When the next commit for settlements is to be made; none if there is nothing to settle, or one is being made.
    pub(super) fn settles_at(&self, now: Instant, is_busy: bool) -> Option<Instant> {
        if self.is_settling || self.unsettled.is_empty() {
            return None;
        }
        let rests = is_busy && !self.is_urgent && self.leaving.is_none();
        let rests = rests && self.unsettled.len() < SETTLED_AT_ONCE;
        Some(self.settled_at.filter(|_| rests).map_or(now, |last| last + SETTLE_EVERY))
    }

    /// The settlements of its next commit; the others wait.
    pub(super) fn begin_settling(&mut self, now: Instant) -> Vec<(SettledV1, NoticeClass)> {
        (self.is_settling, self.settled_at) = (true, Some(now));
        let rest = self.unsettled.split_off(self.unsettled.len().min(SETTLED_PER_COMMIT_MAX));
        self.is_urgent &= !rest.is_empty();
        std::mem::replace(&mut self.unsettled, rest)
    }

    /// Whether somebody waits for it, and nothing is under way any more.
    pub(super) fn may_go(&self) -> bool {
        let is_settled = !self.is_settling && self.unsettled.is_empty();
        self.leaving.is_some() && self.in_flight == 0 && (is_settled || self.settler.tenure().is_over())
    }

    pub(super) fn is_under(&self, tenure: &Tenure) -> bool {
        self.settler.tenure().epoch() == tenure.epoch()
    }
}
