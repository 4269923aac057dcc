//! Takes over what is owed from the outbox into memory: what changed, or everything.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use berth_notices::formats::{self, Format, RetryRule};
use berth_proto::{InstanceId, delivery::NoticeKeyV1};
use berth_views::{ViewError, ViewReader, ViewState};

use super::{
    attempt::Tools,
    board::{Board, Past},
    desk::Desk,
    extent::Extent,
    lane::Present,
    partitions::Partitions,
    review::Reviews,
    scan,
};
use crate::{
    attempts::Tried,
    outbox::{
        Owed, Touched,
        accounts::{Latest, latest_key},
        owed_key, read_row,
        touched::Drained,
    },
    schedule::plus,
};

/// Notices that are kept in memory, about 100 MB of them if each has a lane of its own; the rest stays in the view until
/// these are fewer.
const OWED_IN_MEMORY_MAX: usize = 400_000;
/// Notices that are kept besides, of instances that something happens to meanwhile.
const OWED_BESIDES_MAX: usize = 40_000;

/// See the module.
pub(super) struct Intake {
    tools: Tools,
    view: Arc<dyn ViewReader>,
    touched: Arc<Touched>,
    /// Whether the view must be read from the beginning.
    reads_all: bool,
    /// Which rows of the view everything in memory is from.
    rows: u64,
    /// Of which instances everything is in memory.
    extent: Extent,
}

/// Who is told of what is owed.
pub(super) struct Told<'a> {
    pub(super) partitions: &'a Partitions,
    pub(super) board: &'a mut Board,
    pub(super) reviews: &'a mut Reviews,
    /// Who waits to fetch notices.
    pub(super) desk: &'a Desk,
}

// === impl Intake ===

impl Intake {
    pub(super) fn new(tools: Tools, touched: Arc<Touched>) -> Self {
        let view = tools.outbox.clone();
        let rows = view.changes().borrow().rows;
        Self { tools, view, touched, reads_all: false, rows, extent: Extent::default() }
    }

    /// Everything is to be read.
    pub(super) const fn begin_anew(&mut self) {
        self.reads_all = true;
    }

    /// Whether everything is still to be read.
    pub(super) const fn is_behind(&self) -> bool {
        self.reads_all
    }

    /// Takes over what the view knows now. Called after a change only: what was touched is handed out for two changes, see
    /// [`Touched`].
    pub(super) async fn take(&mut self, mut told: Told<'_>) {
        // Others took the place of those that were read, and may differ where nothing was touched.
        let rows = self.view.changes().borrow().rows;
        self.reads_all |= rows != self.rows;
        self.reads_all = match self.try_to_take(&mut told).await {
            Ok(()) => {
                self.rows = rows;
                false
            }
            Err(error) => {
                tracing::debug!(%error, "what is owed is read again later");
                true
            }
        };
    }

    async fn try_to_take(&mut self, told: &mut Told<'_>) -> Result<(), ViewError> {
        if told.partitions.is_empty() {
            return Ok(());
        }
        if self.view.state() != ViewState::Live {
            return Err(ViewError::Rebuilding);
        }
        self.follow_accounts(told)?;
        let drained = self.touched.drain();
        let room = self.extent.is_partial() && told.board.len() < OWED_IN_MEMORY_MAX / 2;
        match drained {
            Drained::These { fresh, again } if !self.reads_all && !room => {
                for (instance, notices) in again {
                    self.take_changes(instance, &notices, false, told)?;
                }
                for (instance, notices) in fresh {
                    self.take_changes(instance, &notices, true, told)?;
                }
                Ok(())
            }
            Drained::These { .. } | Drained::Everything => self.take_everything(told).await,
        }
    }

    /// What an endpoint of an account did before it was changed says nothing of it any more; and what waits for one that is
    /// gone is cancelled without waiting for it to be due.
    fn follow_accounts(&self, told: &mut Told<'_>) -> Result<(), ViewError> {
        let now = self.tools.clock.now();
        for (account, gone) in self.touched.drain_accounts() {
            for instance in told.board.instances_of(&gone) {
                told.reviews.forget(instance);
                told.reviews.ask(instance);
            }
            let latest = self.view.get(&latest_key(account))?.and_then(|row| read_row::<Latest>(&row));
            for (endpoint, changed_at) in latest.unwrap_or_default().changed {
                told.board.changed(endpoint, changed_at, now);
            }
        }
        Ok(())
    }

    async fn take_everything(&mut self, told: &mut Told<'_>) -> Result<(), ViewError> {
        let partitions = told.partitions.names().collect();
        let (mut rows, last) = scan::everything(self.view.clone(), partitions, OWED_IN_MEMORY_MAX).await?;
        self.extent = Extent::up_to(last);
        if last.is_none() {
            for instance in told.board.instances() {
                rows.entry(instance).or_default();
            }
        }
        for (instance, rows) in rows {
            self.merge(instance, rows, told);
        }
        Ok(())
    }

    /// Takes over the rows of some notices of an instance. `fresh`: something happened to it just now, which may cancel what
    /// waits.
    fn take_changes(
        &mut self,
        instance: InstanceId,
        notices: &BTreeSet<NoticeKeyV1>,
        fresh: bool,
        told: &mut Told<'_>,
    ) -> Result<(), ViewError> {
        if !told.partitions.owns(instance) {
            return Ok(());
        }
        told.desk.wake(instance);
        let has_room = told.board.len() < OWED_IN_MEMORY_MAX + OWED_BESIDES_MAX;
        if has_room && !self.extent.has(instance) {
            let rows = scan::of_instance(self.view.as_ref(), instance)?;
            self.merge(instance, rows, told);
            self.extent.read(instance);
            return Ok(());
        }
        let (past, clock) = (OfAttempts(&self.tools), self.present());
        let mut ask = fresh && told.board.has_waiting(instance);
        for key in notices {
            let row = self.view.get(&owed_key(key))?.and_then(|row| read_row::<Owed>(&row));
            if row.is_some() && !(has_room && self.extent.has(instance)) {
                self.extent.leave_out(instance);
                continue;
            }
            ask |= told.board.update(*key, row, &past, clock);
        }
        if ask {
            told.reviews.ask(instance);
        }
        Ok(())
    }

    fn merge(&self, instance: InstanceId, rows: Vec<(NoticeKeyV1, Owed)>, told: &mut Told<'_>) {
        told.desk.wake(instance);
        told.reviews.forget(instance);
        let waited = told.board.has_waiting(instance);
        if told.board.merge(instance, rows, &OfAttempts(&self.tools), self.present()) || waited {
            told.reviews.ask(instance);
        }
    }

    fn present(&self) -> Present {
        let now = self.tools.clock.now();
        Present { now, latest: plus(now, self.tools.schedule.ahead_max()) }
    }
}

/// What the store of attempts knows.
struct OfAttempts<'a>(&'a Tools);

impl Past for OfAttempts<'_> {
    fn tried(&self, key: &NoticeKeyV1) -> Option<Tried> {
        self.0.attempts.tried(key)
    }

    fn lives(&self, owed: &Owed) -> Duration {
        let rule = formats::by_name(&owed.format).map(Format::retry_rule);
        self.0.schedule.attempt_max(rule.unwrap_or(RetryRule::Standard))
    }
}
