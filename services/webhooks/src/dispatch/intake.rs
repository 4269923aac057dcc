//! Takes over what is owed from the outbox into memory: what changed, or everything.

mod reading;
mod round;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use berth_log::Position;
use berth_notices::formats::{self, Format, RetryRule};
use berth_proto::{InstanceId, Partition, delivery::NoticeKeyV1};
use berth_views::{ViewError, ViewReader, ViewState};
use tokio::time::Instant;

use super::{
    attempt::Tools,
    board::{Board, Past, Rest},
    desk::Desk,
    done::{Done, Work},
    heads::Heads,
    lane::{LaneKey, Present},
    partitions::Partitions,
    review::Reviews,
    scan::{self, OwedRows},
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
use reading::{Reading, Running, Scope};
use round::Round;

/// Rows of the view that are read at once, when all are: what is due goes out between two such parts.
const ROWS_AT_ONCE: usize = 4_096;

/// See the module.
pub(super) struct Intake {
    tools: Tools,
    view: Arc<dyn ViewReader>,
    touched: Arc<Touched>,
    reading: Reading,
    /// Endpoints that are told nothing more.
    round: Round,
    /// When to look again after a look that failed.
    fails_until: Option<Instant>,
    /// Which rows of the view everything in memory is from.
    rows: u64,
}

/// What was read of the view.
pub(super) enum Rows {
    /// The next notices of lanes.
    OfLanes(Vec<Rest>),
    /// Of whole instances, and the last instance of them if there are more.
    OfInstances(OwedRows, Option<InstanceId>),
}

/// What a read came to.
pub(super) type Read = Result<Rows, ViewError>;

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
        let (reading, round) = (Reading::nothing(), Round::default());
        Self { tools, view, touched, reading, round, fails_until: None, rows }
    }

    /// Everything is to be read.
    pub(super) fn begin_anew(&mut self) {
        self.reading.begin_anew();
    }

    /// How long to wait before it is gone on with what is still to be looked at; none if nothing is.
    pub(super) fn rest(&self, now: Instant, board: &Board) -> Option<Duration> {
        if let Some(until) = self.fails_until {
            return Some(until.saturating_duration_since(now));
        }
        if self.reading.has_next(board) || !self.round.is_over() || board.calls() {
            return Some(Duration::ZERO);
        }
        let back = board.comes_back_at().filter(|_| self.reading.takes_back())?;
        let micros = back.0.saturating_sub(self.tools.clock.now().0);
        Some(Duration::from_micros(u64::try_from(micros).unwrap_or_default()))
    }

    /// Takes over what changed in the view by now, and gives what is to be read of it, beside the loop: see [`Self::took`].
    pub(super) fn take(&mut self, mut told: Told<'_>) -> Option<Work> {
        // Others took the place of those that were read, and may differ where nothing was touched.
        let (rows, position) = {
            let changes = self.view.changes();
            let change = changes.borrow();
            (change.rows, change.position.clone())
        };
        if rows != self.rows {
            self.begin_anew();
        }
        match self.try_to_take(&position, &mut told) {
            Ok(read) => {
                (self.rows, self.fails_until) = (rows, None);
                read
            }
            Err(error) => {
                self.fail(&error);
                None
            }
        }
    }

    /// Whether nothing of an instance was left in the view for want of room.
    pub(super) fn has_all(&self, instance: InstanceId) -> bool {
        self.reading.has(instance)
    }

    /// Whether something happened to an instance that nobody is asked about before it is read.
    pub(super) fn awaits(&self, instance: InstanceId) -> bool {
        self.reading.is_awaited(instance)
    }

    /// Takes over what was read, and what changed of it meanwhile.
    pub(super) fn took(&mut self, read: Read, mut told: Told<'_>) {
        let Some(Running { scope, meanwhile, is_outdated }) = self.reading.end() else { return };
        match read {
            Ok(_) if is_outdated => {}
            Ok(Rows::OfLanes(lanes)) => {
                for rest in lanes {
                    self.read_on(rest, &mut told);
                }
            }
            Ok(Rows::OfInstances(rows, last)) => {
                self.merge_all(&scope, rows, last, &mut told);
                self.reading.merged(&scope, last);
            }
            Err(error) => self.fail(&error),
        }
        for (instance, change) in meanwhile {
            if let Err(error) = self.take_changes(instance, &change, &mut told) {
                return self.fail(&error);
            }
        }
    }

    fn fail(&mut self, error: &ViewError) {
        tracing::debug!(%error, "what is owed is read again later");
        self.begin_anew();
        self.fails_until = Some(Instant::now() + FAULT_DELAY);
    }

    fn try_to_take(&mut self, position: &Position, told: &mut Told<'_>) -> Result<Option<Work>, ViewError> {
        let now = self.tools.clock.now();
        told.board.go_on_calling(now);
        if told.partitions.is_empty() {
            self.reading.stop();
            return Ok(None);
        }
        if self.view.state() != ViewState::Live {
            return Err(ViewError::Rebuilding);
        }
        let Drained { changes, accounts, is_lossy } = self.touched.drain(position);
        self.follow_accounts(accounts, told)?;
        for instance in self.round.go_on(told.board) {
            told.miss(instance);
            told.reviews.forget(instance);
            told.reviews.ask(instance);
        }
        if is_lossy {
            self.reading.once_more();
        }
        while self.reading.takes_back()
            && let Some(instance) = told.board.next_back(now)
        {
            self.reading.comes_back(instance);
        }
        self.reading.make_use_of_room(told.board.is_free());
        for (instance, change) in changes {
            self.take_changes(instance, &change, told)?;
        }
        let scope = self.reading.next(told.board);
        let lane_max = told.board.read_at_once();
        Ok(scope.map(|scope| self.read(scope, told.partitions.names().collect(), lane_max)))
    }

    /// What an endpoint of an account did before it was changed says nothing of it any more; and what waits for one that is
    /// gone is cancelled without waiting for it to be due.
    fn follow_accounts(&mut self, accounts: Gone, told: &mut Told<'_>) -> Result<(), ViewError> {
        let now = self.tools.clock.now();
        for (account, gone) in accounts {
            for endpoint in &gone {
                told.board.call_back(*endpoint);
            }
            self.round.add(gone);
            let latest = self.view.get(&latest_key(account))?.and_then(|row| read_row::<Latest>(&row));
            for (endpoint, changed_at) in latest.unwrap_or_default().changed {
                told.board.changed(endpoint, changed_at, now);
            }
        }
        Ok(())
    }

    /// Reads off the loop, so many notices of each lane.
    fn read(&self, scope: Scope, partitions: BTreeSet<Partition>, lane_max: usize) -> Work {
        let view = Arc::clone(&self.view);
        Box::pin(async move {
            Done::Read(match scope {
                Scope::Lanes(lanes) => scan::of_lanes(view, lanes).await.map(Rows::OfLanes),
                Scope::Instances(instances) => {
                    let rows = scan::of_instances(view, instances, lane_max).await;
                    rows.map(|rows| Rows::OfInstances(rows, None))
                }
                Scope::Part { after } => {
                    let part = scan::part(view, partitions, after, (ROWS_AT_ONCE, lane_max)).await;
                    part.map(|(rows, last)| Rows::OfInstances(rows, last))
                }
            })
        })
    }

    /// Takes over the next notices of a lane, which nobody asked the gate about while they were in the view alone.
    fn read_on(&self, rest: Rest, told: &mut Told<'_>) {
        let (instance, is_any) = (rest.lane.instance, !rest.rows.is_empty());
        let leaves = told.board.is_leaving(rest.lane);
        let clock = self.present();
        if !told.board.read_on(rest, &OfAttempts(&self.tools), clock) || !is_any {
            return;
        }
        told.reviews.forget(instance);
        if leaves || told.board.is_put_off(instance, clock.now) {
            told.reviews.ask(instance);
        } else {
            told.reviews.ask_later(instance, Instant::now());
        }
    }

    /// Takes over what whole instances are owed.
    fn merge_all(&self, scope: &Scope, mut rows: OwedRows, last: Option<InstanceId>, told: &mut Told<'_>) {
        if let Scope::Part { after } = scope {
            // What is here and has no row any more was settled by a former owner.
            for instance in told.board.instances_between(*after, last) {
                rows.entry(instance).or_default();
            }
        }
        for (instance, heads) in rows {
            if told.partitions.owns(instance) {
                // Something may have happened that is not known.
                if matches!(scope, Scope::Part { .. }) {
                    told.board.touch(instance, self.tools.clock.now());
                }
                self.merge(instance, heads, told);
            }
        }
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
        told.board.touch(instance, self.tools.clock.now());
        if self.reading.defers(instance, change) {
            return Ok(());
        }
        let has_room = !told.board.has_no_room();
        let is_here = self.reading.has(instance) && !told.board.is_away(instance);
        if has_room && !is_here {
            self.reading.want(instance);
            return Ok(());
        }
        let (past, clock) = (OfAttempts(&self.tools), self.present());
        let waited = change.happened && told.board.has_waiting(instance);
        let mut tried = false;
        for key in &change.notices {
            let row = self.view.get(&owed_key(key))?.and_then(|row| read_row::<Owed>(&row));
            // What waits behind others in its lane needs no room.
            let is_behind = |owed: &Owed| told.board.has_lane(LaneKey::of(key, owed.class));
            let fits = |owed: &Owed| is_here && (has_room || is_behind(owed));
            if row.as_ref().is_some_and(|owed| !fits(owed)) {
                self.reading.leave_out(instance);
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

    fn merge(&self, instance: InstanceId, heads: Heads, told: &mut Told<'_>) {
        told.desk.wake(instance);
        told.miss(instance);
        told.reviews.forget(instance);
        let waited = told.board.has_waiting(instance);
        if told.board.merge(instance, heads, &OfAttempts(&self.tools), self.present()) || waited {
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
