//! The loop that starts attempts, ends them and settles notices, for all partitions that this replica owns.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use berth_bus::Tenure;
use berth_domain::{instance::NoticeClass, instance::Verdict};
use berth_notices::formats::{self, Format, RetryRule};
use berth_proto::{
    InstanceId, Partition, Timestamp,
    delivery::{NoticeKeyV1, SETTLED_PER_COMMIT_MAX, SettledV1, SettlementV1},
    instance::InstanceStateV1,
};
use berth_views::{ViewError, ViewReader, ViewState};
use futures::{StreamExt, stream::FuturesUnordered};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    attempt::{Ended, Outcome, Tools, attempt},
    board::{Board, Past},
    desk::Desk,
    extent::Extent,
    lane::{Pending, Present},
    owned::{Owned, Stage},
    permit::ask,
    redelivery::Order,
    review::{About, Reviews, state_now},
    scan,
    settle::{FAULT_DELAY, SettleError, take_over, until_settled},
};
use crate::{
    attempts::Tried,
    last_words, metrics,
    outbox::{Owed, Touched, owed_key, read_row, touched::Drained},
    schedule::plus,
};

/// Notices that are kept in memory, about 250 MB of them if each has a lane of its own; the rest stays in the view until
/// these are fewer.
const OWED_IN_MEMORY_MAX: usize = 400_000;
/// Notices that are kept besides, of instances that something happens to meanwhile.
const OWED_BESIDES_MAX: usize = 40_000;
/// How often the loop looks at the clock although nothing is due: wall clocks may be set.
const LOOK_MAX: Duration = Duration::from_secs(5);
/// How often the operator is told how old the oldest notice is.
const AGE_EACH: Duration = Duration::from_secs(5);
/// How much longer than that was looked for nobody looks again: it takes a hundredth of the loop at most.
const AGE_REST_FACTOR: u32 = 100;

/// Something that ran beside the loop came to an end.
enum Done {
    /// What was tried, if its tenure was over first.
    Attempt(Tenure, Result<Box<Ended>, Box<Pending>>),
    /// None if the process stops first, since the view that is waited for ends with it, or the tenure is over.
    Taken(Tenure, Option<Result<(), SettleError>>),
    /// None if the tenure is over: whether it is settled is not known.
    Settled(Tenure, Vec<(SettledV1, NoticeClass)>, Option<Result<(), SettleError>>),
    /// None if the instance cannot be read, or the process stops first.
    Reviewed(InstanceId, Option<Box<InstanceStateV1>>),
}

type Work = Pin<Box<dyn Future<Output = Done> + Send>>;

