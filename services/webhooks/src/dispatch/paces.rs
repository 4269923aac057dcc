//! Lanes that wait because their endpoint asked for no more at once, or in a second (R20); pure.
//!
//! Whoever has no room waits here and not in the shares, where it would hold up others. A lane that has room is admitted to the
//! shares; its endpoint's second begins when its turn does, so that what waits long for its turn does not come in a burst.
//!
//! An endpoint of an account is told by every replica that owns partitions. Each takes its part of the endpoint's bounds, by
//! the partitions that it owns, and may send it one at a time at least.

use std::collections::{BTreeSet, HashMap, HashSet};

use berth_notices::pace::Pace;
use berth_proto::{EndpointId, Timestamp, subject::PARTITIONS};

use super::lane::LaneKey;

/// Endpoints with bounds that are remembered beyond those that something is under way for or waits for.
const PACED_MAX: usize = 65_536;
/// How much earlier than its moment one may begin: a loop that wakes up late catches up.
const EARLY_MICROS_MAX: i64 = 20_000;
/// Microseconds of a second.
const SECOND: i64 = 1_000_000;
/// Before anything began.
const LONG_AGO: Timestamp = Timestamp(0);

/// What an endpoint asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Bounds {
    pace: Pace,
    /// Whether the endpoint hears all instances of an account, so that other replicas may send to it too.
    is_shared: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Paces {
    paced: HashMap<EndpointId, Paced>,
    /// Endpoints that something waits for, by when it may go on. Those that wait for an attempt to end are not among them.
    turns: BTreeSet<(Timestamp, EndpointId)>,
    /// Partitions that this replica owns.
    owned: usize,
}

/// An endpoint with bounds.
#[derive(Debug)]
struct Paced {
    bounds: Bounds,
    /// Lanes that wait for their turn in the shares.
    admitted: HashSet<LaneKey>,
    /// Lanes that are tried.
    tried: HashSet<LaneKey>,
    /// Lanes without room, by when their head became due.
    waiting: BTreeSet<(Timestamp, LaneKey)>,
    /// When the last one was to begin, which may be a little after it did.
    last: Timestamp,
    /// Its entry in the turns.
    turn: Option<Timestamp>,
}

// === impl Bounds ===

impl Bounds {
    /// Those of an endpoint; of one that asks for nothing it does not matter who else sends to it.
    pub(crate) fn of(pace: Pace, is_shared: bool) -> Self {
        if pace.is_bounded() { Self { pace, is_shared } } else { Self::default() }
    }
}

// === impl Paces ===

impl Paces {
    /// What an endpoint is known to have asked for.
    pub(super) fn of(&self, endpoint: EndpointId) -> Bounds {
        self.paced.get(&endpoint).map(|paced| paced.bounds).unwrap_or_default()
    }

    /// Notes what an endpoint asks for. Gives the lanes that wait for nothing any more.
    pub(super) fn found(&mut self, endpoint: EndpointId, bounds: Bounds) -> Vec<LaneKey> {
        if !bounds.pace.is_bounded() {
            let Some(paced) = self.paced.remove(&endpoint) else { return Vec::new() };
            if let Some(turn) = paced.turn {
                self.turns.remove(&(turn, endpoint));
            }
            return paced.waiting.into_iter().map(|(_, lane)| lane).collect();
        }
        if self.paced.len() >= PACED_MAX {
            self.paced.retain(|_, paced| !paced.is_idle());
        }
        let paced = self.paced.entry(endpoint).or_insert_with(|| Paced::new(bounds));
        paced.bounds = bounds;
        self.index(endpoint);
        Vec::new()
    }

    /// This replica owns so many partitions from now on.
    pub(super) fn owns(&mut self, partitions: usize) {
        if self.owned != partitions {
            self.owned = partitions;
            let endpoints: Vec<_> = self.paced.keys().copied().collect();
            for endpoint in endpoints {
                self.index(endpoint);
            }
        }
    }

    /// Whether a lane may wait for its turn; else it is to be held.
    pub(super) fn admit(&mut self, lane: LaneKey, now: Timestamp) -> bool {
        let owned = self.owned;
        let Some(paced) = self.paced.get_mut(&lane.endpoint) else { return true };
        // Whoever waits goes first.
        let has_room = paced.waiting.is_empty() && paced.room_at(owned).is_some_and(|at| at <= now);
        if has_room {
            paced.admitted.insert(lane);
        }
        has_room
    }

