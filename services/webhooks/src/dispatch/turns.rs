//! Whose turn it is: where each lane with an idle head stands; pure.
//!
//! ```text
//! idle ── due ──▶ unknown ── where it leads is found out ──▶ idle
//!           ├───▶ held, while the breaker of its endpoint is open
//!           ├───▶ paced, while its endpoint has as much as it asked for
//!           └───▶ ready, under the shares ── its turn ──▶ tried
//! ```

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use berth_proto::{EndpointId, InstanceId, Timestamp};

use super::{
    breakers::Breakers,
    lane::{Indexed, Lane, LaneKey, Waiting},
    paces::{Bounds, Paces},
    shares::{Destination, Shares, Slot, Try, Voice},
};
use crate::{health::Open, schedule::plus};

/// Attempts at once that only find out where a lane leads. They end at our own stores, which no receiver holds up.
const LOOK_UPS_MAX: usize = 64;
/// Lanes that become ready before one is given its turn, so that a million that are due at once hold nothing up.
const RIPEN_MAX: usize = 64;
/// Endpoints of which it is remembered where they lead.
const KNOWN_MAX: usize = 262_144;
/// What has waited here so long for its turn goes away where there is no room …
const PATIENCE: Duration = Duration::from_secs(2);
/// … for so long.
const STUCK_REST: Duration = Duration::from_secs(10);
/// How long a lane is away at most that waits for its endpoint, which others probe: it is called back when the breaker closes.
const HELD_REST: Duration = Duration::from_mins(30);
/// How long nothing else probes an endpoint while it is not known yet what came of one probe.
const PROBE_REST: Duration = Duration::from_secs(1);

/// All lanes.
pub(super) type Lanes = BTreeMap<LaneKey, Lane>;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Lanes whose head is idle, by when it is due.
    idle: BTreeSet<(Timestamp, LaneKey)>,
    /// Lanes whose head is due and of which it is not known where they lead.
    unknown: BTreeSet<(Timestamp, LaneKey)>,
    /// Lanes whose head is due and whose endpoint is left alone.
    breakers: Breakers,
    /// Lanes whose head is due and whose endpoint asked for no more now.
    paces: Paces,
    /// Lanes whose head is due and waits for its turn.
    shares: Shares,
    /// Where endpoints led when they were last looked at.
    known: HashMap<(InstanceId, EndpointId), Destination>,
    /// Attempts that find out where a lane leads.
    look_ups: usize,
}

/// A turn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    pub(super) lane: LaneKey,
    /// What its attempt occupies; none if that is to find out where it leads.
    pub(super) slot: Option<Slot>,
    /// What its endpoint is known to ask for.
    pub(super) bounds: Bounds,
    /// Whether it tries whether the endpoint takes something again.
    pub(super) probe: bool,
}

/// A time in which nothing is to be done for a lane.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rest {
    pub(super) until: Timestamp,
    pub(super) why: Why,
}

/// What a lane waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The moment at which its head may be tried.
    Due,
    /// The breaker of its endpoint.
    Held,
    /// Its turn.
    Stuck,
}

// === impl Turns ===

impl Turns {
    /// The lane whose turn it is.
    pub(super) fn next(&mut self, lanes: &mut Lanes, now: Timestamp) -> Option<Turn> {
        while let Some((due, lane_key)) = self.paces.next(now) {
            if let Some(lane) = lanes.get_mut(&lane_key) {
                self.admitted(lane_key, lane, (due, now));
            }
        }
        self.ripen(lanes, now);
        while let Some((due, lane_key)) = self.breakers.next_probe(now) {
            if let Some(lane) = lanes.get_mut(&lane_key) {
                self.ready(lane_key, lane, (due, now));
            }
        }
        loop {
            let (lane_key, slot) = match self.unknown.first() {
                Some((_, lane_key)) if self.look_ups < LOOK_UPS_MAX => (*lane_key, None),
                _ => self.shares.next(now).map(|(lane_key, slot)| (lane_key, Some(slot)))?,
            };
            let lane = lanes.get_mut(&lane_key)?;
            if !self.is_held(lane_key, lane) {
                if let Some(slot) = slot
                    && !self.paces.lets_begin(lane_key, now)
                {
                    // It was ready before its endpoint asked for less.
                    self.shares.give_back(slot, None, now);
                    let due = lane.indexed.as_ref().map_or(now, Indexed::due);
                    self.pace(lane_key, lane, (due, now));
                    continue;
                }
                let bounds = self.paces.of(lane_key.endpoint);
                match slot {
                    // Taken out of the shares already.
                    Some(_) => {
                        lane.indexed = None;
                        self.paces.begins(lane_key, now);
                    }
                    None => self.look_ups += 1,
                }
                return Some(Turn { lane: lane_key, slot, bounds, probe: self.breakers.is_probe(lane_key) });
            }
            // It was ready before the breaker opened.
            let due = lane.indexed.as_ref().map_or(now, Indexed::due);
            match slot {
                Some(slot) => {
                    self.shares.give_back(slot, None, now);
                    self.paces.leaves(lane_key);
                }
                None => drop(self.unknown.remove(&(due, lane_key))),
            }
            self.hold(lane_key, lane, due);
        }
    }

