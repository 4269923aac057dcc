//! The loop that starts attempts, ends them and settles notices, for all partitions that this replica owns.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use berth_domain::{instance::NoticeClass, instance::Verdict};
use berth_proto::{
    InstanceId, Partition, Timestamp,
    delivery::{SettledV1, SettlementV1},
};
use berth_runtime::Lifecycle;
use futures::{FutureExt, StreamExt, stream::FuturesUnordered};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    attempt::{Ended, Outcome, Tools},
    board::Board,
    desk::Desk,
    done::{Done, Work, trying},
    intake::{Intake, Told},
    lane::Pending,
    owned::Stage,
    partitions::Partitions,
    permit::{Permit, ask},
    redelivery::Order,
    relief::Relief,
    reporting::{Reporting, look_again, news, report},
    review::{About, Reviews, judges, state_now},
    settle::{FAULT_DELAY, Settler, erase_spoken, take_over, until_settled},
    together::Turn,
};
use crate::{
    metrics,
    outbox::{Touched, owed_key, read_row},
    schedule::plus,
};

/// Attempts under way from which on settlements wait a moment for others, see [`super::owned`].
const BUSY_FROM: usize = 32;
/// How often the loop looks at the clock although nothing is due: wall clocks may be set.
const LOOK_MAX: Duration = Duration::from_secs(5);
/// How often the operator is told how old the oldest notice is.
const AGE_EACH: Duration = Duration::from_secs(5);
/// How much longer than that was looked for nobody looks again: it takes a hundredth of the loop at most.
const AGE_REST_FACTOR: u32 = 100;

/// See the module.
pub(super) struct Dispatching {
    tools: Tools,
    /// Who waits to fetch notices.
    desk: Arc<Desk>,
    partitions: Partitions,
    intake: Intake,
    board: Board,
    /// Each runs under the tenure of its partition, and takes no further step once that is over.
    work: FuturesUnordered<Work>,
    reviews: Reviews,
    reporting: Reporting,
    /// Partitions of whose accounts there may be something to report that a former owner did not come to.
    look_again: BTreeSet<Partition>,
    /// What is asked from beside the loop.
    orders: mpsc::Receiver<Order>,
    /// Who leaves memory.
    relief: Relief,
    /// When the operator is told again how old the oldest notice is.
    age_next: Instant,
    /// Each attempt is a task of it, so that what they compute is spread over all cores.
    lifecycle: Lifecycle,
    /// Cancelled when the process stops.
    stop: CancellationToken,
    draining: bool,
}

// === impl Dispatching ===

impl Dispatching {
    pub(super) fn new(
        tools: Tools,
        touched: Arc<Touched>,
        desk: Arc<Desk>,
        orders: mpsc::Receiver<Order>,
        (lifecycle, stop): (Lifecycle, CancellationToken),
    ) -> Self {
        Self {
            lifecycle,
            stop,
            orders,
            desk,
            intake: Intake::new(tools.clone(), touched),
            board: Board::with(tools.room),
            tools,
            partitions: Partitions::default(),
            work: FuturesUnordered::new(),
            reviews: Reviews::default(),
            reporting: Reporting::new(),
            look_again: BTreeSet::new(),
            relief: Relief::new(Instant::now()),
            age_next: Instant::now(),
            draining: false,
        }
    }

