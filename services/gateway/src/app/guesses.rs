//! A bound for guesses: how often an address may ask for tokens and numbers that do not exist.
//!
//! In this process only, so that a guess costs the deployment nothing. Whatever this gateway remembers is not
//! looked up and so never refused: others behind the same address go on working.

use std::{
    net::IpAddr,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use lru::LruCache;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};

use super::{failure::Failure, names::address_bucket};

/// Failed look-ups of an address at once; what it may do after a pause of [`FULL_AFTER`].
const BURST: u32 = 300;
/// The time in which an address earns another failed look-up: 120 a minute.
const EARNED_EACH: Duration = Duration::from_millis(500);
/// The time in which a whole burst is earned.
const FULL_AFTER: Duration = EARNED_EACH.saturating_mul(BURST);
/// Look-ups of an address that run at once: few beside the burst, so that many right tokens at a time, as a gateway
/// meets that was just started behind a proxy, do not use it up before the first of them is found.
const AT_ONCE_MAX: usize = 32;
/// How long a look-up waits for its turn.
const TURN_WAIT_MAX: Duration = Duration::from_secs(2);
/// Addresses that are remembered, the last ones: about 200 bytes each.
const ADDRESSES_MAX: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();

/// What each address has left.
#[derive(Debug)]
pub(super) struct Guesses {
    /// Written by every look-up of an unknown token; a `/64` counts as one address.
    known: Mutex<LruCache<String, Address>>,
}

#[derive(Debug)]
struct Address {
    /// When it has earned its whole burst again.
    full_at: Instant,
    turns: Arc<Semaphore>,
}

/// A look-up that is counted as failed: it may run. Dropped, also because its client is gone, it stays counted.
#[derive(Debug)]
pub(super) struct Guess<'a> {
    guesses: &'a Guesses,
    /// None if the address of the client is not known: then nothing is counted.
    of: Option<(String, OwnedSemaphorePermit)>,
}

impl Guesses {
    pub(super) fn new() -> Self {
        Self { known: Mutex::new(LruCache::new(ADDRESSES_MAX)) }
    }

    /// Counts a look-up before it runs. [`Failure::Limited`] if the address has no failed one left.
    pub(super) async fn begin(&self, from: Option<IpAddr>) -> Result<Guess<'_>, Failure> {
        let Some(address) = from.map(address_bucket) else { return Ok(Guess { guesses: self, of: None }) };
        let turns = self.with(&address, |address| address.left().map(|()| Arc::clone(&address.turns)))?;
        let turn = timeout(TURN_WAIT_MAX, turns.acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            return Err(Failure::unavailable("the directory", "too many look-ups of one address wait"));
        };
        self.with(&address, Address::count)?;
        Ok(Guess { guesses: self, of: Some((address, turn)) })
    }

    fn with<T>(&self, address: &str, change: impl FnOnce(&mut Address) -> T) -> T {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(address) = known.get_mut(address) {
            return change(address);
        }
        change(known.get_or_insert_mut(address.to_owned(), Address::new))
    }
}

impl Address {
    fn new() -> Self {
        Self { full_at: Instant::now(), turns: Arc::new(Semaphore::new(AT_ONCE_MAX)) }
    }

    /// [`Failure::Limited`] if it has no failed look-up left.
    fn left(&self) -> Result<(), Failure> {
        let owed = self.full_at.saturating_duration_since(Instant::now()) + EARNED_EACH;
        match owed.checked_sub(FULL_AFTER).filter(|wait| !wait.is_zero()) {
            None => Ok(()),
            Some(wait) => {
                let seconds = wait.as_millis().div_ceil(1_000);
                Err(Failure::Limited { retry_after_seconds: u32::try_from(seconds).unwrap_or(u32::MAX) })
            }
        }
    }

    fn count(&mut self) -> Result<(), Failure> {
        self.left()?;
        self.full_at = self.full_at.max(Instant::now()) + EARNED_EACH;
        Ok(())
    }
}

impl Guess<'_> {
    /// Gives the look-up back: it found somebody, or nothing could be looked up.
    pub(super) fn give_back(self) {
        let Some((address, _turn)) = &self.of else { return };
        self.guesses.with(address, |address| {
            address.full_at = address.full_at.checked_sub(EARNED_EACH).unwrap_or(address.full_at);
        });
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use tokio::time::{advance, sleep};

    use super::*;

    const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

    /// Looks up what nobody has; the seconds to wait if that is not allowed.
    async fn wrong(guesses: &Guesses, from: Option<IpAddr>) -> Option<u32> {
        match guesses.begin(from).await {
            Err(Failure::Limited { retry_after_seconds }) => Some(retry_after_seconds),
            Err(failure) => panic!("{failure}"),
            Ok(_) => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_has_a_burst_and_earns_more_with_time() {
        let guesses = Guesses::new();
        for _ in 0..BURST {
            assert_eq!(wrong(&guesses, HERE).await, None);
        }
        assert_eq!(wrong(&guesses, HERE).await, Some(1));
        assert_eq!(wrong(&guesses, "2001:db8::1".parse().ok()).await, None, "another address has its own");
        advance(EARNED_EACH).await;
        assert_eq!(wrong(&guesses, HERE).await, None);
        assert_eq!(wrong(&guesses, HERE).await, Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_are_looked_up_if_all_come_at_once() {
        let guesses = Guesses::new();
        let begun = (0..3_000).map(|_| async {
            let guess = guesses.begin(HERE).await;
            // What the log takes for its answer: all others have begun by then.
            sleep(Duration::from_micros(100)).await;
            guess.is_ok()
        });
        let looked_up = join_all(begun).await.into_iter().filter(|looked_up| *looked_up).count();
        assert_eq!(looked_up, BURST as usize);
    }

    #[tokio::test(start_paused = true)]
    async fn one_whose_client_went_away_stays_counted() {
        let guesses = Guesses::new();
        for _ in 0..BURST {
            let looking_up = async {
                let guess = guesses.begin(HERE).await.expect("allowed");
                // The log does not answer, and the client does not wait.
                sleep(TURN_WAIT_MAX * 2).await;
                guess.give_back();
            };
            assert!(timeout(Duration::from_micros(100), looking_up).await.is_err());
        }
        assert_eq!(wrong(&guesses, HERE).await, Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn right_ones_use_nothing_up_however_many_come_at_once() {
        let guesses = Guesses::new();
        let right = (0..3_000).map(|_| async {
            let guess = guesses.begin(HERE).await.expect("allowed");
            sleep(Duration::from_micros(100)).await;
            guess.give_back();
        });
        join_all(right).await;
        for _ in 0..BURST {
            assert_eq!(wrong(&guesses, HERE).await, None);
        }
        assert_eq!(wrong(&guesses, HERE).await, Some(1));
    }
}
