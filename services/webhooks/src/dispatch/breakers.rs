//! Lanes that wait because the breaker of their endpoint is open (R19); pure.
//!
//! When its time is over, the lane of an endpoint whose head is due for longest tries whether it takes something again: the
//! probe. The others go on waiting until the breaker is closed.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use berth_proto::{EndpointId, InstanceId, Timestamp};

use super::lane::LaneKey;
use crate::schedule::plus;

/// How long it is remembered when an endpoint was changed: longer than an attempt at what it was before takes, and than it
/// takes to hear of that from another replica.
const CHANGED_KEPT: Duration = Duration::from_mins(10);
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
    /// Endpoints that are being probed.
    probed: usize,
    /// When endpoints were changed of late: what was tried before says nothing of them.
    changed: HashMap<EndpointId, Timestamp>,
}

/// An open breaker.
#[derive(Debug)]
struct Broken {
    tried_at: Timestamp,
    until: Timestamp,
    probe: Option<LaneKey>,
    /// Its entry in the turns.
    turn: Option<Timestamp>,
}

// === impl Breakers ===

impl Breakers {
    /// The breaker of an endpoint opened, or stays open, for what was tried at a moment.
    pub(super) fn open(&mut self, endpoint: EndpointId, tried_at: Timestamp, until: Timestamp) {
        if self.changed.get(&endpoint).is_some_and(|changed_at| tried_at < *changed_at) {
            return;
        }
        let broken =
            self.open.entry(endpoint).or_insert_with(|| Broken { tried_at, until, probe: None, turn: None });
        (broken.tried_at, broken.until) = (tried_at, until);
        self.index(endpoint);
    }

    /// It closed: gives the lanes that waited.
    pub(super) fn close(&mut self, endpoint: EndpointId) -> Vec<LaneKey> {
        let Some(broken) = self.open.remove(&endpoint) else { return Vec::new() };
        if let Some(turn) = broken.turn {
            self.turns.remove(&(turn, endpoint));
        }
        self.probed -= usize::from(broken.probe.is_some());
        std::iter::from_fn(|| self.pop(endpoint)).map(|(_, lane)| lane).collect()
    }

    /// Whether a lane has to wait: others of its endpoint do, and it does not probe.
    pub(super) fn holds(&self, lane: LaneKey) -> bool {
        self.open.get(&lane.endpoint).is_some_and(|broken| broken.probe != Some(lane))
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
        let (_, endpoint) = self.turns.first().copied().filter(|(until, _)| *until <= now)?;
        let (due, lane) = self.pop(endpoint)?;
        self.probes(lane);
        Some((due, lane))
    }

    /// Whether a lane probes.
    pub(super) fn is_probe(&self, lane: LaneKey) -> bool {
        self.open.get(&lane.endpoint).is_some_and(|broken| broken.probe == Some(lane))
    }

    /// A lane probes.
    pub(super) fn probes(&mut self, lane: LaneKey) {
        if let Some(broken) = self.open.get_mut(&lane.endpoint) {
            self.probed += usize::from(broken.probe.replace(lane).is_none());
            self.index(lane.endpoint);
        }
    }

    /// A lane does not probe any more. `rests_until`: nothing else probes before that, or before it is known what came of it.
    pub(super) fn ended(&mut self, lane: LaneKey, rests_until: Option<Timestamp>) {
        if let Some(broken) = self.open.get_mut(&lane.endpoint).filter(|broken| broken.probe == Some(lane)) {
            broken.probe = None;
            self.probed -= 1;
            broken.until = broken.until.max(rests_until.unwrap_or(broken.until));
            self.index(lane.endpoint);
        }
    }

    /// An endpoint may be probed now.
    pub(super) fn hurry(&mut self, endpoint: EndpointId, now: Timestamp) {
        if let Some(broken) = self.open.get_mut(&endpoint) {
            broken.until = broken.until.min(now);
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
        (self.turns.len() + self.probed, self.lanes.len())
    }

    /// The lane of an endpoint that waits for longest.
    fn first(&self, endpoint: EndpointId) -> Option<(EndpointId, Timestamp, InstanceId, bool)> {
        let begin = (endpoint, Timestamp(i64::MIN), InstanceId::from_bytes([0; 16]), false);
        self.lanes.range(begin..).next().copied().filter(|(of, ..)| *of == endpoint)
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
        let turn = (broken.probe.is_none() && waits).then_some(broken.until);
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