    /// Dispatches until the process stops and what was in flight is finished.
    pub(super) async fn run(mut self) {
        let (stop, breakers) = (self.stop.clone(), Arc::clone(self.tools.attempts.endpoints()));
        let mut news = self.tools.outbox.changes();
        let mut changed = true;
        loop {
            // What is read is waited for before the loop ends.
            let rest = self.intake.rest(Instant::now(), &self.board);
            if !self.draining && (changed || rest == Some(Duration::ZERO)) {
                let (intake, told) = self.intake();
                let read = intake.take(told);
                self.work.extend(read);
            }
            changed = false;
            self.follow_breakers();
            self.report();
            if !self.draining {
                let (reviews, intake) = (&self.reviews, &self.intake);
                let stays = |instance| reviews.owes(instance) || intake.awaits(instance);
                self.relief.go_on(&mut self.board, (Instant::now(), self.tools.clock.now()), stays);
            }
            let sleep = self.start();
            self.hand_over();
            self.tell();
            if self.draining && self.work.is_empty() {
                return;
            }
            tokio::select! {
                biased;
                () = stop.cancelled(), if !self.draining => self.draining = true,
                Some(order) = self.orders.recv() => self.take_all(order),
                Some(done) = self.work.next() => self.finish_all(done),
                () = breakers.changed() => {}
                change = news.changed(), if !self.draining => match change {
                    Ok(()) => changed = true,
                    // The view is closed, so the process ends.
                    Err(_) => self.draining = true,
                },
                () = tokio::time::sleep(sleep) => {}
            }
        }
    }

    /// What takes over what is owed, and who is told of it.
    fn intake(&mut self) -> (&mut Intake, Told<'_>) {
        let (partitions, desk) = (&self.partitions, &*self.desk);
        let (board, reviews) = (&mut self.board, &mut self.reviews);
        (&mut self.intake, Told { partitions, board, reviews, desk })
    }

    /// Takes over what attempts of this and other replicas made of breakers. A moment that no pause reaches is of another
    /// clock.
    fn follow_breakers(&mut self) {
        let changed = self.tools.attempts.endpoints().take_changed();
        let latest = plus(self.tools.clock.now(), self.tools.schedule.breaker.open_max);
        for (endpoint, open) in changed {
            let open = open.map(|open| open.until_at_most(latest));
            metrics::breaker(open.is_some());
            self.board.breaker(endpoint, open);
        }
    }

    /// Has accounts told how their endpoints fare, those whose partition is owned here.
    fn report(&mut self) {
        if self.draining || !self.tools.reports {
            return;
        }
        while let Some(partition) = self.look_again.first().copied()
            && look_again(&self.tools, partition)
        {
            self.look_again.remove(&partition);
        }
        for endpoint in self.tools.attempts.endpoints().take_fared() {
            let Ok(Some(health)) = self.tools.attempts.endpoints().of(endpoint) else { continue };
            let owned = self.partitions.of(InstanceId::from_bytes(*health.account.as_bytes()));
            let Some(owned) = owned.filter(|owned| owned.leaving.is_none()) else { continue };
            // What the view says may be old: then there is nothing to report once it is new.
            if matches!(news(&self.tools, endpoint, &health), Ok(None)) || !self.reporting.insert(endpoint) {
                continue;
            }
            let (tools, settler, stop) = (self.tools.clone(), owned.settler.clone(), self.stop.clone());
            self.work.push(Box::pin(async move {
                let tenure = settler.tenure().clone();
                let reporting = tenure.run(report(&tools, &settler, endpoint));
                let reported = stop.run_until_cancelled(reporting).await.flatten();
                Done::Reported(tenure, endpoint, reported)
            }));
        }
    }

    /// Tells the operator what waits and what is under way.
    fn tell(&mut self) {
        metrics::depth(self.board.owed(), self.board.in_flight());
        metrics::held(self.board.held());
        self.tell_age(self.tools.clock.now());
    }

    /// Takes an order and those that wait behind it: partitions come many at a time, and are read together.
    fn take_all(&mut self, first: Order) {
        let mut next = Some(first);
        while let Some(order) = next {
            self.take(order);
            next = self.orders.try_recv().ok();
        }
    }

