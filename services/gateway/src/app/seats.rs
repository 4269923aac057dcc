//! How many streams an account may have open at one gateway.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use berth_proto::AccountId;

/// Streams of a whole account that a gateway keeps open for it: each looks at everything that happens.
pub(super) const ACCOUNT_STREAMS_MAX: usize = 512;

/// The streams that are open.
#[derive(Debug, Default)]
pub(super) struct Seats {
    taken: Mutex<HashMap<AccountId, usize>>,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    account: AccountId,
}

impl Seats {
    /// A place for one more stream of an account, if there is one.
    pub(super) fn take(self: &Arc<Self>, account: AccountId) -> Option<Seat> {
        let mut taken = self.taken();
        let count = taken.entry(account).or_default();
        if *count == ACCOUNT_STREAMS_MAX {
            return None;
        }
        *count += 1;
        Some(Seat { seats: Arc::clone(self), account })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<AccountId, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        if let Some(count) = taken.get_mut(&self.account) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_is_free_again_when_its_stream_is_gone() {
        let seats = Arc::new(Seats::default());
        let [ours, theirs] = [1, 2].map(|byte| AccountId::from_bytes([byte; 16]));
        let mut taken: Vec<Seat> = std::iter::from_fn(|| seats.take(ours)).collect();
        assert_eq!(taken.len(), ACCOUNT_STREAMS_MAX);
        let other = seats.take(theirs).expect("a seat of another account");
        taken.pop();
        taken.push(seats.take(ours).expect("the one that was given back"));
        assert!(seats.take(ours).is_none());
        drop((taken, other));
        assert!(seats.taken().is_empty(), "nothing is left of accounts without streams");
    }
}
