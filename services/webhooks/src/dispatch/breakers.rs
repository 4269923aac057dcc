//! Lanes that wait because the breaker of their endpoint is open (R19); pure.
//!
//! When its time is over, the lane of an endpoint whose head is due for longest tries whether it takes something again: the
//! probe. The others go on waiting until the breaker is closed. If all of them are away (see `board::away`) one of them is called back.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use berth_proto::{EndpointId, InstanceId, Timestamp};

use super::lane::LaneKey;
use crate::schedule::{minus, plus};

/// How long it is remembered when an endpoint was changed: longer than an attempt at what it was before takes, and than it
/// takes to hear of that from another replica.
const CHANGED_KEPT: Duration = Duration::from_mins(10);
/// How long an endpoint waits for a lane that was called back, before one is called again.
const CALLED_EACH: Duration = Duration::from_secs(1);
/// How much earlier than its time one comes back that is to probe.
const BACK_BEFORE: Duration = Duration::from_secs(1);
/// Changes that are remembered.
const CHANGED_MAX: usize = 4_096;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Breakers {
    open: HashMap<EndpointId, Broken>,
    /// Lanes that wait, by endpoint and by when their head became due. One set for all: a set of its own for each endpoint
    /// would have room for eleven.
    lanes: BTreeSet<(EndpointId, Timestamp, InstanceId, bool)>,
    /// Endpoints for which something waits and nothing probes, by when a probe may begin.
    turns: BTreeSet<(Timestamp, EndpointId)>,
    /// Endpoints that something waits for or that are being probed.
    waited_for: usize,
    /// Lanes that wait and are away.
    away: usize,
    /// Endpoints for which a lane is to be called back, to probe them.
    called: Vec<EndpointId>,
    /// When endpoints were changed of late: what was tried before says nothing of them.
    changed: HashMap<EndpointId, Timestamp>,
}

/// An open breaker.
#[derive(Debug)]
struct Broken {
    tried_at: Timestamp,
    until: Timestamp,
    /// Boxed, since most are not probed.
    probe: Option<Box<LaneKey>>,
    /// Its entry in the turns.
    turn: Option<Timestamp>,
    /// Its lanes that wait and are away.
    away: u32,
    /// No lane is called back before that.
    calls_from: Timestamp,
    /// Whether something waits for it or it is being probed.
    is_waited_for: bool,
}

// === impl Breakers ===

impl Breakers {
    /// The breaker of an endpoint opened, or stays open, for what was tried at a moment.
    pub(super) fn open(&mut self, endpoint: EndpointId, tried_at: Timestamp, until: Timestamp) {
        if self.changed.get(&endpoint).is_some_and(|changed_at| tried_at < *changed_at) {
            return;
        }
        let broken = self.open.entry(endpoint).or_insert(Broken {
            tried_at,
            until,
            probe: None,
            turn: None,
            away: 0,
            calls_from: until,
            is_waited_for: false,
        });
        (broken.tried_at, broken.until, broken.calls_from) = (tried_at, until, until);
        self.index(endpoint);
    }

    /// It closed: gives the lanes that waited.
    pub(super) fn close(&mut self, endpoint: EndpointId) -> Vec<LaneKey> {
        let Some(broken) = self.open.remove(&endpoint) else { return Vec::new() };
        if let Some(turn) = broken.turn {
            self.turns.remove(&(turn, endpoint));
        }
        self.waited_for -= usize::from(broken.is_waited_for);
        self.away -= broken.away as usize;
        std::iter::from_fn(|| self.pop(endpoint)).map(|(_, lane)| lane).collect()
    }

    /// Whether a lane has to wait: others of its endpoint do, and it does not probe.
    pub(super) fn holds(&self, lane: LaneKey) -> bool {
        self.open.get(&lane.endpoint).is_some_and(|broken| broken.probe.as_deref() != Some(&lane))
    }