    /// Lets go of partitions that others wait for and nothing is under way of.
    fn hand_over(&mut self) {
        let waits = self.partitions.let_go();
        if !waits.is_empty() {
            let partitions = &self.partitions;
            self.board.forget(|instance| !partitions.owns(instance));
            self.reviews.keep_missed(|instance| partitions.owns(instance));
            self.board.owns(partitions.count());
        }
        for waits in waits {
            let _waits_no_more = waits.send(());
        }
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Take(settler) => {
                self.look_again.insert(settler.tenure().partition());
                self.partitions.take(settler);
                self.board.owns(self.partitions.count());
                self.intake.begin_anew();
            }
            Order::LetGo { tenure, done } => self.partitions.leave(&tenure, done),
            Order::Reopen { notices, done } => {
                let now = self.tools.clock.now();
                for notice in &notices {
                    self.board.reopen(notice, now);
                }
                let _gone = done.send(());
            }
            Order::Hurry { instance, endpoint, done } => {
                let hurried = self.board.hurry(instance, endpoint, self.tools.clock.now());
                let _gone = done.send(hurried);
            }
        }
    }

    /// Starts whatever can be started; says how long nothing more will be due.
    fn start(&mut self) -> Duration {
        let (now, begun) = (self.tools.clock.now(), Instant::now());
        let mut turn = Turn::default();
        while !self.draining
            && let Some(pending) = self.board.next(now)
        {
            self.start_attempt(pending, now, &mut turn);
        }
        for begin in turn.begin() {
            self.work.push(trying(self.tools.clone(), &self.lifecycle, begin));
        }
        let is_busy = !self.draining && self.partitions.in_flight() >= BUSY_FROM;
        while let Some((settler, batch)) = self.partitions.next_to_settle(begun, is_busy) {
            self.start_settling(settler, batch);
        }
        let board = &self.board;
        self.reviews.ripen(begun, |instance| board.has_waiting(instance));
        while !self.draining
            && let Some(instance) = self.reviews.start()
        {
            self.start_review(instance);
        }
        let until = |due: Timestamp| Duration::from_micros(u64::try_from(due.0 - now.0).unwrap_or_default());
        let due = self.board.wake_at().filter(|_| !self.draining).map(until);
        let reads = self.intake.rest(begun, &self.board).filter(|_| !self.draining);
        let relief = self.relief.wake_at(&self.board).filter(|_| !self.draining);
        let moments = [self.partitions.settles_at(begun, is_busy), self.reviews.wake_at(), relief];
        let moments = moments.into_iter().flatten().map(|at| at.saturating_duration_since(begun));
        let pauses = due.into_iter().chain(reads).chain(moments);
        pauses.min().unwrap_or(LOOK_MAX).min(LOOK_MAX)
    }

    fn start_review(&mut self, instance: InstanceId) {
        if !self.board.can_be_reviewed(instance) {
            self.reviews.end(instance, None);
            return;
        }
        let (tools, stop) = (self.tools.clone(), self.stop.clone());
        let endpoints = self.board.endpoints_of(instance);
        self.work.push(Box::pin(async move {
            let read = stop.run_until_cancelled(state_now(&tools, instance, &endpoints)).await;
            Done::Reviewed(instance, read.flatten().map(Box::new))
        }));
    }

    /// Tells how old the oldest notice is, not at every turn: it is found by looking at all of them.
    fn tell_age(&mut self, now: Timestamp) {
        let begun = Instant::now();
        if self.board.owed() == 0 {
            // Lost with a lease, perhaps: what was told before is nobody's.
            metrics::oldest(Duration::ZERO);
            return;
        }
        if begun < self.age_next {
            return;
        }
        // What goes on is being read.
        let Some(oldest) = self.board.oldest() else { return };
        let age = now.0 - oldest.0;
        metrics::oldest(Duration::from_micros(u64::try_from(age).unwrap_or_default()));
        self.age_next = begun + AGE_EACH.max(begun.elapsed() * AGE_REST_FACTOR);
    }

    /// Has an attempt begin in this turn, if it can be made.
    fn start_attempt(&mut self, pending: Pending, now: Timestamp, turn: &mut Turn) {
        let owned = self.partitions.of(pending.key.instance);
        let Some(owned) = owned.filter(|owned| owned.leaving.is_none()) else {
            // It is forgotten with its partition.
            return self.board.give_back(&pending, None, now);
        };
        let tenure = owned.settler.tenure().clone();
        match &mut owned.stage {
            Stage::Taken => {}
            Stage::Taking(waiting) => {
                waiting.push(pending.clone());
                return self.board.give_back(&pending, None, now);
            }
            stage @ Stage::Untaken => {
                *stage = Stage::Taking(vec![pending.clone()]);
                let (tools, settler) = (self.tools.clone(), owned.settler.clone());
                let stop = self.stop.clone();
                self.work.push(Box::pin(async move {
                    let taking = tenure.run(take_over(&tools, &settler));
                    let taken = stop.run_until_cancelled(taking).await.flatten();
                    Done::Taken(tenure, taken)
                }));
                return self.board.give_back(&pending, None, now);
            }
        }
        match self.tools.outbox.get(&owed_key(&pending.key)) {
            Ok(Some(row)) => {
                // What is in memory does not say where its commit stands.
                let row = read_row(&row).unwrap_or_else(|| pending.owed.clone());
                let pending = Pending { owed: row, ..pending };
                owned.in_flight += 1;
                turn.add(pending, tenure);
            }
            // A former owner settled it.
            Ok(None) => {
                self.board.give_back(&pending, None, now);
                self.board.remove(&pending.key, pending.owed.class);
            }
            Err(_) => {
                self.board.give_back(&pending, None, now);
                let Pending { key, owed, attempts, .. } = pending;
                self.board.put_back(&key, owed.class, attempts, plus(now, FAULT_DELAY));
            }
        }
    }

    /// Settles notices of a partition. What the last words of their instances needed is erased before these are settled, so that a
    /// crash in between leaves nothing behind.
    fn start_settling(&mut self, settler: Settler, batch: Vec<(SettledV1, NoticeClass)>) {
        let (tools, stop) = (self.tools.clone(), self.stop.clone());
        let spoken = self.board.spoken(&batch, |instance| self.intake.has_all(instance));
        self.work.push(Box::pin(async move {
            let tenure = settler.tenure().clone();
            let settled = tenure
                .run(async {
                    erase_spoken(&tools, spoken, &stop).await;
                    let notices: Vec<SettledV1> = batch.iter().map(|(settled, _)| settled.clone()).collect();
                    until_settled(|| settler.settle(notices.clone())).await
                })
                .await;
            Done::Settled(tenure, batch, settled)
        }));
    }

    /// Notes what came to an end, and what else did by now: none of it needs a turn of its own.
    fn finish_all(&mut self, first: Done) {
        let mut next = Some(first);
        while let Some(done) = next {
            self.finish(done);
            next = self.work.next().now_or_never().flatten();
        }
    }

    /// Notes what came to an end.
    fn finish(&mut self, done: Done) {
        match done {
            Done::Attempt(tenure, ended) => {
                if let Some(owned) = self.partitions.under(&tenure) {
                    owned.in_flight -= 1;
                }
                match ended {
                    Ok(ended) => self.attempt_ended(*ended),
                    Err(pending) => self.board.give_back(&pending, None, self.tools.clock.now()),
                }
            }
            Done::Reviewed(instance, permit) => {
                let read = permit.as_ref().map(|permit| (&permit.step.state, permit.known_account()));
                let about = self.reviews.end(instance, read);
                if let Some(permit) = permit {
                    self.review(instance, about, &permit);
                }
            }
            Done::Reported(tenure, endpoint, reported) => {
                self.reporting.remove(&endpoint);
                match reported {
                    // It may fare otherwise since.
                    Some(Ok(())) => self.tools.attempts.endpoints().look_at(endpoint),
                    Some(Err(error)) => {
                        tracing::warn!(%error, "this dispatcher is fenced off");
                        tenure.end();
                    }
                    None => {}
                }
            }
            Done::Read(read) => {
                let (intake, told) = self.intake();
                intake.took(read, told);
            }
            Done::Taken(tenure, Some(Ok(()))) => {
                for Pending { key, owed, attempts, due, .. } in self.partitions.taken(&tenure) {
                    self.board.put_back(&key, owed.class, attempts, due);
                }
            }
            Done::Settled(tenure, notices, Some(Ok(()))) => {
                if let Some(owned) = self.partitions.under(&tenure) {
                    owned.unsettled.end();
                }
                for (settled, class) in notices {
                    self.settled(&settled, class);
                }
            }
            // What waits for the partition is the next owner's.
            Done::Taken(_, None) | Done::Settled(_, _, None) => {}
            Done::Taken(tenure, Some(Err(error))) | Done::Settled(tenure, _, Some(Err(error))) => {
                tracing::warn!(%error, "this dispatcher is fenced off");
                tenure.end();
            }
        }
    }

    fn attempt_ended(&mut self, ended: Ended) {
        let Ended { pending, attempts, answered, outcome } = ended;
        let instance = pending.key.instance;
        self.board.give_back(&pending, answered, self.tools.clock.now());
        match outcome {
            Outcome::Found(leads_to, bounds) => self.board.found(&pending, leads_to, bounds),
            Outcome::Hold(until) => self.board.put_off(&pending.key, pending.owed.class, until),
            Outcome::Wait(due) => self.board.put_back(&pending.key, pending.owed.class, attempts, due),
            Outcome::Settle(outcome) => self.settle(&pending, attempts, outcome),
        }
        // What happened while it ran could not cancel it, and its next attempt may be a day away: the gate is asked about what
        // waits again now.
        if !matches!(outcome, Outcome::Settle(_)) {
            self.reviews.came_back(pending.key);
        }
        self.look_what_was_missed(instance);
    }

    /// Settles what a new commit of the instance cancelled, without waiting for it to be due. What waits to be
    /// fetched is looked at again: its endpoint may have a URL by now.
    fn review(&mut self, instance: InstanceId, about: About, permit: &Permit) {
        let waiting = match about {
            About::All => self.board.waiting(instance),
            About::These(notices) => notices.iter().filter_map(|key| self.board.waits(key)).collect(),
        };
        for webhook in permit.step.state.webhooks.iter().chain(&permit.of_account().webhooks) {
            self.board.changed(webhook.id, webhook.updated_at, self.tools.clock.now());
        }
        let read_version = permit.step.version;
        // One that came since for an endpoint of the account is asked about with the next read.
        let judged =
            |pending: &Pending| judges(read_version, &pending.key) && permit.knows(pending.key.endpoint);
        for pending in waiting.into_iter().filter(judged) {
            let Pending { key, attempts, .. } = pending;
            let class = pending.owed.class;
            match ask(&self.tools, permit, &key, &pending.owed) {
                Verdict::Settle(outcome) if self.board.claim(&key, class) => {
                    self.settle(&pending, attempts, outcome);
                }
                Verdict::Send if pending.held => {
                    self.board.put_back(&key, class, attempts, self.tools.clock.now());
                }
                Verdict::Settle(_) | Verdict::Send => {}
            }
        }
    }

    fn settle(&mut self, pending: &Pending, attempts: u16, outcome: SettlementV1) {
        let settled = SettledV1 { notice: pending.key, outcome, attempts, at: self.tools.clock.now() };
        let class = pending.owed.class;
        if let Some(owned) = self.partitions.of(pending.key.instance) {
            owned.unsettled.add(settled, class, self.board.holds_up(&pending.key, class));
        }
    }

    fn settled(&mut self, settled: &SettledV1, class: NoticeClass) {
        self.board.remove(&settled.notice, class);
        self.look_what_was_missed(settled.notice.instance);
        metrics::settled(class, settled.outcome);
    }

    /// What an instance's attempts may have missed matters only while there is one.
    fn look_what_was_missed(&mut self, instance: InstanceId) {
        if self.reviews.has_missed(instance) && !self.board.has_busy(instance) {
            self.reviews.none_is_tried(instance);
        }
    }
}
