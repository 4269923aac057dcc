//! What the loop knows of a partition that it dispatches.

use berth_bus::Tenure;
use berth_domain::instance::NoticeClass;
use berth_proto::delivery::{SETTLED_PER_COMMIT_MAX, SettledV1};

use tokio::sync::oneshot;

use super::{lane::Pending, settle::Settler};

/// A partition that is dispatched here.
pub(super) struct Owned {
    pub(super) settler: Settler,
    pub(super) stage: Stage,
    /// Settlements that wait for the commit before theirs.
    pub(super) unsettled: Vec<(SettledV1, NoticeClass)>,
    pub(super) is_settling: bool,
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
            in_flight: 0,
            leaving: None,
        }
    }

    /// The settlements of its next commit; the others wait.
    pub(super) fn begin_settling(&mut self) -> Vec<(SettledV1, NoticeClass)> {
        self.is_settling = true;
        let rest = self.unsettled.split_off(self.unsettled.len().min(SETTLED_PER_COMMIT_MAX));
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
