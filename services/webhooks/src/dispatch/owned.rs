//! What the loop knows of a partition that it dispatches.

use berth_bus::Tenure;
use tokio::{sync::oneshot, time::Instant};

use super::{lane::Pending, settle::Settler, unsettled::Unsettled};

/// A partition that is dispatched here.
pub(super) struct Owned {
    pub(super) settler: Settler,
    pub(super) stage: Stage,
    pub(super) unsettled: Unsettled,
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
    pub(super) fn new(settler: Settler) -> Self {
        let unsettled = Unsettled::default();
        Self { settler, stage: Stage::Untaken, unsettled, in_flight: 0, leaving: None }
    }

    /// When the next commit for settlements is to be made, if any. `is_busy`: whether much is under way.
    pub(super) fn settles_at(&self, now: Instant, is_busy: bool) -> Option<Instant> {
        self.unsettled.settles_at(now, is_busy && self.leaving.is_none())
    }

    /// Whether somebody waits for it, and nothing is under way any more.
    pub(super) fn may_go(&self) -> bool {
        let is_settled = self.unsettled.is_none() || self.settler.tenure().is_over();
        self.leaving.is_some() && self.in_flight == 0 && is_settled
    }

    pub(super) fn is_under(&self, tenure: &Tenure) -> bool {
        self.settler.tenure().epoch() == tenure.epoch()
    }
}
