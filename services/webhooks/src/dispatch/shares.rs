//! Who is next: lanes whose head is due take turns, under shares of the attempts that may run; pure.
//!
//! An endpoint that never answers holds an attempt for as long as an attempt may take, and there are only so many.
//! So first tries and later ones have budgets of their own (R20), and within each:
//!
//! - A **place** (scheme, host and port) that does not answer has at most [`PLACE_SILENT_MAX`] attempts over both
//!   budgets; one that answers may have more, up to [`PLACE_ANSWERING_MAX`], once it has answered lately.
//! - An **account** may start one more attempt at places that answer while it has fewer of these under way than are
//!   left free, and one more at places that do not while it has fewer of those than half of what is left free. So one
//!   account fills half of a budget at most with the ones, a third with the others, and three fifths with both; there
//!   is always room for one that has nothing under way, and an account's places that answer wait for no others.
//! - The account with the fewest attempts of its kind goes first, then the one that waits for its turn longest; within
//!   it the place that waits for its turn longest; within that the lane that is due longest.
//!
//! Whoever is next is found in O(log n). A place that is full is set aside for each account once, when it is met, and
//! comes back when it has room.

mod budget;

use std::collections::{BTreeSet, HashMap};

use berth_proto::{AccountId, Hash, Timestamp};

use self::budget::{Budget, Flow, Load};
use super::lane::LaneKey;

/// First tries that run at once.
const FIRST_MAX: usize = 384;
/// Later tries that run at once.
const LATER_MAX: usize = 128;
/// Attempts at once at a place that does not answer, or that nothing is known of.
pub(super) const PLACE_SILENT_MAX: usize = 16;
/// Attempts at once at a place that answers: it may stop doing so at any moment.
const PLACE_ANSWERING_MAX: usize = 192;
/// How long after an answer so many may begin; less than an address is taken for one that answers. After that the first ones show
/// whether it still does: so many would find no room there, and come back seconds later.
const ANSWERED_LATELY_MICROS: i64 = 8_000_000;
/// A place that answers does so within this time: while one attempt has waited longer, no more are added.
const PATIENCE_MICROS: i64 = 2_000_000;
/// Which part of what is free an account may have under way at places that do not answer: a half.
const SILENT_PART: usize = 2;
/// Places without an attempt whose answering is remembered.
const REMEMBERED_MAX: usize = 65_536;

/// Where attempts go: a digest of scheme, host and port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place([u8; 16]);

/// Whose attempts go where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Destination {
    /// The account of the instance.
    pub(crate) account: AccountId,
    /// The place of the endpoint.
    pub(crate) place: Place,
}

/// Which budget an attempt is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Try {
    /// The notice was never tried.
    First,
    /// It was.
    Later,
}

/// What an attempt occupies, from its turn until it is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) of: Try,
    pub(crate) to: Destination,
    /// Whether the place answered when the attempt had its turn; of what waits this says nothing.
    pub(crate) voice: Voice,
}

/// What a place is known to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Voice {
    /// It does not answer, or was never heard of.
    #[default]
    Silent,
    /// It answers.
    Answering,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Shares {
    first: Budget,
    later: Budget,
    places: HashMap<Place, Load>,
    /// Turns given so far.
    turn: u64,
}

// === impl Place ===

impl Place {
    /// The place of an origin, `scheme://host:port`.
    pub(crate) fn of(origin: &str) -> Self {
        let Hash(hash) = Hash::over(b"berth.v1.place", &[origin.as_bytes()]);
        let mut place = [0; 16];
        place.copy_from_slice(hash.split_at(16).0);
        Self(place)
    }
}

// === impl Shares ===

impl Default for Shares {
    fn default() -> Self {
        Self { first: Budget::new(FIRST_MAX), later: Budget::new(LATER_MAX), places: HashMap::new(), turn: 0 }
    }
}

impl Shares {
    /// A lane waits for its turn from now on.
    pub(crate) fn add(&mut self, slot: Slot, due: Timestamp, lane: LaneKey) {
        let Slot { of, to: Destination { account, place }, .. } = slot;
        self.turn += 1;
        let turn = self.turn;
        let load = self.places.get(&place);
        let is_aside = load.is_some_and(|load| load.aside.contains(&(of, account)));
        let voice = load.map(|load| load.voice(due)).unwrap_or_default();
        let budget = self.budget(of);
        let entry = budget.account(account, turn);
        let flow = entry.flows.entry(place).or_insert_with(|| Flow { turn, lanes: BTreeSet::new() });
        flow.lanes.insert((due, lane));
        let turn = flow.turn;
        if !is_aside {
            entry.open(place, turn, voice);
        }
        budget.settle(account);
    }

