//! What shares are counted in: budgets, the accounts in them, the lanes of an account for a place, and its load.

use std::collections::{BTreeSet, HashMap};

use berth_proto::{AccountId, Timestamp};

use super::{
    ANSWERED_LATELY_MICROS, LaneKey, PATIENCE_MICROS, PLACE_ANSWERING_MAX, PLACE_SILENT_MAX, Place,
    SILENT_PART, Try, Voice,
};

/// The order of turns: fewer under way, then longer without a turn.
pub(super) type Rank = (usize, u64);

/// Members by rank.
#[derive(Debug)]
pub(super) struct Ranked<K> {
    pub(super) at: HashMap<K, Rank>,
    pub(super) order: BTreeSet<(Rank, K)>,
}

/// The lanes of an account that wait for one place.
#[derive(Debug, Default)]
pub(super) struct Flow {
    pub(super) turn: u64,
    pub(super) lanes: BTreeSet<(Timestamp, LaneKey)>,
}

/// One of each kind.
#[derive(Debug, Default)]
pub(super) struct Both<T> {
    pub(super) answering: T,
    pub(super) silent: T,
}

#[derive(Debug)]
pub(super) struct Account {
    pub(super) in_flight: Both<usize>,
    pub(super) turn: u64,
    pub(super) flows: HashMap<Place, Flow>,
    /// Flows that wait and are not set aside, by their turns alone; of the kind that their place was of when it was
    /// last looked at.
    pub(super) open: Both<Ranked<Place>>,
}

#[derive(Debug)]
pub(super) struct Budget {
    pub(super) max: usize,
    pub(super) in_flight: usize,
    pub(super) accounts: HashMap<AccountId, Account>,
    /// Accounts with open flows.
    pub(super) ready: Both<Ranked<AccountId>>,
}

#[derive(Debug, Default)]
pub(super) struct Load {
    pub(super) in_flight: usize,
    /// When its last attempt was answered; none if that was not.
    pub(super) answered_at: Option<Timestamp>,
    /// Since when it owes an answer.
    pub(super) waiting_since: Option<Timestamp>,
    /// Who was set aside because it is full.
    pub(super) aside: BTreeSet<(Try, AccountId)>,
}

// === impl Both ===

impl<T> Both<T> {
    pub(super) const fn of(&self, voice: Voice) -> &T {
        match voice {
            Voice::Answering => &self.answering,
            Voice::Silent => &self.silent,
        }
    }

    pub(super) const fn of_mut(&mut self, voice: Voice) -> &mut T {
        match voice {
            Voice::Answering => &mut self.answering,
            Voice::Silent => &mut self.silent,
        }
    }
}

// === impl Ranked ===

impl<K> Default for Ranked<K> {
    fn default() -> Self {
        Self { at: HashMap::new(), order: BTreeSet::new() }
    }
}

impl<K: Copy + Ord + std::hash::Hash> Ranked<K> {
    pub(super) fn put(&mut self, key: K, rank: Rank) {
        self.take(key);
        self.at.insert(key, rank);
        self.order.insert((rank, key));
    }

    pub(super) fn take(&mut self, key: K) {
        if let Some(rank) = self.at.remove(&key) {
            self.order.remove(&(rank, key));
        }
    }

    pub(super) fn first(&self) -> Option<K> {
        self.order.first().map(|(_, key)| *key)
    }

    pub(super) fn first_rank(&self) -> Option<Rank> {
        self.order.first().map(|(rank, _)| *rank)
    }
}

// === impl Account ===

impl Account {
    /// A flow may have its turn.
    pub(super) fn open(&mut self, place: Place, turn: u64, voice: Voice) {
        self.close(place);
        self.open.of_mut(voice).put(place, (0, turn));
    }

    /// A flow may not.
    pub(super) fn close(&mut self, place: Place) {
        self.open.answering.take(place);
        self.open.silent.take(place);
    }

    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.answering == 0 && self.in_flight.silent == 0 && self.flows.is_empty()
    }
}

// === impl Budget ===

impl Budget {
    pub(super) fn new(max: usize) -> Self {
        Self { max, in_flight: 0, accounts: HashMap::new(), ready: Both::default() }
    }

    pub(super) fn account(&mut self, account: AccountId, turn: u64) -> &mut Account {
        self.accounts.entry(account).or_insert_with(|| Account {
            in_flight: Both::default(),
            turn,
            flows: HashMap::new(),
            open: Both::default(),
        })
    }

    /// Puts an account where it belongs after a change.
    pub(super) fn settle(&mut self, id: AccountId) {
        let Some(account) = self.accounts.get(&id) else { return };
        for voice in [Voice::Answering, Voice::Silent] {
            let ready = self.ready.of_mut(voice);
            if account.open.of(voice).first().is_some() {
                ready.put(id, (*account.in_flight.of(voice), account.turn));
            } else {
                ready.take(id);
            }
        }
        if account.is_idle() {
            self.accounts.remove(&id);
        }
    }

    /// The account whose turn it is, and for which kind of places, if there is room for it.
    pub(super) fn turn_of(&self) -> Option<(AccountId, Voice)> {
        let free = self.max.saturating_sub(self.in_flight);
        // Whoever comes after the first in an order has as much under way or more.
        let first = |voice: Voice, parts: usize| {
            let ready = self.ready.of(voice);
            let rank = ready.first_rank().filter(|(in_flight, _)| in_flight * parts < free)?;
            Some((rank, ready.first()?, voice))
        };
        let candidates = [first(Voice::Answering, 1), first(Voice::Silent, SILENT_PART)];
        let (_, id, voice) = candidates.into_iter().flatten().min_by_key(|(rank, ..)| *rank)?;
        Some((id, voice))
    }
}

// === impl Load ===

impl Load {
    pub(super) fn voice(&self, now: Timestamp) -> Voice {
        let in_time = self.waiting_since.is_none_or(|since| now.0 - since.0 < PATIENCE_MICROS);
        if self.answered_at.is_some() && in_time { Voice::Answering } else { Voice::Silent }
    }

    pub(super) fn has_room(&self, now: Timestamp) -> bool {
        let lately = self.answered_at.is_some_and(|at| now.0 - at.0 < ANSWERED_LATELY_MICROS);
        let answers = lately && self.voice(now) == Voice::Answering;
        self.in_flight < if answers { PLACE_ANSWERING_MAX } else { PLACE_SILENT_MAX }
    }
}