    /// An endpoint was changed at that moment. Says whether its breaker is open for what was tried before.
    pub(super) fn changed(&mut self, endpoint: EndpointId, changed_at: Timestamp, now: Timestamp) -> bool {
        if plus(changed_at, CHANGED_KEPT) > now {
            if self.changed.len() >= CHANGED_MAX {
                self.changed.retain(|_, changed_at| plus(*changed_at, CHANGED_KEPT) > now);
            }
            if self.changed.len() < CHANGED_MAX {
                self.changed.insert(endpoint, changed_at);
            }
        }
        self.open.get(&endpoint).is_some_and(|broken| broken.tried_at < changed_at)
    }

    /// A lane waits whose head is due since then.
    pub(super) fn hold(&mut self, due: Timestamp, lane: LaneKey) {
        if self.open.contains_key(&lane.endpoint) {
            self.lanes.insert(entry(due, lane));
            self.index(lane.endpoint);
        }
    }

    /// It does not wait any more.
    pub(super) fn remove(&mut self, due: Timestamp, lane: LaneKey) {
        if self.lanes.remove(&entry(due, lane)) {
            self.index(lane.endpoint);
        }
    }

    /// A lane that probes from now on, and since when its head is due; it does not wait any more.
    pub(super) fn next_probe(&mut self, now: Timestamp) -> Option<(Timestamp, LaneKey)> {
        loop {
            let (_, endpoint) = self.turns.first().copied().filter(|(until, _)| *until <= now)?;
            if let Some((due, lane)) = self.pop(endpoint) {
                self.probes(lane);
                return Some((due, lane));
            }
            self.called.push(endpoint);
            if let Some(broken) = self.open.get_mut(&endpoint) {
                broken.calls_from = plus(now, CALLED_EACH);
            }
            self.index(endpoint);
        }
    }

    /// Endpoints for which a lane is to be called back.
    pub(super) fn take_called(&mut self) -> Vec<EndpointId> {
        std::mem::take(&mut self.called)
    }

    /// Until when a lane that waits may be away, if the breaker does not close before; none if it is to stay: of several that wait for
    /// an endpoint the one that does so for longest is the next to probe it. `later`: when one looks again that need not;
    /// `is_pressed`: whether that one may go, too.
    pub(super) fn may_be_away(
        &self,
        lane: LaneKey,
        (later, is_pressed): (Timestamp, bool),
    ) -> Option<Timestamp> {
        let broken = self.open.get(&lane.endpoint)?;
        let from = self.lanes.range(first_of(lane.endpoint)..);
        let mut waiting = from.take_while(|(of, ..)| *of == lane.endpoint);
        let is_first = waiting
            .next()
            .is_none_or(|(_, _, instance, codes)| (*instance, *codes) == (lane.instance, lane.codes));
        if broken.probe.is_some() || !is_first {
            return Some(later);
        }
        let is_one_of_more = broken.away > 0 || waiting.next().is_some();
        (!is_one_of_more || is_pressed).then(|| minus(broken.until, BACK_BEFORE))
    }

    /// A lane of an endpoint goes away, and waits all the same if its breaker is open.
    pub(super) fn goes_away(&mut self, endpoint: EndpointId) {
        if let Some(broken) = self.open.get_mut(&endpoint) {
            broken.away += 1;
            self.away += 1;
            self.index(endpoint);
        }
    }

    /// One that waited is not away any more; or all, since none was found.
    pub(super) fn came_back(&mut self, endpoint: EndpointId, all: bool) {
        if let Some(broken) = self.open.get_mut(&endpoint) {
            let back = if all { broken.away } else { broken.away.min(1) };
            broken.away -= back;
            self.away -= back as usize;
            self.index(endpoint);
        }
    }

    /// Whether lanes that wait for an endpoint are away.
    pub(super) fn has_away(&self, endpoint: EndpointId) -> bool {
        self.open.get(&endpoint).is_some_and(|broken| broken.away > 0)
    }

