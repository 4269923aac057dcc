//! How much of something that lasts an account may have at one gateway, and all together.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use berth_proto::AccountId;

/// What is taken.
#[derive(Debug)]
pub(crate) struct Seats {
    /// How many an account may have.
    of_account_max: usize,
    /// How many there are.
    max: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    of: HashMap<AccountId, usize>,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Arc<Seats>,
    account: AccountId,
}

impl Seats {
    /// So many, and so many of them for each account.
    pub(crate) fn new(max: usize, of_account_max: usize) -> Arc<Self> {
        Arc::new(Self { of_account_max, max, taken: Mutex::default() })
    }

    /// A place for one more of an account, if there is one.
    pub(crate) fn take(self: &Arc<Self>, account: AccountId) -> Option<Seat> {
        let mut taken = self.taken();
        if taken.all >= self.max || taken.of.get(&account).is_some_and(|of| *of >= self.of_account_max) {
            return None;
        }
        taken.all += 1;
        *taken.of.entry(account).or_default() += 1;
        Some(Seat { seats: Arc::clone(self), account })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        taken.all = taken.all.saturating_sub(1);
        if let Some(count) = taken.of.get_mut(&self.account) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.of.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_is_free_again_when_what_had_it_is_gone() {
        let seats = Seats::new(5, 3);
        let [ours, theirs] = [1, 2].map(|byte| AccountId::from_bytes([byte; 16]));
        let mut taken: Vec<Seat> = std::iter::from_fn(|| seats.take(ours)).collect();
        assert_eq!(taken.len(), 3, "as many as an account may have");
        taken.pop();
        taken.push(seats.take(ours).expect("the one that was given back"));
        let others: Vec<Seat> = std::iter::from_fn(|| seats.take(theirs)).collect();
        assert_eq!(others.len(), 2, "as many as there are");
        drop((taken, others));
        let left = seats.taken();
        assert!(left.all == 0 && left.of.is_empty(), "nothing is left of accounts that have none");
    }
}
