//! How long a login hangs that may have come of an attempt which is over.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use berth_proto::Timestamp;
use berth_runtime::Clock;
use tokio::time::Instant;

/// How long one is waited for. WhatsApp answers sooner or not at all.
const HANGING_SECONDS_MAX: i64 = 60 * 60;
/// How long looks may fail or not be made, so that what is found then still counts as the same: as long as a restart takes.
const UNSEEN_SECONDS_MAX: i64 = 10 * 60;

/// Connects that may log in: after more of them nothing is waited for.
const CONNECTS_MAX: u32 = 6;

/// Since when it hangs, over all tries to end what the attempt began. Only what was looked at counts: while an upstream or a connector
/// is away nobody knows what hangs, and the login that begins afterwards is another one.
#[derive(Debug)]
pub struct Hanging {
    clock: Arc<dyn Clock>,
    seen: Mutex<Option<Seen>>,
}

/// Between which looks one was seen at each that did not fail.
#[derive(Debug, Clone, Copy)]
struct Seen {
    first: Timestamp,
    last: Timestamp,
    /// How often it was given up there and asked to connect once more, and when last.
    connects: u32,
    connected: Option<Instant>,
}

impl Hanging {
    /// None hangs yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, seen: Mutex::new(None) }
    }

    /// One hangs at this look as well. Whether it has for so long that nothing is to be expected of it any more.
    pub fn is_for_good(&self) -> bool {
        let (now, mut seen) = (self.clock.now(), self.seen());
        let before = seen.filter(|seen| now <= seen.last.plus_seconds(UNSEEN_SECONDS_MAX));
        let before = before.unwrap_or(Seen { first: now, last: now, connects: 0, connected: None });
        // The clock may have gone back.
        let first = before.first.min(now);
        *seen = Some(Seen { first, last: now, ..before });
        now >= first.plus_seconds(HANGING_SECONDS_MAX)
    }

    /// None does at this look.
    pub fn ends(&self) {
        *self.seen() = None;
    }

    /// What was given up is asked to connect once more. Whether it may log in then: an upstream that gives each of them up before a look
    /// can see it is not asked for ever.
    pub fn connects(&self) -> bool {
        let mut seen = self.seen();
        let Some(seen) = seen.as_mut() else { return true };
        (seen.connects, seen.connected) = (seen.connects.saturating_add(1), Some(Instant::now()));
        seen.connects <= CONNECTS_MAX
    }

    /// It was asked, and answered by now: the time in which it may log in begins here.
    pub fn has_connected(&self) {
        if let Some(seen) = self.seen().as_mut() {
            seen.connected = Some(Instant::now());
        }
    }

    /// Whether what was asked to connect may log in, in this try or in one after it: for so long after the first question, and for half of
    /// the time before after each other one. An upstream that gives each of them up is seen with one of them when that is over.
    pub fn may_log_in(&self, time: Duration) -> bool {
        let seen = *self.seen();
        let halves = |seen: Seen| 1_u32.checked_shl(seen.connects.saturating_sub(1)).unwrap_or(u32::MAX);
        seen.is_some_and(|seen| seen.connected.is_some_and(|at| at.elapsed() < time / halves(seen)))
    }

    fn seen(&self) -> MutexGuard<'_, Option<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use berth_runtime::ManualClock;
    use tokio::time::advance;

    use super::*;

    fn hanging() -> (Arc<ManualClock>, Hanging) {
        let clock = Arc::new(ManualClock::new(Timestamp(1_700_000_000_000_000)));
        (clock.clone(), Hanging::new(clock))
    }

    #[tokio::test(start_paused = true)]
    async fn each_connect_has_half_the_time_of_the_one_before_until_none_is_waited_for() {
        let (_clock, hanging) = hanging();
        assert!(!hanging.is_for_good() && !hanging.may_log_in(Duration::from_mins(2)), "none was asked for");
        for seconds in [120, 60, 30, 15, 7] {
            assert!(hanging.connects());
            // The answer may take longer than what is left of the time.
            advance(Duration::from_secs(10)).await;
            hanging.has_connected();
            advance(Duration::from_secs(seconds - 1)).await;
            assert!(hanging.may_log_in(Duration::from_mins(2)));
            advance(Duration::from_secs(2)).await;
            assert!(!hanging.may_log_in(Duration::from_mins(2)), "{seconds}");
        }
        assert!(hanging.connects() && !hanging.connects());
        // What hangs afterwards is another one.
        hanging.ends();
        assert!(!hanging.is_for_good() && hanging.connects());
    }

    #[test]
    fn a_clock_that_goes_back_makes_it_an_hour_from_there() {
        let (clock, hanging) = hanging();
        assert!(!hanging.is_for_good());
        clock.advance_seconds(-5 * 60 * 60);
        for _ in 0..6 {
            assert!(!hanging.is_for_good());
            clock.advance_seconds(10 * 60);
        }
        assert!(hanging.is_for_good());
    }
}
