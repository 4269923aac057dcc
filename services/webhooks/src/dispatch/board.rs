//! What is owed and when: lanes of notices, first in, first out; pure.
//!
//! A lane is (instance, endpoint) and whether it carries codes. Only the head of a lane may be tried, and one
//! attempt runs in a lane at a time, so that an endpoint hears everything in order. A notice leaves its lane
//! when its settlement is durable. Only the oldest notices of a lane are here, see [`Heads`].
//!
//! The end of a session, and of an instance, is told after everything that is older has come to an end: also after an
//! attempt of a former owner, which nobody can stop and which lives for as long as an attempt may take.
//!
//! A lane whose head is due waits for its turn, see [`Turns`]. Where it leads (account and place) stands sealed
//! in the log, so the first attempt of a lane finds that out and gives way to whoever's turn it is then.

mod absences;
mod away;
mod instances;
mod rest;
mod spoken;

use std::{
    collections::{BTreeMap, BTreeSet, HashSet, btree_map},
    time::Duration,
};

use berth_domain::instance::NoticeClass;
use berth_proto::{EndpointId, InstanceId, Timestamp, delivery::NoticeKeyV1};

use self::away::{Away, Call, Head};
pub(crate) use self::{rest::Rest, spoken::Spoken};
use super::{
    foreign::ForeignAttempts,
    heads::{Heads, InLane, Room, in_lane},
    lane::{Lane, LaneKey, Pending, Present, Vocabulary, Waiting},
    paces::Bounds,
    shares::Destination,
    turns::{Lanes, Turn, Turns},
};
use crate::{attempts::Tried, health::Open, outbox::Owed, schedule::plus};

/// How far a clock may go back before it counts as another one: what a time service corrects is less.
const CLOCK_BACK_MAX: Duration = Duration::from_mins(1);

/// Everything that waits.
#[derive(Debug, Default)]
pub(crate) struct Board {
    lanes: Lanes,
    turns: Turns,
    foreign: ForeignAttempts,
    /// Settled here, and perhaps still a row of the view.
    settled: BTreeMap<InstanceId, HashSet<NoticeKeyV1>>,
    vocabulary: Vocabulary,
    room: Room,
    /// Notices in all lanes.
    count: usize,
    /// About how many there are behind them in the view.
    beyond: usize,
    /// Instances that are owed something and not here.
    away: Away,
    /// Lanes of which all that was here is settled and more is in the view.
    to_be_read: BTreeSet<LaneKey>,
    /// The moment at which it was last asked for the next one.
    looked: Option<Timestamp>,
}

/// What is known of notices from before they were taken over.
pub(crate) trait Past {
    /// How far one is; none if it was never tried.
    fn tried(&self, key: &NoticeKeyV1) -> Option<Tried>;

    /// How long an attempt at it may take.
    fn lives(&self, owed: &Owed) -> Duration;
}

/// What is known of a notice that was away, and of others.
struct Remembered<'a, P>(&'a Head, &'a P);

// === impl Remembered ===

impl<P: Past> Past for Remembered<'_, P> {
    fn tried(&self, _: &NoticeKeyV1) -> Option<Tried> {
        Some(Tried { attempts: self.0.attempts, due: self.0.due, running: false })
    }

    fn lives(&self, owed: &Owed) -> Duration {
        self.1.lives(owed)
    }
}

// === impl Board ===

impl Board {
    /// One that keeps so much.
    pub(crate) fn with(room: Room) -> Self {
        Self { room, ..Self::default() }
    }

