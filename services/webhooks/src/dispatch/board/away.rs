//! Instances that are owed something and are not in memory, since nothing is to be done for them for a while; pure.
//!
//! Of each lane only what the view does not say is kept: how often its head was tried and when it is tried next. An instance
//! comes back, and is read from the view, at its time, when something happens to it, or when it is called back: since the breaker of
//! one of its endpoints closed, since that is to be probed, or since it is gone.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    ops::Bound,
};

use berth_proto::{EndpointId, InstanceId, Timestamp};

use super::{InLane, LaneKey};
use crate::dispatch::turns::Why;

/// Lanes of instances that are away at most, of 40 bytes each; the others stay in memory.
const LANES_MAX: usize = 4_000_000;
/// Instances that are looked at at once for endpoints that are called back.
const LOOKED_AT_ONCE: usize = 1_024;
/// No moment.
pub(super) const NEVER: Timestamp = Timestamp(i64::MAX);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Away {
    absences: BTreeMap<InstanceId, Absence>,
    /// The same by when each comes back; without those that are to be read. What only waits for its turn stands behind the others.
    turns: BTreeSet<(bool, Timestamp, InstanceId)>,
    /// Notices of all of them.
    notices: usize,
    /// Lanes of all of them.
    lanes: usize,
    calls: Calls,
}

/// What is remembered of an instance that is away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Absence {
    /// When it comes back for what is due then, or is to be probed; [`NEVER`] if all that it is owed waits for its turn.
    pub(super) until: Timestamp,
    /// When it comes back for what waited for its turn and made room for others, where there is room; [`NEVER`] without such.
    pub(super) stuck_until: Timestamp,
    /// When that happened of which its endpoints wait longest to be told, if it is to be sent.
    pub(super) oldest: Option<Timestamp>,
    /// Notices that it is owed.
    pub(super) notices: u32,
    /// Whether something happened to it since, so that the gate is to be asked about all that it is owed.
    pub(super) is_touched: bool,
    pub(super) heads: Box<[Head]>,
}

/// The oldest notice of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) endpoint: EndpointId,
    pub(super) version: u64,
    /// When it may be tried.
    pub(super) due: Timestamp,
    pub(super) ordinal: u16,
    /// Attempts that were made.
    pub(super) attempts: u16,
    pub(super) codes: bool,
    /// Whether it waits to be fetched, not to be sent.
    pub(super) is_kept: bool,
    /// What it waited for when it went.
    pub(super) why: Why,
}

/// Endpoints whose instances are called back, a part of the instances at a time.
#[derive(Debug, Default)]
struct Calls {
    /// What is looked for.
    called: BTreeMap<EndpointId, Call>,
    /// What came to be looked for since that began.
    next: BTreeMap<EndpointId, Call>,
    /// The last instance that was looked at; none before the first.
    looked_at: Option<InstanceId>,
    /// Who waits longest of those that were looked at, of which one is called.
    longest: BTreeMap<EndpointId, (Timestamp, InstanceId)>,
}

/// Who is called back, of those that wait for an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Call {
    /// The one that waits longest, which finds out whether it takes something again.
    One,
    /// All: they can be sent.
    All,
    /// All: the gate is to be asked about them.
    Touched,
}

// === impl Away ===

impl Away {
    /// Whether one more with so many lanes finds room.
    pub(super) const fn has_room(&self, lanes: usize) -> bool {
        self.lanes + lanes <= LANES_MAX
    }

    pub(super) fn has(&self, instance: InstanceId) -> bool {
        self.absences.contains_key(&instance)
    }

    pub(super) fn put(&mut self, instance: InstanceId, absence: Absence) {
        self.take(instance);
        self.notices += absence.notices as usize;
        self.lanes += absence.heads.len();
        self.turns.extend(absence.turns(instance));
        self.absences.insert(instance, absence);
    }

    /// It is not away any more.
    pub(super) fn take(&mut self, instance: InstanceId) -> Option<Absence> {
        let absence = self.absences.remove(&instance)?;
        self.notices -= absence.notices as usize;
        self.lanes -= absence.heads.len();
        for turn in absence.turns(instance) {
            self.turns.remove(&turn);
        }
        Some(absence)
    }

    /// One that comes back by now: it is to be read. `stuck`: whether it may be one that waits for its turn.
    pub(super) fn next(&mut self, now: Timestamp, stuck: bool) -> Option<InstanceId> {
        let is_due = |turn: &&(bool, Timestamp, InstanceId)| turn.1 <= now;
        let turn = self.firsts(stuck).find(is_due).copied()?;
        self.turns.remove(&turn);
        Some(turn.2)
    }

    /// When the next one comes back.
    pub(super) fn wake_at(&self, stuck: bool) -> Option<Timestamp> {
        self.firsts(stuck).map(|(_, until, _)| *until).min()
    }

    /// The next one of those that are not stuck, and of those that are.
    fn firsts(&self, stuck: bool) -> impl Iterator<Item = &(bool, Timestamp, InstanceId)> {
        let first = self.turns.first().filter(|(is_stuck, ..)| !is_stuck);
        let of_stuck = (true, Timestamp(i64::MIN), InstanceId::from_bytes([0; 16]))..;
        first.into_iter().chain(self.turns.range(of_stuck).next().filter(|_| stuck))
    }

