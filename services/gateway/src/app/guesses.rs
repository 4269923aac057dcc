//! A bound for guesses: how often an address may ask for tokens and numbers that do not exist.
//!
//! In this process only, so that a guess costs the deployment nothing. Whatever this gateway remembers is not
//! looked up and so never refused: others behind the same address go on working.

use std::{
    net::IpAddr,
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use lru::LruCache;
use tokio::time::Instant;

use super::{failure::Failure, names::address_bucket};

/// Failed look-ups of an address at once; what it may do after a pause of [`FULL_AFTER`].
const BURST: u32 = 300;
/// The time in which an address earns another failed look-up: 120 a minute.
const EARNED_EACH: Duration = Duration::from_millis(500);
/// The time in which a whole burst is earned.
const FULL_AFTER: Duration = EARNED_EACH.saturating_mul(BURST);
/// Addresses that are remembered, the last ones: about 100 bytes each.
const ADDRESSES_MAX: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();

/// What each address has left.
#[derive(Debug)]
pub(super) struct Guesses {
    /// When an address has earned its whole burst again; a `/64` counts as one address.
    full_at: Mutex<LruCache<String, Instant>>,
}

impl Guesses {
    pub(super) fn new() -> Self {
        Self { full_at: Mutex::new(LruCache::new(ADDRESSES_MAX)) }
    }

    /// [`Failure::Limited`] if the address has no failed look-up left. One that is not known is not limited.
    pub(super) fn check(&self, from: Option<IpAddr>) -> Result<(), Failure> {
        let Some(from) = from else { return Ok(()) };
        let full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(full_at) = full_at.peek(&address_bucket(from)).copied() else { return Ok(()) };
        let owed = full_at.saturating_duration_since(Instant::now()) + EARNED_EACH;
        match owed.checked_sub(FULL_AFTER).filter(|wait| !wait.is_zero()) {
            None => Ok(()),
            Some(wait) => {
                let seconds = wait.as_millis().div_ceil(1_000);
                Err(Failure::Limited { retry_after_seconds: u32::try_from(seconds).unwrap_or(u32::MAX) })
            }
        }
    }

    /// A look-up of the address found nothing.
    pub(super) fn failed(&self, from: Option<IpAddr>) {
        let Some(from) = from else { return };
        let now = Instant::now();
        let mut known = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = known.get_or_insert_mut(address_bucket(from), || now);
        // Those that were on their way when the burst was used up do not lengthen the pause.
        *full_at = ((*full_at).max(now) + EARNED_EACH).min(now + FULL_AFTER);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

    fn wait_of(guesses: &Guesses, from: Option<IpAddr>) -> Option<u32> {
        match guesses.check(from) {
            Err(Failure::Limited { retry_after_seconds }) => Some(retry_after_seconds),
            _ => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_has_a_burst_and_earns_more_with_time() {
        let guesses = Guesses::new();
        for _ in 0..BURST {
            assert_eq!(wait_of(&guesses, HERE), None);
            guesses.failed(HERE);
        }
        assert_eq!(wait_of(&guesses, HERE), Some(1));
        assert_eq!(wait_of(&guesses, "2001:db8::1".parse().ok()), None, "another address has its own");
        advance(EARNED_EACH).await;
        assert_eq!(wait_of(&guesses, HERE), None);
        guesses.failed(HERE);
        assert_eq!(wait_of(&guesses, HERE), Some(1));
    }
}