    /// Takes over the oldest rows of each lane of one instance as the view has them now. Says whether the gate is to be asked: there
    /// is a new one among them that was tried before, and a commit may have cancelled it since, or something happened while it was away.
    pub(crate) fn merge(
        &mut self,
        instance: InstanceId,
        heads: Heads,
        past: &impl Past,
        clock: Present,
    ) -> bool {
        let absence = self.come_back(instance);
        let present: HashSet<NoticeKeyV1> = heads.rows.iter().map(|(key, _)| *key).collect();
        if let Some(mut settled) = self.settled.remove(&instance) {
            settled.retain(|key| present.contains(key) || heads.is_beyond(key));
            if !settled.is_empty() {
                self.settled.insert(instance, settled);
            }
        }
        let Heads { rows, mut beyond, .. } = heads;
        for lane_key in self.lanes_of(instance) {
            let beyond = beyond.remove(&lane_key);
            self.change(lane_key, |lane| {
                // Settled by a former owner, or behind what was read.
                lane.queue.retain(|waiting| waiting.busy || present.contains(&waiting.key(lane_key)));
                lane.read_anew(beyond);
            });
            self.index(lane_key);
        }
        for (lane_key, beyond) in beyond {
            self.lanes.entry(lane_key).or_default();
            self.change(lane_key, |lane| lane.read_anew(Some(beyond)));
            self.index(lane_key);
        }
        let mut asks = absence.as_ref().is_some_and(|absence| absence.is_touched);
        for (key, owed) in rows {
            let head = absence.as_ref().and_then(|absence| absence.head(key.endpoint, in_lane(&key)));
            let lane_max = self.room.of_lane(self.count);
            let Some(head) = head else {
                asks |= self.add(key, owed, (lane_max, false), past, clock);
                continue;
            };
            // It was asked about before it went.
            let class = owed.class;
            self.add(key, owed, (lane_max, false), &Remembered(head, past), clock);
            if head.is_kept {
                self.put_off(&key, class, head.due);
            }
        }
        asks
    }

    /// Takes over the row of one notice: there is one, or none any more. Says whether it is a new one that was tried
    /// before.
    pub(crate) fn update(
        &mut self,
        key: NoticeKeyV1,
        row: Option<Owed>,
        past: &impl Past,
        clock: Present,
    ) -> bool {
        if let Some(owed) = row {
            return self.add(key, owed, (self.room.of_lane(self.count), true), past, clock);
        }
        if let btree_map::Entry::Occupied(mut settled) = self.settled.entry(key.instance) {
            settled.get_mut().remove(&key);
            if settled.get().is_empty() {
                settled.remove();
            }
        }
        // Settled by a former owner, or it was in the view alone.
        let lanes =
            [false, true].map(|codes| LaneKey { instance: key.instance, endpoint: key.endpoint, codes });
        let has = |lane_key: &LaneKey| {
            self.lanes.get(lane_key).is_some_and(|lane| lane.get(key.version, key.ordinal).is_some())
        };
        match lanes.iter().find(|lane_key| has(lane_key)) {
            Some(lane_key) => {
                self.change(*lane_key, |lane| lane.lose(in_lane(&key)));
                self.index(*lane_key);
            }
            // Of codes there are few, and none for long.
            None => self.change(lanes[0], |lane| lane.lose_beyond(in_lane(&key))),
        }
        false
    }

    /// Adds a notice that is neither here nor settled here, if there is room in its lane, which has so many at most; and whether it
    /// is news, or was read with others. Says whether it was added and was tried before.
    fn add(
        &mut self,
        key: NoticeKeyV1,
        owed: Owed,
        (lane_max, is_news): (usize, bool),
        past: &impl Past,
        clock: Present,
    ) -> bool {
        if self.settled.get(&key.instance).is_some_and(|settled| settled.contains(&key)) {
            return false;
        }
        let (lane_key, at) = (LaneKey::of(&key, owed.class), in_lane(&key));
        if let Some(lane) = self.lanes.get(&lane_key) {
            if lane.get(key.version, key.ordinal).is_some() {
                return false;
            }
            if lane.has_no_room(at, lane_max) {
                self.change(lane_key, |lane| lane.leave_out(at, is_news));
                return false;
            }
        }
        let tried = past.tried(&key);
        if tried.is_some_and(|tried| tried.running) {
            self.foreign.note(&key, past.lives(&owed), clock.now);
        }
        // An attempt whose fate is unknown is repeated at once, and so is one that a clock which had jumped
        // ahead put off. A commit that is dated ahead is not waited for.
        let due = tried
            .filter(|tried| !tried.running && tried.due <= clock.latest)
            .map_or(owed.occurred_at.min(clock.now), |tried| tried.due);
        let attempts = tried.map_or(0, |tried| tried.attempts);
        let waiting = Waiting::new(&key, owed, (attempts, due), &mut self.vocabulary);
        self.lanes.entry(lane_key).or_default();
        self.change(lane_key, |lane| {
            lane.insert(waiting);
            lane.shorten(lane_max);
        });
        self.index(lane_key);
        tried.is_some()
    }