    /// The turn of a lane has begun, and the lane was placed anew: it is still the probe.
    pub(super) fn began(&mut self, turn: Turn) {
        if turn.probe {
            self.breakers.probes(turn.lane);
        }
    }

    /// A turn is over. `answered`: whether an answer came; none if nothing was sent.
    pub(super) fn give_back(
        &mut self,
        lane: LaneKey,
        slot: Option<Slot>,
        answered: Option<bool>,
        now: Timestamp,
    ) {
        match slot {
            Some(slot) => {
                self.shares.give_back(slot, answered, now);
                self.paces.ended(lane);
            }
            None => self.look_ups = self.look_ups.saturating_sub(1),
        }
        self.breakers.ended(lane, answered.map(|_| plus(now, PROBE_REST)));
    }

    /// Notes where an endpoint leads and what is asked for there: gives the lanes that have to be placed anew.
    pub(super) fn found(
        &mut self,
        lanes: &mut Lanes,
        (instance, endpoint): (InstanceId, EndpointId),
        leads_to: Destination,
        bounds: Bounds,
    ) -> Vec<LaneKey> {
        if self.known.len() >= KNOWN_MAX {
            self.known.clear();
        }
        self.known.insert((instance, endpoint), leads_to);
        let released = self.paces.found(endpoint, bounds);
        out_of_index(lanes, &released);
        released
    }

    /// So many partitions are dispatched here from now on.
    pub(super) fn owns(&mut self, partitions: usize) {
        self.paces.owns(partitions);
    }

    /// Forgets where endpoints led.
    pub(super) fn forget(&mut self, is_gone: impl Fn(InstanceId) -> bool) {
        self.known.retain(|(instance, _), _| !is_gone(*instance));
    }

    /// How long nothing is to be done for a lane; none if something may be at any moment. `is_pressed`: whether what has waited long for
    /// its turn may wait longer.
    pub(super) fn rest_of(
        &self,
        lane_key: LaneKey,
        lane: &Lane,
        (now, is_pressed): (Timestamp, bool),
    ) -> Option<Rest> {
        match lane.indexed.as_ref()? {
            Indexed::Idle(due) if *due > now => Some(Rest { until: *due, why: Why::Due }),
            Indexed::Idle(_) | Indexed::Held(_) if self.is_held(lane_key, lane) => {
                let until = self.breakers.may_be_away(lane_key, (plus(now, HELD_REST), is_pressed))?;
                Some(Rest { until, why: Why::Held })
            }
            Indexed::Unknown(_) | Indexed::Paced(_) | Indexed::Ready(..) if is_pressed => {
                let is_stuck = plus(lane.waits_since, PATIENCE) < now && !self.breakers.is_probe(lane_key);
                is_stuck.then(|| Rest { until: plus(now, STUCK_REST), why: Why::Stuck })
            }
            _ => None,
        }
    }

    /// A lane stands nowhere any more and is away, for that reason. Where one leads that waited for its turn stays known: it comes back
    /// soon, and what is new would have to wait until that was found out of all that did.
    pub(super) fn goes_away(&mut self, lane_key: LaneKey, why: Why) {
        if why != Why::Stuck {
            self.known.remove(&(lane_key.instance, lane_key.endpoint));
        }
        if why == Why::Held {
            self.breakers.goes_away(lane_key.endpoint);
        }
    }

    /// A lane that waited for its breaker is not away any more; or none is.
    pub(super) fn came_back(&mut self, endpoint: EndpointId, all: bool) {
        self.breakers.came_back(endpoint, all);
    }

    /// Whether lanes that wait for the breaker of an endpoint are away.
    pub(super) fn has_away(&self, endpoint: EndpointId) -> bool {
        self.breakers.has_away(endpoint)
    }

    /// Endpoints that are to be probed by a lane that is away.
    pub(super) fn take_called(&mut self) -> Vec<EndpointId> {
        self.breakers.take_called()
    }

    /// The breaker of an endpoint changed: gives the lanes that have to be placed anew.
    pub(super) fn breaker(
        &mut self,
        lanes: &mut Lanes,
        endpoint: EndpointId,
        open: Option<Open>,
    ) -> Vec<LaneKey> {
        if let Some(Open { tried_at, until, .. }) = open {
            self.breakers.open(endpoint, tried_at, until);
            return Vec::new();
        }
        let released = self.breakers.close(endpoint);
        out_of_index(lanes, &released);
        released
    }

    /// An endpoint was changed at that moment. Says whether its breaker is open for what was tried before.
    pub(super) fn changed(&mut self, endpoint: EndpointId, changed_at: Timestamp, now: Timestamp) -> bool {
        self.breakers.changed(endpoint, changed_at, now)
    }

    /// An endpoint may be probed now.
    pub(super) fn hurry(&mut self, endpoint: EndpointId, now: Timestamp) {
        self.breakers.hurry(endpoint, now);
    }

    /// After a clock that went back: any endpoint may be probed now.
    pub(super) fn follow_clock(&mut self, now: Timestamp) {
        self.breakers.hurry_all(now);
        self.paces.follow_clock(now);
    }