    /// A lane waits no longer.
    pub(crate) fn remove(&mut self, slot: Slot, due: Timestamp, lane: LaneKey) {
        let Slot { of, to: Destination { account, place }, .. } = slot;
        let budget = self.budget(of);
        let Some(entry) = budget.accounts.get_mut(&account) else { return };
        if let Some(flow) = entry.flows.get_mut(&place) {
            flow.lanes.remove(&(due, lane));
            if flow.lanes.is_empty() {
                entry.flows.remove(&place);
                entry.close(place);
            }
        }
        budget.settle(account);
    }

    /// The lane whose turn it is, and what its attempt occupies: first tries before later ones.
    pub(crate) fn next(&mut self, now: Timestamp) -> Option<(LaneKey, Slot)> {
        self.next_of(Try::First, now).or_else(|| self.next_of(Try::Later, now))
    }

    /// An attempt is over. `answered`: whether an answer came; none if nothing was sent.
    pub(crate) fn give_back(&mut self, slot: Slot, answered: Option<bool>, now: Timestamp) {
        let Slot { of, to: Destination { account, place }, voice } = slot;
        let budget = self.budget(of);
        budget.in_flight = budget.in_flight.saturating_sub(1);
        if let Some(entry) = budget.accounts.get_mut(&account) {
            let in_flight = entry.in_flight.of_mut(voice);
            *in_flight = in_flight.saturating_sub(1);
        }
        budget.settle(account);
        let places = self.places.len();
        let Some(load) = self.places.get_mut(&place) else { return };
        load.in_flight = load.in_flight.saturating_sub(1);
        match answered {
            Some(true) => load.answered_at = Some(now),
            Some(false) => load.answered_at = None,
            None => {}
        }
        if load.in_flight == 0 {
            load.waiting_since = None;
        } else if answered == Some(true) {
            load.waiting_since = Some(now);
        }
        let voice = load.voice(now);
        let mut back = if load.has_room(now) { std::mem::take(&mut load.aside) } else { BTreeSet::new() };
        // What waits for it is of another kind by now, perhaps.
        back.insert((of, account));
        if load.in_flight == 0
            && load.aside.is_empty()
            && (load.answered_at.is_none() || places > REMEMBERED_MAX)
        {
            self.places.remove(&place);
        }
        for (of, account) in back {
            let budget = self.budget(of);
            if let Some(entry) = budget.accounts.get_mut(&account)
                && let Some(turn) = entry.flows.get(&place).map(|flow| flow.turn)
            {
                entry.open(place, turn, voice);
            }
            budget.settle(account);
        }
    }

    fn next_of(&mut self, of: Try, now: Timestamp) -> Option<(LaneKey, Slot)> {
        loop {
            let (id, kind) = self.budget(of).turn_of()?;
            let place = self.budget(of).accounts.get(&id)?.open.of(kind).first()?;
            let load = self.places.entry(place).or_default();
            let voice = load.voice(now);
            if voice != kind || !load.has_room(now) {
                let has_room = load.has_room(now);
                if !has_room {
                    load.aside.insert((of, id));
                }
                self.reorder(of, id, place, has_room.then_some(voice));
                continue;
            }
            if load.in_flight == 0 {
                load.waiting_since = Some(now);
            }
            load.in_flight += 1;
            self.turn += 1;
            let turn = self.turn;
            let budget = self.budget(of);
            budget.in_flight += 1;
            let entry = budget.accounts.get_mut(&id)?;
            *entry.in_flight.of_mut(kind) += 1;
            entry.turn = turn;
            let flow = entry.flows.get_mut(&place)?;
            let (_, lane) = flow.lanes.pop_first()?;
            flow.turn = turn;
            if flow.lanes.is_empty() {
                entry.flows.remove(&place);
                entry.close(place);
            } else {
                entry.open(place, turn, kind);
            }
            budget.settle(id);
            return Some((lane, Slot { of, to: Destination { account: id, place }, voice: kind }));
        }
    }

    /// A flow that was met is of that kind, or is set aside.
    fn reorder(&mut self, of: Try, id: AccountId, place: Place, voice: Option<Voice>) {
        let budget = self.budget(of);
        if let Some(entry) = budget.accounts.get_mut(&id) {
            entry.close(place);
            if let Some(voice) = voice
                && let Some(turn) = entry.flows.get(&place).map(|flow| flow.turn)
            {
                entry.open(place, turn, voice);
            }
        }
        budget.settle(id);
    }

    fn budget(&mut self, of: Try) -> &mut Budget {
        match of {
            Try::First => &mut self.first,
            Try::Later => &mut self.later,
        }
    }

    /// Attempts under way, of first and of later tries.
    pub(crate) const fn in_flight(&self) -> (usize, usize) {
        (self.first.in_flight, self.later.in_flight)
    }
}

#[cfg(test)]
mod tests;