    /// The head whose turn it is, marked as busy. What it occupies is given back with [`Self::give_back`].
    pub(crate) fn next(&mut self, now: Timestamp) -> Option<Pending> {
        self.follow_clock(now);
        let turn = self.turns.next(&mut self.lanes, now);
        for endpoint in self.turns.take_called() {
            self.away.call(endpoint, Call::One);
        }
        let turn = turn?;
        let lane = self.lanes.get_mut(&turn.lane)?;
        let head = lane.queue.front_mut()?;
        head.busy = true;
        let Turn { lane: lane_key, slot, bounds, probe } = turn;
        let pending = Pending { slot, bounds, probe, ..head.pending(lane_key) };
        lane.busy += 1;
        self.index(turn.lane);
        self.turns.began(turn);
        Some(pending)
    }

    /// An attempt is over, whatever comes of it. `answered`: whether an answer came; none if nothing was sent.
    pub(crate) fn give_back(&mut self, pending: &Pending, answered: Option<bool>, now: Timestamp) {
        let lane = LaneKey::of(&pending.key, pending.owed.class);
        self.turns.give_back(lane, pending.slot, answered, now);
    }

    /// Notes where a notice leads and what is asked for there; it waits for its turn.
    pub(crate) fn found(&mut self, pending: &Pending, leads_to: Destination, bounds: Bounds) {
        let NoticeKeyV1 { instance, endpoint, .. } = pending.key;
        for lane_key in self.turns.found(&mut self.lanes, (instance, endpoint), leads_to, bounds) {
            self.place(lane_key);
        }
        self.mark(&pending.key, LaneKey::of(&pending.key, pending.owed.class), |head| head.busy = false);
    }

    /// The breaker of an endpoint opened, or closed.
    pub(crate) fn breaker(&mut self, endpoint: EndpointId, open: Option<Open>) {
        if open.is_none() && self.turns.has_away(endpoint) {
            self.away.call(endpoint, Call::All);
        }
        for lane_key in self.turns.breaker(&mut self.lanes, endpoint, open) {
            self.place(lane_key);
        }
    }

    /// An endpoint was changed at that moment: what was tried before says nothing of it any more.
    pub(crate) fn changed(&mut self, endpoint: EndpointId, changed_at: Timestamp, now: Timestamp) {
        if self.turns.changed(endpoint, changed_at, now) {
            self.breaker(endpoint, None);
        }
    }

    /// So many partitions are dispatched here from now on.
    pub(crate) fn owns(&mut self, partitions: usize) {
        self.turns.owns(partitions);
    }

    /// Endpoints that are left alone although something is due, and lanes that wait for that.
    pub(crate) fn held(&self) -> (usize, usize) {
        self.turns.held()
    }

