//! Takes over what is owed from the outbox into memory: what changed, or everything.

use std::{collections::BTreeSet, mem, sync::Arc, time::Duration};

use berth_log::Position;
use berth_notices::formats::{self, Format, RetryRule};
use berth_proto::{EndpointId, InstanceId, delivery::NoticeKeyV1};
use berth_views::{ViewError, ViewReader, ViewState};
use tokio::time::Instant;

use super::{
    attempt::Tools,
    board::{Board, Past},
    desk::Desk,
    extent::Extent,
    lane::{LaneKey, Present},
    partitions::Partitions,
    review::Reviews,
    scan,
    settle::FAULT_DELAY,
};
use crate::{
    attempts::Tried,
    outbox::{
        Owed, Touched,
        accounts::{Latest, latest_key},
        owed_key, read_row,
        touched::{Change, Drained, Gone},
    },
    schedule::plus,
};

/// Notices that are kept in memory, about 100 MB of them if each has a lane of its own; the rest stays in the view until
/// these are fewer.
const OWED_IN_MEMORY_MAX: usize = 400_000;
/// Notices that are kept besides, of instances that something happens to meanwhile.
const OWED_BESIDES_MAX: usize = 40_000;
/// Rows of the view that are read at once, when all are: what is due goes out between two such parts.
const ROWS_AT_ONCE: usize = 4_096;
/// Lanes that are looked at at once for endpoints that are told nothing more.
const LANES_AT_ONCE: usize = 16_384;

/// See the module.
pub(super) struct Intake {
    tools: Tools,
    view: Arc<dyn ViewReader>,
    touched: Arc<Touched>,
    /// From where on the view is still to be read; none if nothing is.
    reads_on: Option<Cursor>,
    /// Whether something was touched that is not remembered, so that everything is to be read once more after this.
    reads_again: bool,
    /// When to look again after a look that failed.
    fails_until: Option<Instant>,
    /// Which rows of the view everything in memory is from.
    rows: u64,
    /// Of which instances everything is in memory.
    extent: Extent,
    /// Endpoints that are told nothing more, as far as it was not looked yet what waits for them; and those of which that came to
    /// be known while this is looked at.
    gone: BTreeSet<EndpointId>,
    gone_next: BTreeSet<EndpointId>,
    /// The last lane that was looked at for that.
    looked_at: Option<LaneKey>,
}

/// A place in the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cursor {
    /// Before all instances.
    Beginning,
    /// Behind one.
    After(InstanceId),
}

/// Who is told of what is owed.
pub(super) struct Told<'a> {
    pub(super) partitions: &'a Partitions,
    pub(super) board: &'a mut Board,
    pub(super) reviews: &'a mut Reviews,
    /// Who waits to fetch notices.
    pub(super) desk: &'a Desk,
}

// === impl Told ===

impl Told<'_> {
    /// What is tried of an instance cannot be asked about now: that is done if it comes back.
    fn miss(&mut self, instance: InstanceId) {
        if self.board.has_busy(instance) {
            self.reviews.missed_by_what_is_tried(instance);
        }
    }
}

// === impl Intake ===

impl Intake {
    pub(super) fn new(tools: Tools, touched: Arc<Touched>) -> Self {
        let view = tools.outbox.clone();
        let rows = view.changes().borrow().rows;
        Self {
            tools,
            view,
            touched,
            reads_on: None,
            reads_again: false,
            fails_until: None,
            rows,
            extent: Extent::up_to(None),
            gone: BTreeSet::new(),
            gone_next: BTreeSet::new(),
            looked_at: None,
        }
    }

    /// Everything is to be read.
    pub(super) fn begin_anew(&mut self) {
        self.reads_on = Some(Cursor::Beginning);
    }

    /// How long to wait before it is gone on with what is still to be looked at; none if nothing is.
    pub(super) fn rest(&self, now: Instant) -> Option<Duration> {
        if let Some(until) = self.fails_until {
            return Some(until.saturating_duration_since(now));
        }
        (self.reads_on.is_some() || !self.gone.is_empty()).then_some(Duration::ZERO)
    }

    /// Takes over what the view knows now, or a part of it: see [`Self::rest`].
    pub(super) async fn take(&mut self, mut told: Told<'_>) {
        // Others took the place of those that were read, and may differ where nothing was touched.
        let (rows, position) = {
            let changes = self.view.changes();
            let change = changes.borrow();
            (change.rows, change.position.clone())
        };
        if rows != self.rows {
            self.begin_anew();
        }
        match self.try_to_take(&position, &mut told).await {
            Ok(()) => (self.rows, self.fails_until) = (rows, None),
            Err(error) => {
                tracing::debug!(%error, "what is owed is read again later");
                self.begin_anew();
                self.fails_until = Some(Instant::now() + FAULT_DELAY);
            }
        }
    }