    /// Whether the turn of a lane may begin; else it is to be held. What was ready before its endpoint had bounds was not
    /// admitted, and what was admitted before they were lowered may have no room any more.
    pub(super) fn lets_begin(&mut self, lane: LaneKey, now: Timestamp) -> bool {
        let owned = self.owned;
        let Some(paced) = self.paced.get_mut(&lane.endpoint) else { return true };
        if !paced.admitted.contains(&lane) {
            return self.admit(lane, now);
        }
        let begins = paced.lets_begin(owned, now);
        if !begins {
            paced.admitted.remove(&lane);
        }
        begins
    }

    /// A lane waits whose head is due since then.
    pub(super) fn hold(&mut self, due: Timestamp, lane: LaneKey) {
        self.change(lane.endpoint, |paced| {
            paced.waiting.insert((due, lane));
        });
    }

    /// It does not wait any more.
    pub(super) fn remove(&mut self, due: Timestamp, lane: LaneKey) {
        self.change(lane.endpoint, |paced| {
            paced.waiting.remove(&(due, lane));
        });
    }

    /// The next lane that has room by now, and since when its head is due: it is admitted.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<(Timestamp, LaneKey)> {
        let (_, endpoint) = self.turns.first().copied().filter(|(at, _)| *at <= now)?;
        let paced = self.paced.get_mut(&endpoint)?;
        let (due, lane) = paced.waiting.pop_first()?;
        paced.admitted.insert(lane);
        self.index(endpoint);
        Some((due, lane))
    }

    /// A lane that was admitted does not wait for its turn any more.
    pub(super) fn leaves(&mut self, lane: LaneKey) {
        self.change(lane.endpoint, |paced| {
            paced.admitted.remove(&lane);
        });
    }

    /// The turn of a lane begins.
    pub(super) fn begins(&mut self, lane: LaneKey, now: Timestamp) {
        let owned = self.owned;
        self.change(lane.endpoint, |paced| {
            paced.admitted.remove(&lane);
            paced.tried.insert(lane);
            // Those that were admitted when the endpoint asked for more put nothing off for longer than one does.
            let latest = Timestamp(now.0.saturating_add(paced.rest_micros(owned).max(EARLY_MICROS_MAX)));
            paced.last = paced.next_at(owned).max(now).min(latest);
        });
    }

    /// The turn of a lane is over.
    pub(super) fn ended(&mut self, lane: LaneKey) {
        self.change(lane.endpoint, |paced| {
            paced.tried.remove(&lane);
        });
    }

    /// After a clock that went back: every moment is of another clock.
    pub(super) fn follow_clock(&mut self, now: Timestamp) {
        let endpoints: Vec<_> = self.paced.keys().copied().collect();
        for endpoint in endpoints {
            self.change(endpoint, |paced| {
                if paced.last > now {
                    paced.last = LONG_AGO;
                }
            });
        }
    }

    /// When the next one that waits may go on.
    pub(super) fn wake_at(&self) -> Option<Timestamp> {
        self.turns.first().map(|(at, _)| *at)
    }

    fn change(&mut self, endpoint: EndpointId, change: impl FnOnce(&mut Paced)) {
        if let Some(paced) = self.paced.get_mut(&endpoint) {
            change(paced);
            self.index(endpoint);
        }
    }

    fn index(&mut self, endpoint: EndpointId) {
        let Some(paced) = self.paced.get_mut(&endpoint) else { return };
        let turn = if paced.waiting.is_empty() { None } else { paced.room_at(self.owned) };
        if turn != paced.turn {
            if let Some(former) = paced.turn {
                self.turns.remove(&(former, endpoint));
            }
            self.turns.extend(turn.map(|turn| (turn, endpoint)));
            paced.turn = turn;
        }
    }
}

// === impl Paced ===