    /// When the next head is due that is not known to be due yet.
    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        self.turns.wake_at()
    }

    /// Attempts under way, of first and of later tries.
    pub(crate) const fn in_flight(&self) -> (usize, usize) {
        self.turns.in_flight()
    }

    /// What waits for an instance and is neither tried nor settled at this moment.
    pub(crate) fn waiting(&self, instance: InstanceId) -> Vec<Pending> {
        self.lanes_of(instance)
            .into_iter()
            .filter_map(|key| Some((key, self.lanes.get(&key)?)))
            .flat_map(|(key, lane)| {
                let idle = lane.queue.iter().filter(|waiting| !waiting.busy);
                idle.map(move |waiting| waiting.pending(key))
            })
            .collect()
    }

    /// Whether something waits that a commit of the instance may cancel. In what is about endpoints an account stands in the place of
    /// the instance, and there is no silence of an account.
    pub(crate) fn can_be_reviewed(&self, instance: InstanceId) -> bool {
        let lanes = self.lanes_of(instance);
        let mut heads = lanes.iter().filter_map(|key| self.lanes.get(key)).filter_map(Lane::head);
        heads.next().is_some_and(|head| head.class != NoticeClass::Operational)
    }

    /// One of what waits, unless it is tried or settled at this moment.
    pub(crate) fn waits(&self, key: &NoticeKeyV1) -> Option<Pending> {
        [false, true].into_iter().find_map(|codes| {
            let lane_key = LaneKey { instance: key.instance, endpoint: key.endpoint, codes };
            let waiting = self.lanes.get(&lane_key)?.get(key.version, key.ordinal)?;
            (!waiting.busy).then(|| waiting.pending(lane_key))
        })
    }

    /// Marks a waiting notice as being settled that was cancelled; `false` if it is busy or gone.
    pub(crate) fn claim(&mut self, key: &NoticeKeyV1, class: NoticeClass) -> bool {
        let lane_key = LaneKey::of(key, class);
        let mut claimed = false;
        self.mark(key, lane_key, |pending| {
            claimed = !pending.busy;
            pending.busy = true;
        });
        self.change(lane_key, Lane::leaves);
        claimed
    }

    /// An attempt failed: the notice waits again.
    pub(crate) fn put_back(&mut self, key: &NoticeKeyV1, class: NoticeClass, attempts: u16, due: Timestamp) {
        self.mark(key, LaneKey::of(key, class), |pending| {
            pending.busy = false;
            pending.held = false;
            pending.attempts = attempts;
            pending.due = due;
        });
    }

    /// A notice has nowhere to be sent to: it waits to be fetched, until then.
    pub(crate) fn put_off(&mut self, key: &NoticeKeyV1, class: NoticeClass, until: Timestamp) {
        self.mark(key, LaneKey::of(key, class), |pending| {
            pending.busy = false;
            pending.held = true;
            pending.due = until;
        });
    }

    /// What waits for an endpoint to be sent is due now. Gives how many were not.
    pub(crate) fn hurry(&mut self, instance: InstanceId, endpoint: EndpointId, now: Timestamp) -> usize {
        self.turns.hurry(endpoint, now);
        let mut hurried = self.away.hurry(instance, endpoint, now);
        for lane_key in self.lanes_of(instance) {
            if lane_key.endpoint != endpoint {
                continue;
            }
            let Some(lane) = self.lanes.get_mut(&lane_key) else { continue };
            hurried += lane.hurry(now);
            self.index(lane_key);
        }
        hurried
    }

    /// A notice that was settled may be owed again, and its endpoint probed for it.
    pub(crate) fn reopen(&mut self, key: &NoticeKeyV1, now: Timestamp) {
        self.turns.hurry(key.endpoint, now);
        if let Some(settled) = self.settled.get_mut(&key.instance) {
            settled.remove(key);
        }
    }

    /// A notice is settled for good.
    pub(crate) fn remove(&mut self, key: &NoticeKeyV1, class: NoticeClass) {
        let lane_key = LaneKey::of(key, class);
        self.change(lane_key, |lane| {
            if let Some(removed) = lane.remove(key.version, key.ordinal) {
                lane.busy -= u32::from(removed.busy);
            }
        });
        self.settled.entry(key.instance).or_default().insert(*key);
        self.index(lane_key);
    }

    /// When that happened of which somebody waits longest to be told. Looks at every lane.
    pub(crate) fn oldest(&self) -> Option<Timestamp> {
        let heads = self.lanes.values().filter_map(|lane| lane.queue.iter().find(|waiting| !waiting.held));
        heads.map(|waiting| waiting.occurred_at).chain(self.away.oldest()).min()
    }

    /// Forgets instances that are another owner's. What is under way of them is given back as it ends.
    pub(crate) fn forget(&mut self, is_gone: impl Fn(InstanceId) -> bool) {
        let gone: BTreeSet<InstanceId> =
            self.instances().into_iter().filter(|instance| is_gone(*instance)).collect();
        for instance in &gone {
            for lane_key in self.lanes_of(*instance) {
                self.change(lane_key, |lane| {
                    lane.queue.clear();
                    (lane.busy, lane.beyond) = (0, None);
                });
                self.index(lane_key);
            }
        }
        for absence in self.away.forget(&is_gone) {
            self.waits_no_more(&absence);
        }
        self.settled.retain(|instance, _| !is_gone(*instance));
        self.turns.forget(|instance| gone.contains(&instance));
        self.foreign.forget(&is_gone);
    }

    /// About how many notices wait or are tried, with those that are in the view alone.
    pub(crate) const fn owed(&self) -> usize {
        self.count + self.beyond + self.away.notices()
    }

    /// After a clock that went back, everything that waits to be sent is due: when it was to be tried is a moment of
    /// the other clock, which may be any time ahead. What waits to be fetched is only kept longer.
    fn follow_clock(&mut self, now: Timestamp) {
        let before = self.looked.replace(now);
        if before.is_none_or(|before| before <= plus(now, CLOCK_BACK_MAX)) {
            return;
        }
        tracing::warn!("the clock went back: webhook notices that wait are tried now");
        self.foreign.follow_clock(now);
        self.turns.follow_clock(now);
        self.away.follow_clock(now);
        for lane in self.lanes.values_mut() {
            lane.hurry(now);
        }
        let lanes: Vec<_> = self.lanes.keys().copied().collect();
        for lane_key in lanes {
            self.place(lane_key);
        }
    }

    /// The end of a session waits for an older code that is under way, so that nothing older arrives after it.
    fn must_wait(&self, lane_key: LaneKey, head: &Waiting) -> bool {
        if lane_key.codes || !head.is_an_end() {
            return false;
        }
        let codes = self.lanes.get(&LaneKey { codes: true, ..lane_key });
        codes.is_some_and(|lane| {
            lane.queue.iter().any(|waiting| waiting.busy && waiting.version < head.version)
        })
    }

    fn lanes_of(&self, instance: InstanceId) -> Vec<LaneKey> {
        let from = LaneKey { instance, endpoint: EndpointId::from_bytes([0; 16]), codes: false };
        self.lanes.range(from..).map(|(key, _)| *key).take_while(|key| key.instance == instance).collect()
    }

    fn mark(&mut self, key: &NoticeKeyV1, lane_key: LaneKey, change: impl FnOnce(&mut Waiting)) {
        self.change(lane_key, |lane| {
            let Some(waiting) = lane.get_mut(key.version, key.ordinal) else { return };
            let before = waiting.busy;
            change(waiting);
            let now = waiting.busy;
            lane.busy = lane.busy + u32::from(now) - u32::from(before);
            // What stands before it is in the view alone, and has its turn first.
            if !now && lane.is_beyond(in_lane(key)) {
                lane.remove(key.version, key.ordinal);
                lane.leave_out(in_lane(key), false);
            }
        });
        self.index(lane_key);
    }

    /// Changes a lane, if there is one.
    fn change(&mut self, lane_key: LaneKey, change: impl FnOnce(&mut Lane)) {
        let Some(lane) = self.lanes.get_mut(&lane_key) else { return };
        let (here, beyond) = (lane.queue.len(), lane.left_out());
        change(lane);
        self.count = self.count + lane.queue.len() - here;
        self.beyond = self.beyond + lane.left_out() - beyond;
    }

    /// Puts a lane where its head belongs, and the lane that may wait for its codes.
    fn index(&mut self, lane_key: LaneKey) {
        self.place(lane_key);
        if lane_key.codes {
            self.place(LaneKey { codes: false, ..lane_key });
        }
    }

    fn place(&mut self, lane_key: LaneKey) {
        let Some(lane) = self.lanes.get(&lane_key) else { return };
        let earliest = match lane.head() {
            // One attempt in a lane at a time: while something of it is busy, nothing of it is idle.
            Some(head) if lane.busy == 0 && !self.must_wait(lane_key, head) => {
                Some(self.foreign.earliest(lane_key, head))
            }
            _ => None,
        };
        let Some(lane) = self.lanes.get_mut(&lane_key) else { return };
        self.turns.place(lane_key, lane, earliest);
        if lane.is_to_be_read() {
            self.to_be_read.insert(lane_key);
            return;
        }
        self.to_be_read.remove(&lane_key);
        if lane.queue.is_empty() {
            self.lanes.remove(&lane_key);
        }
    }
}

#[cfg(test)]
mod tests;