    async fn try_to_take(&mut self, position: &Position, told: &mut Told<'_>) -> Result<(), ViewError> {
        if told.partitions.is_empty() {
            self.reads_on = None;
            return Ok(());
        }
        if self.view.state() != ViewState::Live {
            return Err(ViewError::Rebuilding);
        }
        let Drained { changes, accounts, is_lossy } = self.touched.drain(position);
        self.follow_accounts(accounts, told)?;
        self.look_at_gone(told);
        self.reads_again |= is_lossy;
        let has_room = self.extent.is_partial() && told.board.len() < OWED_IN_MEMORY_MAX / 2;
        // A scan that goes on comes to its end first, or none ever would while much happens.
        if self.reads_on.is_none() && (self.reads_again || has_room) {
            self.begin_anew();
        }
        if self.reads_on == Some(Cursor::Beginning) {
            (self.extent, self.reads_again) = (Extent::of_nothing(), false);
        }
        for (instance, change) in changes {
            self.take_changes(instance, &change, told)?;
        }
        match self.reads_on {
            Some(from) if told.board.len() < OWED_IN_MEMORY_MAX => self.read_on(from, told).await,
            // The rest stays in the view until there is room.
            Some(_) | None => {
                self.reads_on = None;
                Ok(())
            }
        }
    }

    /// What an endpoint of an account did before it was changed says nothing of it any more; and what waits for one that is
    /// gone is cancelled without waiting for it to be due.
    fn follow_accounts(&mut self, accounts: Gone, told: &mut Told<'_>) -> Result<(), ViewError> {
        let now = self.tools.clock.now();
        for (account, gone) in accounts {
            // A round comes to its end first, or none ever would while accounts change.
            let round = if self.looked_at.is_none() { &mut self.gone } else { &mut self.gone_next };
            round.extend(gone);
            let latest = self.view.get(&latest_key(account))?.and_then(|row| read_row::<Latest>(&row));
            for (endpoint, changed_at) in latest.unwrap_or_default().changed {
                told.board.changed(endpoint, changed_at, now);
            }
        }
        Ok(())
    }

    /// Asks about what waits for endpoints that are gone, a part of the lanes at a time.
    fn look_at_gone(&mut self, told: &mut Told<'_>) {
        if self.gone.is_empty() {
            return;
        }
        let (instances, last) = told.board.instances_of(&self.gone, self.looked_at, LANES_AT_ONCE);
        for instance in instances {
            told.miss(instance);
            told.reviews.forget(instance);
            told.reviews.ask(instance);
        }
        self.looked_at = last;
        if last.is_none() {
            self.gone = mem::take(&mut self.gone_next);
        }
    }

    /// Reads the next part of the view.
    async fn read_on(&mut self, from: Cursor, told: &mut Told<'_>) -> Result<(), ViewError> {
        let partitions = told.partitions.names().collect();
        let after = match from {
            Cursor::Beginning => None,
            Cursor::After(instance) => Some(instance),
        };
        let (mut rows, last) = scan::part(self.view.clone(), partitions, after, ROWS_AT_ONCE).await?;
        // What is here and has no row any more was settled by a former owner.
        for instance in told.board.instances_between(after, last) {
            rows.entry(instance).or_default();
        }
        for (instance, rows) in rows {
            self.merge(instance, rows, told);
        }
        self.extent.scanned(after, last);
        self.reads_on = last.map(Cursor::After);
        Ok(())
    }

    /// Takes over the rows of some notices of an instance. What happened to it just now may cancel what waits.
    fn take_changes(
        &mut self,
        instance: InstanceId,
        change: &Change,
        told: &mut Told<'_>,
    ) -> Result<(), ViewError> {
        if !told.partitions.owns(instance) {
            return Ok(());
        }
        told.desk.wake(instance);
        if change.happened {
            told.miss(instance);
        }
        let has_room = told.board.len() < OWED_IN_MEMORY_MAX + OWED_BESIDES_MAX;
        if has_room && !self.extent.has(instance) {
            let rows = scan::of_instance(self.view.as_ref(), instance)?;
            self.merge(instance, rows, told);
            self.extent.read(instance);
            return Ok(());
        }
        let (past, clock) = (OfAttempts(&self.tools), self.present());
        let waited = change.happened && told.board.has_waiting(instance);
        let mut tried = false;
        for key in &change.notices {
            let row = self.view.get(&owed_key(key))?.and_then(|row| read_row::<Owed>(&row));
            if row.is_some() && !(has_room && self.extent.has(instance)) {
                self.extent.leave_out(instance);
                continue;
            }
            tried |= told.board.update(*key, row, &past, clock);
        }
        if tried || (waited && told.board.is_put_off(instance, clock.now)) {
            told.reviews.ask(instance);
        } else if waited {
            told.reviews.ask_later(instance, Instant::now());
        }
        Ok(())
    }

    fn merge(&self, instance: InstanceId, rows: Vec<(NoticeKeyV1, Owed)>, told: &mut Told<'_>) {
        told.desk.wake(instance);
        told.miss(instance);
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