impl Paced {
    fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            admitted: HashSet::new(),
            tried: HashSet::new(),
            waiting: BTreeSet::new(),
            last: LONG_AGO,
            turn: None,
        }
    }

    /// From when on one more has room; none before another one has begun or ended.
    fn room_at(&self, owned: usize) -> Option<Timestamp> {
        let under_way = self.admitted.len() + self.tried.len();
        if self.at_once_max(owned).is_some_and(|max| under_way >= max) {
            return None;
        }
        // Those that were admitted may all begin at one moment.
        let before = i64::try_from(self.admitted.len()).unwrap_or(i64::MAX);
        let early = EARLY_MICROS_MAX.checked_sub(self.rest_micros(owned).saturating_mul(before))?;
        (early >= 0).then_some(Timestamp(self.next_at(owned).0.saturating_sub(early)))
    }

    /// Whether one that was admitted may begin.
    fn lets_begin(&self, owned: usize, now: Timestamp) -> bool {
        let has_room = self.at_once_max(owned).is_none_or(|max| self.tried.len() < max);
        has_room && self.next_at(owned).0.saturating_sub(EARLY_MICROS_MAX) <= now.0
    }

    /// When the next one is to begin if it does not begin early. Follows what is owned: a replica takes its partitions one by one.
    fn next_at(&self, owned: usize) -> Timestamp {
        Timestamp(self.last.0.saturating_add(self.rest_micros(owned)))
    }

    /// How many may be sent at once from here.
    fn at_once_max(&self, owned: usize) -> Option<usize> {
        let wanted = usize::try_from(self.bounds.pace.concurrency?).unwrap_or(usize::MAX);
        let part = if self.bounds.is_shared { wanted * owned / usize::from(PARTITIONS) } else { wanted };
        Some(part.max(1))
    }

    /// How long after one the next begins here.
    fn rest_micros(&self, owned: usize) -> i64 {
        let Some(rate) = self.bounds.pace.rate else { return 0 };
        let rest = SECOND / i64::from(rate.max(1));
        if !self.bounds.is_shared {
            return rest;
        }
        let owned = i64::try_from(owned.max(1)).unwrap_or(i64::MAX);
        rest.saturating_mul(i64::from(PARTITIONS)) / owned
    }

    fn is_idle(&self) -> bool {
        self.admitted.is_empty() && self.tried.is_empty() && self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use berth_notices::fixtures::at;
    use berth_proto::InstanceId;

    use super::*;

    const ENDPOINT: EndpointId = EndpointId::from_bytes([1; 16]);

    fn lane(number: u8) -> LaneKey {
        LaneKey { instance: InstanceId::from_bytes([number; 16]), endpoint: ENDPOINT, codes: false }
    }

    fn paces(rate: Option<u32>, concurrency: Option<u32>, is_shared: bool) -> Paces {
        let mut paces = Paces::default();
        paces.owns(usize::from(PARTITIONS));
        paces.found(ENDPOINT, Bounds { pace: Pace { rate, concurrency }, is_shared });
        paces
    }

    /// All that waits and has room by then begins.
    fn begin(paces: &mut Paces, now: Timestamp) -> Vec<LaneKey> {
        std::iter::from_fn(|| {
            let (_, lane) = paces.next(now)?;
            paces.begins(lane, now);
            Some(lane)
        })
        .collect()
    }

    /// Ten lanes are due.
    fn ten(paces: &mut Paces) {
        for number in 0..10 {
            if paces.admit(lane(number), at(0)) {
                paces.begins(lane(number), at(0));
            } else {
                paces.hold(at(0), lane(number));
            }
        }
    }

    fn millis(millis: i64) -> Timestamp {
        Timestamp(at(0).0 + millis * 1_000)
    }

    #[test]
    fn no_more_at_once_than_were_asked_for_and_the_oldest_first() {
        let mut paces = paces(None, Some(3), false);
        ten(&mut paces);
        assert_eq!((begin(&mut paces, at(9)), paces.wake_at()), (vec![], None), "three are under way");
        paces.ended(lane(1));
        assert!(!paces.admit(lane(20), at(9)), "whoever waits goes first");
        assert_eq!(begin(&mut paces, at(9)), [lane(3)]);
        // One that waits for its turn has its room until it leaves.
        paces.ended(lane(0));
        let (due, next) = paces.next(at(9)).unwrap();
        assert_eq!((due, next, paces.next(at(9))), (at(0), lane(4), None));
        paces.leaves(next);
        assert_eq!(begin(&mut paces, at(9)), [lane(5)]);
        paces.remove(at(0), lane(6));
        paces.ended(lane(2));
        assert_eq!(begin(&mut paces, at(9)), [lane(7)]);
    }

    #[test]
    fn no_more_in_a_second_than_were_asked_for() {
        let mut paces = paces(Some(4), None, false);
        ten(&mut paces);
        assert_eq!(begin(&mut paces, at(0)), []);
        assert_eq!(paces.wake_at(), Some(millis(230)), "a little early");
        let mut begun = vec![1];
        for quarter in 1..=9 {
            begun.push(begin(&mut paces, millis(quarter * 250)).len());
        }
        assert_eq!(begun, [1; 10]);
        // What was not used is not saved.
        for number in 30..40 {
            paces.hold(at(60), lane(number));
        }
        assert_eq!(begin(&mut paces, at(60)).len(), 1);
        paces.follow_clock(at(-60));
        assert_eq!(begin(&mut paces, at(-60)).len(), 1, "a moment of another clock is not waited for");
    }

    #[test]
    fn what_waits_for_its_turn_does_not_begin_in_a_burst() {
        let mut paces = paces(Some(4), None, false);
        ten(&mut paces);
        // Nothing has a turn for a minute.
        let admitted: Vec<_> = std::iter::from_fn(|| paces.next(at(60))).collect();
        assert_eq!(admitted.len(), 1);
        paces.begins(admitted[0].1, at(120));
        assert_eq!(begin(&mut paces, at(120)), []);
        assert_eq!(begin(&mut paces, millis(120_250)).len(), 1);
    }

    #[test]
    fn a_slower_pace_that_is_found_puts_nothing_off_for_longer_than_one_rest() {
        let mut paces = paces(Some(1_000), None, false);
        let admitted: Vec<_> = (0..100).map(lane).filter(|lane| paces.admit(*lane, at(0))).collect();
        assert_eq!(admitted.len(), 21, "what may begin early, and the one that is due");
        for lane in &admitted[..11] {
            paces.begins(*lane, at(0));
        }
        assert!(!paces.admit(lane(200), at(0)), "by a clock that stands still there is no room for more");
        paces.found(ENDPOINT, Bounds { pace: Pace { rate: Some(1), concurrency: None }, is_shared: false });
        for lane in &admitted[11..] {
            paces.begins(*lane, at(0));
            assert!(paces.paced[&ENDPOINT].last <= at(1));
        }
        paces.hold(at(0), lane(200));
        assert_eq!(
            (begin(&mut paces, millis(1_979)), begin(&mut paces, millis(1_980))),
            (vec![], vec![lane(200)])
        );
    }

    #[test]
    fn what_was_admitted_before_a_bound_was_lowered_waits_for_it_all_the_same() {
        let mut paces = paces(None, Some(10), false);
        let lanes: Vec<_> = (0..10).map(lane).collect();
        assert!(lanes.iter().all(|lane| paces.admit(*lane, at(0))));
        paces.found(ENDPOINT, Bounds { pace: Pace { rate: None, concurrency: Some(2) }, is_shared: false });
        let mut begun = Vec::new();
        for lane in lanes {
            if paces.lets_begin(lane, at(0)) {
                paces.begins(lane, at(0));
                begun.push(lane);
            } else {
                paces.hold(at(0), lane);
            }
        }
        assert_eq!(begun, [lane(0), lane(1)]);
        paces.ended(lane(0));
        assert_eq!(begin(&mut paces, at(0)), [lane(2)]);
        // The same with a rate: one at once, and the next when its time has come.
        paces.found(
            ENDPOINT,
            Bounds { pace: Pace { rate: Some(1_000), concurrency: None }, is_shared: false },
        );
        let admitted: Vec<_> = (20..30).map(lane).filter(|lane| paces.admit(*lane, at(9))).collect();
        assert!(admitted.is_empty(), "others wait");
        let waited = begin(&mut paces, at(9));
        assert_eq!(waited.len(), 7);
        let lanes: Vec<_> = (20..30).map(lane).filter(|lane| paces.admit(*lane, at(10))).collect();
        assert_eq!(lanes.len(), 10);
        paces.found(ENDPOINT, Bounds { pace: Pace { rate: Some(1), concurrency: None }, is_shared: false });
        let begun = lanes.iter().filter(|lane| {
            let begins = paces.lets_begin(**lane, at(10));
            if begins {
                paces.begins(**lane, at(10));
            }
            begins
        });
        assert_eq!(begun.count(), 1);
    }

    #[test]
    fn a_replica_takes_its_part_and_one_at_least() {
        let mut shared = paces(Some(4), Some(8), true);
        shared.owns(usize::from(PARTITIONS) / 2);
        ten(&mut shared);
        assert_eq!(shared.wake_at(), Some(millis(480)));
        let mut only_at_once = paces(None, Some(8), true);
        only_at_once.owns(usize::from(PARTITIONS) / 2);
        ten(&mut only_at_once);
        assert_eq!(only_at_once.paced[&ENDPOINT].tried.len(), 4);
        only_at_once.owns(1);
        for number in 0..4 {
            only_at_once.ended(lane(number));
        }
        assert_eq!(begin(&mut only_at_once, at(0)).len(), 1);
        // One that only this replica sends to has all of it.
        let mut own = paces(None, Some(8), false);
        own.owns(1);
        ten(&mut own);
        assert_eq!(own.paced[&ENDPOINT].tried.len(), 8);
    }

    #[test]
    fn nothing_waits_for_a_bound_that_is_gone() {
        let mut paces = paces(Some(1), None, false);
        ten(&mut paces);
        assert_eq!(paces.of(ENDPOINT).pace.rate, Some(1));
        assert_eq!(paces.found(ENDPOINT, Bounds::default()).len(), 9);
        assert_eq!((paces.of(ENDPOINT), paces.wake_at()), (Bounds::default(), None));
        assert!(paces.admit(lane(0), at(0)));
        paces.ended(lane(0));
    }
}