    /// Something happened to one: the gate is to be asked when it is back. `by`: it comes back by then.
    pub(super) fn touch(&mut self, instance: InstanceId, by: Timestamp) {
        if let Some(absence) = self.absences.get_mut(&instance) {
            absence.is_touched = true;
            hasten(&mut self.turns, instance, absence, by);
        }
    }

    /// What waits for an endpoint to be sent is due now. Gives how many heads were not.
    pub(super) fn hurry(&mut self, instance: InstanceId, endpoint: EndpointId, now: Timestamp) -> usize {
        let Some(absence) = self.absences.get_mut(&instance) else { return 0 };
        let mut hurried = 0;
        for head in absence.heads.iter_mut().filter(|head| head.endpoint == endpoint && !head.is_kept) {
            hurried += usize::from(head.due > now);
            head.due = head.due.min(now);
        }
        hasten(&mut self.turns, instance, absence, now);
        hurried
    }

    /// After a clock that went back everything that waits to be sent is due.
    pub(super) fn follow_clock(&mut self, now: Timestamp) {
        for (instance, absence) in &mut self.absences {
            for head in absence.heads.iter_mut().filter(|head| !head.is_kept) {
                head.due = head.due.min(now);
            }
            hasten(&mut self.turns, *instance, absence, now);
        }
    }

    /// Instances that wait for an endpoint are called back.
    pub(super) fn call(&mut self, endpoint: EndpointId, call: Call) {
        let calls =
            if self.calls.looked_at.is_none() { &mut self.calls.called } else { &mut self.calls.next };
        let called = calls.entry(endpoint).or_insert(call);
        *called = (*called).max(call);
    }

    /// Whether some are still called back.
    pub(super) fn calls(&self) -> bool {
        !self.calls.called.is_empty()
    }

    /// Goes on with that. Gives endpoints of which one was called and none is away.
    pub(super) fn go_on(&mut self, now: Timestamp) -> Vec<EndpointId> {
        let Calls { called, next, looked_at, longest } = &mut self.calls;
        let from = looked_at.map_or(Bound::Unbounded, Bound::Excluded);
        let mut left = LOOKED_AT_ONCE;
        for (instance, absence) in self.absences.range_mut((from, Bound::Unbounded)).take(LOOKED_AT_ONCE) {
            (*looked_at, left) = (Some(*instance), left - 1);
            let mut is_called = false;
            for head in &mut absence.heads {
                match called.get(&head.endpoint) {
                    Some(Call::One) if head.why == Why::Held => {
                        let first = longest.entry(head.endpoint).or_insert((head.due, *instance));
                        *first = (*first).min((head.due, *instance));
                    }
                    Some(Call::All) if head.why == Why::Held => {
                        // A breaker that closed counts it no more.
                        (head.why, is_called) = (Why::Due, true);
                    }
                    Some(Call::Touched) => (absence.is_touched, is_called) = (true, true),
                    Some(Call::One | Call::All) | None => {}
                }
            }
            if is_called {
                hasten(&mut self.turns, *instance, absence, now);
            }
        }
        if left == 0 {
            return Vec::new();
        }
        *looked_at = None;
        let (over, longest) = (mem::replace(called, mem::take(next)), mem::take(longest));
        for (_, instance) in longest.values() {
            if let Some(absence) = self.absences.get_mut(instance) {
                hasten(&mut self.turns, *instance, absence, now);
            }
        }
        let is_nowhere =
            |(endpoint, call): &(EndpointId, Call)| *call == Call::One && !longest.contains_key(endpoint);
        over.into_iter().filter(is_nowhere).map(|(endpoint, _)| endpoint).collect()
    }

    /// Forgets instances that are another owner's.
    pub(super) fn forget(&mut self, is_gone: impl Fn(InstanceId) -> bool) -> Vec<Absence> {
        let gone: Vec<_> = self.absences.keys().copied().filter(|instance| is_gone(*instance)).collect();
        gone.into_iter().filter_map(|instance| self.take(instance)).collect()
    }

    /// Notices of all of them.
    pub(super) const fn notices(&self) -> usize {
        self.notices
    }

    /// When that happened of which somebody waits longest to be told. Looks at all of them.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.absences.values().filter_map(|absence| absence.oldest).min()
    }
}

// === impl Absence ===

impl Absence {
    fn turns(&self, instance: InstanceId) -> impl Iterator<Item = (bool, Timestamp, InstanceId)> {
        let turns = [(false, self.until, instance), (true, self.stuck_until, instance)];
        turns.into_iter().filter(|(_, until, _)| *until != NEVER)
    }

    /// A notice, if it is the head of a lane.
    pub(super) fn head(&self, endpoint: EndpointId, at: InLane) -> Option<&Head> {
        self.heads.iter().find(|head| head.endpoint == endpoint && (head.version, head.ordinal) == at)
    }
}

// === impl Head ===

impl Head {
    /// Its lane.
    pub(super) const fn lane(&self, instance: InstanceId) -> LaneKey {
        LaneKey { instance, endpoint: self.endpoint, codes: self.codes }
    }
}

/// One comes back at a moment, or before, whatever it waited for.
fn hasten(
    turns: &mut BTreeSet<(bool, Timestamp, InstanceId)>,
    instance: InstanceId,
    absence: &mut Absence,
    at: Timestamp,
) {
    if at < absence.until {
        turns.remove(&(false, absence.until, instance));
        absence.until = at;
        turns.insert((false, at, instance));
    }
}