    /// When the next head is due, or may probe, that is not known to be due yet.
    pub(super) fn wake_at(&self) -> Option<Timestamp> {
        let due = self.idle.first().map(|(due, _)| *due);
        due.into_iter().chain(self.breakers.wake_at()).chain(self.paces.wake_at()).min()
    }

    /// Attempts under way, of first and of later tries.
    pub(super) const fn in_flight(&self) -> (usize, usize) {
        self.shares.in_flight()
    }

    /// Endpoints that are left alone although something is due, and lanes that wait for that.
    pub(super) fn held(&self) -> (usize, usize) {
        self.breakers.counts()
    }

    /// Puts a lane where its head belongs, which may be tried at that moment; none while nothing of it may.
    pub(super) fn place(&mut self, lane_key: LaneKey, lane: &mut Lane, earliest: Option<Timestamp>) {
        let tried = lane.head().is_some_and(|head| head.attempts > 0);
        // It keeps its place in the order if nothing changed for it.
        let stays = match &lane.indexed {
            Some(Indexed::Idle(due) | Indexed::Unknown(due) | Indexed::Held(due) | Indexed::Paced(due)) => {
                earliest == Some(*due)
            }
            Some(Indexed::Ready(slot, due)) => earliest == Some(*due) && tried == (slot.of == Try::Later),
            None => false,
        };
        if stays {
            return;
        }
        match lane.indexed.take() {
            Some(Indexed::Idle(due)) => drop(self.idle.remove(&(due, lane_key))),
            Some(Indexed::Held(due)) => self.breakers.remove(due, lane_key),
            Some(Indexed::Unknown(due)) => {
                self.unknown.remove(&(due, lane_key));
                self.breakers.ended(lane_key, None);
            }
            Some(Indexed::Paced(due)) => {
                self.paces.remove(due, lane_key);
                self.breakers.ended(lane_key, None);
            }
            Some(Indexed::Ready(slot, due)) => {
                self.shares.remove(*slot, due, lane_key);
                self.paces.leaves(lane_key);
                self.breakers.ended(lane_key, None);
            }
            None => {}
        }
        if let Some(due) = earliest {
            lane.indexed = Some(Indexed::Idle(due));
            self.idle.insert((due, lane_key));
        }
    }

    /// Lanes whose head has become due wait for their turn.
    fn ripen(&mut self, lanes: &mut Lanes, now: Timestamp) {
        for _ in 0..RIPEN_MAX {
            let Some((due, lane_key)) = self.idle.first().copied().filter(|(due, _)| *due <= now) else {
                return;
            };
            self.idle.pop_first();
            let Some(lane) = lanes.get_mut(&lane_key) else { continue };
            if self.is_held(lane_key, lane) {
                self.hold(lane_key, lane, due);
            } else {
                self.ready(lane_key, lane, (due, now));
            }
        }
    }

    /// A lane may be tried as far as its breaker is concerned.
    fn ready(&mut self, lane_key: LaneKey, lane: &mut Lane, (due, now): (Timestamp, Timestamp)) {
        // Finding out where it leads sends nothing.
        let is_known = self.known.contains_key(&(lane_key.instance, lane_key.endpoint));
        if !is_known || self.paces.admit(lane_key, now) {
            return self.admitted(lane_key, lane, (due, now));
        }
        self.pace(lane_key, lane, (due, now));
    }

    /// A lane waits for its turn.
    fn admitted(&mut self, lane_key: LaneKey, lane: &mut Lane, (due, now): (Timestamp, Timestamp)) {
        lane.waits_since = now;
        let tried = lane.head().is_some_and(|head| head.attempts > 0);
        lane.indexed = Some(match self.known.get(&(lane_key.instance, lane_key.endpoint)) {
            Some(to) => {
                let of = if tried { Try::Later } else { Try::First };
                let slot = Slot { of, to: *to, voice: Voice::default() };
                self.shares.add(slot, due, lane_key);
                Indexed::Ready(Box::new(slot), due)
            }
            None => {
                self.paces.leaves(lane_key);
                self.unknown.insert((due, lane_key));
                Indexed::Unknown(due)
            }
        });
    }

    fn is_held(&self, lane_key: LaneKey, lane: &Lane) -> bool {
        self.breakers.holds(lane_key) && lane.head().is_some_and(Waiting::heeds_breakers)
    }

    fn pace(&mut self, lane_key: LaneKey, lane: &mut Lane, (due, now): (Timestamp, Timestamp)) {
        lane.waits_since = now;
        lane.indexed = Some(Indexed::Paced(due));
        self.paces.hold(due, lane_key);
    }

    fn hold(&mut self, lane_key: LaneKey, lane: &mut Lane, due: Timestamp) {
        lane.indexed = Some(Indexed::Held(due));
        self.breakers.hold(due, lane_key);
    }
}

/// Lanes stand nowhere any more.
fn out_of_index(lanes: &mut Lanes, released: &[LaneKey]) {
    for lane in released {
        if let Some(lane) = lanes.get_mut(lane) {
            lane.indexed = None;
        }
    }
}