/// See the module.
pub(super) struct Dispatching {
    tools: Tools,
    view: Arc<dyn ViewReader>,
    touched: Arc<Touched>,
    /// Who waits to fetch notices.
    desk: Arc<Desk>,
    owned: BTreeMap<Partition, Owned>,
    board: Board,
    /// Each runs under the tenure of its partition, and takes no further step once that is over.
    work: FuturesUnordered<Work>,
    reviews: Reviews,
    /// What is asked from beside the loop.
    orders: mpsc::Receiver<Order>,
    /// Whether the view must be read from the beginning.
    read_all: bool,
    /// Of which instances everything is in memory.
    extent: Extent,
    /// When the operator is told again how old the oldest notice is.
    age_next: Instant,
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
        stop: CancellationToken,
    ) -> Self {
        Self {
            stop,
            orders,
            desk,
            view: tools.outbox.clone(),
            tools,
            touched,
            owned: BTreeMap::new(),
            board: Board::default(),
            work: FuturesUnordered::new(),
            reviews: Reviews::default(),
            read_all: false,
            extent: Extent::default(),
            age_next: Instant::now(),
            draining: false,
        }
    }

    /// Dispatches until the process stops and what was in flight is finished.
    pub(super) async fn run(mut self) {
        let stop = self.stop.clone();
        let mut news = self.view.changes();
        let mut changed = true;
        loop {
            // Only after a change: what was touched is handed out for two changes, see `Touched`.
            if (changed || self.read_all) && self.take_owed().await.is_err() {
                self.read_all = true;
            }
            changed = false;
            let sleep = self.start();
            self.hand_over();
            if self.draining && self.work.is_empty() {
                return;
            }
            tokio::select! {
                biased;
                () = stop.cancelled(), if !self.draining => self.draining = true,
                Some(order) = self.orders.recv() => self.take_all(order),
                Some(done) = self.work.next() => self.finish(done),
                change = news.changed(), if !self.draining => match change {
                    Ok(()) => changed = true,
                    // The view is closed, so the process ends.
                    Err(_) => self.draining = true,
                },
                () = tokio::time::sleep(sleep) => {}
            }
        }
    }

    /// Takes an order and those that wait behind it: partitions come many at a time, and are read together.
    fn take_all(&mut self, first: Order) {
        let mut next = Some(first);
        while let Some(order) = next {
            self.take(order);
            next = self.orders.try_recv().ok();
        }
    }

    /// Lets go of what others wait for and nothing is under way of.
    fn hand_over(&mut self) {
        let gone: Vec<_> = self.owned.extract_if(.., |_, owned| owned.may_go()).collect();
        if gone.is_empty() {
            return;
        }
        metrics::owned(self.owned.len());
        let owned = &self.owned;
        self.board.forget(|instance| !owned.contains_key(&Partition::of(instance.as_bytes())));
        for waits in gone.into_iter().filter_map(|(_, owned)| owned.leaving) {
            let _waits_no_more = waits.send(());
        }
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Take(settler) => {
                self.owned.insert(settler.tenure().partition(), Owned::new(settler));
                self.read_all = true;
                metrics::owned(self.owned.len());
            }
            Order::LetGo { tenure, done } => {
                // One that was never taken is gone already.
                if let Some(owned) = self.owned_under(&tenure) {
                    owned.leaving = Some(done);
                }
            }
            Order::Reopen { notices, done } => {
                for notice in &notices {
                    self.board.reopen(notice);
                }
                let _gone = done.send(());
            }
            Order::Hurry { instance, endpoint, done } => {
                let hurried = self.board.hurry(instance, endpoint, self.tools.clock.now());
                let _gone = done.send(hurried);
            }
        }
    }

    fn owns(&self, instance: InstanceId) -> bool {
        self.owned.contains_key(&Partition::of(instance.as_bytes()))
    }

    /// Takes over what the view knows now.
    async fn take_owed(&mut self) -> Result<(), ViewError> {
        if self.owned.is_empty() {
            self.read_all = false;
            return Ok(());
        }
        if self.view.state() != ViewState::Live {
            return Err(ViewError::Rebuilding);
        }
        let drained = self.touched.drain();
        let room = self.extent.is_partial() && self.board.len() < OWED_IN_MEMORY_MAX / 2;
        match drained {
            Drained::These { fresh, again } if !self.read_all && !room => {
                for (instance, notices) in again {
                    self.take_changes(instance, &notices, false)?;
                }
                for (instance, notices) in fresh {
                    self.take_changes(instance, &notices, true)?;
                }
                Ok(())
            }
            Drained::These { .. } | Drained::Everything => self.take_everything().await,
        }
    }

    async fn take_everything(&mut self) -> Result<(), ViewError> {
        let partitions = self.owned.keys().copied().collect();
        let (mut rows, last) = scan::everything(self.view.clone(), partitions, OWED_IN_MEMORY_MAX).await?;
        (self.read_all, self.extent) = (false, Extent::up_to(last));
        if last.is_none() {
            for instance in self.board.instances() {
                rows.entry(instance).or_default();
            }
        }
        for (instance, rows) in rows {
            self.merge(instance, rows);
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
    ) -> Result<(), ViewError> {
        if !self.owns(instance) {
            return Ok(());
        }
        self.desk.wake(instance);
        let has_room = self.board.len() < OWED_IN_MEMORY_MAX + OWED_BESIDES_MAX;
        if has_room && !self.extent.has(instance) {
            let rows = scan::of_instance(self.view.as_ref(), instance)?;
            self.merge(instance, rows);
            self.extent.read(instance);
            return Ok(());
        }
        let (past, clock) = (OfAttempts(self.tools.clone()), self.present());
        let mut ask = fresh && self.board.has_waiting(instance);
        for key in notices {
            let row = self.view.get(&owed_key(key))?.and_then(|row| read_row::<Owed>(&row));
            if row.is_some() && !(has_room && self.extent.has(instance)) {
                self.extent.leave_out(instance);
                continue;
            }
            ask |= self.board.update(*key, row, &past, clock);
        }
        if ask {
            self.reviews.ask(instance);
        }
        Ok(())
    }

    fn merge(&mut self, instance: InstanceId, rows: Vec<(NoticeKeyV1, Owed)>) {
        self.desk.wake(instance);
        self.reviews.forget(instance);
        let waited = self.board.has_waiting(instance);
        let past = OfAttempts(self.tools.clone());
        if self.board.merge(instance, rows, &past, self.present()) || waited {
            self.reviews.ask(instance);
        }
    }

    fn present(&self) -> Present {
        let now = self.tools.clock.now();
        Present { now, latest: plus(now, self.tools.schedule.ahead_max()) }
    }

    /// Starts whatever can be started; says how long nothing more will be due.
    fn start(&mut self) -> Duration {
        let now = self.tools.clock.now();
        while !self.draining
            && let Some(pending) = self.board.next(now)
        {
            self.start_attempt(pending, now);
        }
        let ready = self.owned.iter().filter(|(_, owned)| !owned.unsettled.is_empty() && !owned.is_settling);
        let ready: Vec<Partition> = ready.map(|(partition, _)| *partition).collect();
        for partition in ready {
            self.start_settling(partition);
        }
        while !self.draining
            && let Some(instance) = self.reviews.start()
        {
            let (tools, stop) = (self.tools.clone(), self.stop.clone());
            self.work.push(Box::pin(async move {
                let read = stop.run_until_cancelled(state_now(&tools, instance)).await;
                Done::Reviewed(instance, read.flatten().map(Box::new))
            }));
        }
        metrics::depth(self.board.len(), self.board.in_flight());
        self.tell_age(now);
        let until = |due: Timestamp| Duration::from_micros(u64::try_from(due.0 - now.0).unwrap_or_default());
        match self.board.wake_at() {
            _ if self.read_all => FAULT_DELAY,
            Some(due) if !self.draining => until(due).min(LOOK_MAX),
            _ => LOOK_MAX,
        }
    }

    /// Tells how old the oldest notice is, not at every turn: it is found by looking at all of them.
    fn tell_age(&mut self, now: Timestamp) {
        let begun = Instant::now();
        if begun < self.age_next {
            return;
        }
        let age = self.board.oldest().map_or(0, |oldest| now.0 - oldest.0);
        metrics::oldest(Duration::from_micros(u64::try_from(age).unwrap_or_default()));
        self.age_next = begun + AGE_EACH.max(begun.elapsed() * AGE_REST_FACTOR);
    }

    fn start_attempt(&mut self, pending: Pending, now: Timestamp) {
        let owned = self.owned.get_mut(&Partition::of(pending.key.instance.as_bytes()));
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
        match self.view.get(&owed_key(&pending.key)) {
            Ok(Some(_)) => {
                if pending.slot.is_some() {
                    metrics::lag(Duration::from_micros(
                        u64::try_from(now.0 - pending.due.0).unwrap_or_default(),
                    ));
                }
                owned.in_flight += 1;
                let tools = self.tools.clone();
                self.work.push(Box::pin(async move {
                    let trying = Box::pin(attempt(tools, pending.clone(), tenure.holds()));
                    let tried = tenure.run(trying).await;
                    Done::Attempt(tenure, tried.map(Box::new).ok_or_else(|| Box::new(pending)))
                }));
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

    fn start_settling(&mut self, partition: Partition) {
        let Some(owned) = self.owned.get_mut(&partition) else { return };
        let rest = owned.unsettled.split_off(owned.unsettled.len().min(SETTLED_PER_COMMIT_MAX));
        let queue = std::mem::replace(&mut owned.unsettled, rest);
        owned.is_settling = true;
        let settler = owned.settler.clone();
        let (tools, spoken) = (self.tools.clone(), self.spoken(&queue));
        self.work.push(Box::pin(async move {
            let tenure = settler.tenure().clone();
            let settled = tenure
                .run(async {
                    for instance in spoken {
                        erase_last_words(&tools, instance).await;
                    }
                    let notices: Vec<SettledV1> = queue.iter().map(|(settled, _)| settled.clone()).collect();
                    until_settled(|| settler.settle(notices.clone())).await
                })
                .await;
            Done::Settled(tenure, queue, settled)
        }));
    }

    /// Instances whose last words are all in this batch: what these needed is erased before they are settled,
    /// so that a crash in between leaves nothing behind.
    fn spoken(&self, batch: &[(SettledV1, NoticeClass)]) -> BTreeSet<InstanceId> {
        let last = |of: InstanceId| {
            let settled = batch
                .iter()
                .filter(|(one, class)| *class == NoticeClass::Deletion && one.notice.instance == of);
            self.board.last_words(of) <= settled.count()
        };
        let finals = batch.iter().filter(|(_, class)| *class == NoticeClass::Deletion);
        finals.map(|(settled, _)| settled.notice.instance).filter(|instance| last(*instance)).collect()
    }

    /// Notes what came to an end.
    fn finish(&mut self, done: Done) {
        match done {
            Done::Attempt(tenure, ended) => {
                if let Some(owned) = self.owned_under(&tenure) {
                    owned.in_flight -= 1;
                }
                match ended {
                    Ok(ended) => self.attempt_ended(*ended),
                    Err(pending) => self.board.give_back(&pending, None, self.tools.clock.now()),
                }
            }
            Done::Reviewed(instance, state) => {
                let about = self.reviews.end(instance, state.as_deref());
                if let Some(state) = state {
                    self.review(instance, about, &state);
                }
            }
            Done::Taken(tenure, Some(Ok(()))) => self.taken(&tenure),
            Done::Settled(tenure, notices, Some(Ok(()))) => {
                if let Some(owned) = self.owned_under(&tenure) {
                    owned.is_settling = false;
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

    fn owned_under(&mut self, tenure: &Tenure) -> Option<&mut Owned> {
        self.owned.get_mut(&tenure.partition()).filter(|owned| owned.is_under(tenure))
    }

    /// The outbox knows what former owners of a partition settled.
    fn taken(&mut self, tenure: &Tenure) {
        let Some(owned) = self.owned_under(tenure) else { return };
        if let Stage::Taking(waiting) = std::mem::replace(&mut owned.stage, Stage::Taken) {
            for Pending { key, owed, attempts, due, .. } in waiting {
                self.board.put_back(&key, owed.class, attempts, due);
            }
        }
    }

    fn attempt_ended(&mut self, ended: Ended) {
        let Ended { pending, attempts, answered, outcome } = ended;
        self.board.give_back(&pending, answered, self.tools.clock.now());
        match outcome {
            Outcome::Found(leads_to) => self.board.found(&pending, leads_to),
            Outcome::Hold(until) => self.board.put_off(&pending.key, pending.owed.class, until),
            // What happened while it ran could not cancel it, and its next attempt may be a day away: the gate is
            // asked about what waits again now.
            Outcome::Wait(due) => {
                self.board.put_back(&pending.key, pending.owed.class, attempts, due);
                self.reviews.ask_about(pending.key.instance, Some(pending.key));
            }
            Outcome::Settle(outcome) => self.settle(&pending, attempts, outcome),
        }
    }

    /// Settles what a new commit of the instance cancelled, without waiting for it to be due. What waits to be
    /// fetched is looked at again: its endpoint may have a URL by now.
    fn review(&mut self, instance: InstanceId, about: About, state: &InstanceStateV1) {
        let waiting = match about {
            About::All => self.board.waiting(instance),
            About::These(notices) => notices.iter().filter_map(|key| self.board.waits(key)).collect(),
        };
        for pending in waiting {
            let Pending { key, attempts, .. } = pending;
            let class = pending.owed.class;
            match ask(&self.tools, state, &key, &pending.owed) {
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
        let partition = Partition::of(pending.key.instance.as_bytes());
        if let Some(owned) = self.owned.get_mut(&partition) {
            owned.unsettled.push((settled, pending.owed.class));
        }
    }

    fn settled(&mut self, settled: &SettledV1, class: NoticeClass) {
        self.board.remove(&settled.notice, class);
        metrics::settled(class, settled.outcome);
    }
}

/// What the store of attempts knows.
struct OfAttempts(Tools);

impl Past for OfAttempts {
    fn tried(&self, key: &NoticeKeyV1) -> Option<Tried> {
        self.0.attempts.tried(key)
    }

    fn lives(&self, owed: &Owed) -> Duration {
        let rule = formats::by_name(&owed.format).map(Format::retry_rule);
        self.0.schedule.attempt_max(rule.unwrap_or(RetryRule::Standard))
    }
}

/// Destroys the key that the last words of a deleted instance were sealed under, until that works.
async fn erase_last_words(tools: &Tools, instance: InstanceId) {
    tools.keys.forget(instance.as_bytes());
    while let Err(error) = tools.delivery_keys.destroy(&last_words::key_owner(instance)).await {
        tracing::warn!(%instance, %error, "what a deleted instance's last notices needed is erased later");
        tokio::time::sleep(FAULT_DELAY).await;
    }
}