    /// Whether a lane probes.
    pub(super) fn is_probe(&self, lane: LaneKey) -> bool {
        self.open.get(&lane.endpoint).is_some_and(|broken| broken.probe.as_deref() == Some(&lane))
    }

    /// A lane probes.
    pub(super) fn probes(&mut self, lane: LaneKey) {
        if let Some(broken) = self.open.get_mut(&lane.endpoint) {
            broken.probe = Some(Box::new(lane));
            self.index(lane.endpoint);
        }
    }

    /// A lane does not probe any more. `rests_until`: nothing else probes before that, or before it is known what came of it.
    pub(super) fn ended(&mut self, lane: LaneKey, rests_until: Option<Timestamp>) {
        if let Some(broken) =
            self.open.get_mut(&lane.endpoint).filter(|broken| broken.probe.as_deref() == Some(&lane))
        {
            broken.probe = None;
            broken.until = broken.until.max(rests_until.unwrap_or(broken.until));
            self.index(lane.endpoint);
        }
    }

    /// An endpoint may be probed now.
    pub(super) fn hurry(&mut self, endpoint: EndpointId, now: Timestamp) {
        if let Some(broken) = self.open.get_mut(&endpoint) {
            broken.until = broken.until.min(now);
            broken.calls_from = broken.calls_from.min(plus(now, CALLED_EACH));
            self.index(endpoint);
        }
    }

    /// After a clock that went back: every moment is of another clock.
    pub(super) fn hurry_all(&mut self, now: Timestamp) {
        let endpoints: Vec<_> = self.open.keys().copied().collect();
        for endpoint in endpoints {
            self.hurry(endpoint, now);
        }
    }

    /// When the next probe may begin.
    pub(super) fn wake_at(&self) -> Option<Timestamp> {
        self.turns.first().map(|(until, _)| *until)
    }

    /// Endpoints that something waits for, and lanes that wait.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.waited_for, self.lanes.len() + self.away)
    }

    /// The lane of an endpoint that waits for longest.
    fn first(&self, endpoint: EndpointId) -> Option<(EndpointId, Timestamp, InstanceId, bool)> {
        self.lanes.range(first_of(endpoint)..).next().copied().filter(|(of, ..)| *of == endpoint)
    }

    /// The same, which waits no more then.
    fn pop(&mut self, endpoint: EndpointId) -> Option<(Timestamp, LaneKey)> {
        let first = self.first(endpoint)?;
        self.lanes.remove(&first);
        let (_, due, instance, codes) = first;
        Some((due, LaneKey { instance, endpoint, codes }))
    }

    fn index(&mut self, endpoint: EndpointId) {
        let waits = self.first(endpoint).is_some();
        let Some(broken) = self.open.get_mut(&endpoint) else { return };
        let turn = match (&broken.probe, waits) {
            (Some(_), _) => None,
            (None, true) => Some(broken.until),
            (None, false) => (broken.away > 0).then(|| broken.until.max(broken.calls_from)),
        };
        let is_waited_for = broken.probe.is_some() || waits || broken.away > 0;
        self.waited_for = self.waited_for + usize::from(is_waited_for) - usize::from(broken.is_waited_for);
        broken.is_waited_for = is_waited_for;
        if turn != broken.turn {
            if let Some(former) = broken.turn {
                self.turns.remove(&(former, endpoint));
            }
            self.turns.extend(turn.map(|turn| (turn, endpoint)));
            broken.turn = turn;
        }
    }
}

/// A lane that waits, as it is kept.
const fn entry(due: Timestamp, lane: LaneKey) -> (EndpointId, Timestamp, InstanceId, bool) {
    (lane.endpoint, due, lane.instance, lane.codes)
}

/// What comes before all lanes of an endpoint that wait.
const fn first_of(endpoint: EndpointId) -> (EndpointId, Timestamp, InstanceId, bool) {
    (endpoint, Timestamp(i64::MIN), InstanceId::from_bytes([0; 16]), false)
}
