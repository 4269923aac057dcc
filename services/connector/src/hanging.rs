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

/// Since when it hangs, over all tries to end what the attempt began. Only what was looked at counts: while an upstream or a connector
/// is away nobody knows what hangs, and the login that begins afterwards is another one.
#[derive(Debug)]
pub struct Hanging {
    clock: Arc<dyn Clock>,
    seen: Mutex<Option<Seen>>,
    /// When what was given up was asked to connect once more.
    connected: Mutex<Option<Instant>>,
}

/// Between which looks one was seen at each that did not fail.
#[derive(Debug, Clone, Copy)]
struct Seen {
    first: Timestamp,
    last: Timestamp,
}

impl Hanging {
    /// None hangs yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, seen: Mutex::new(None), connected: Mutex::new(None) }
    }

    /// One hangs at this look as well. Whether it has for so long that nothing is to be expected of it any more.
    pub fn is_for_good(&self) -> bool {
        let (now, mut seen) = (self.clock.now(), self.seen());
        let before = seen.filter(|seen| now <= seen.last.plus_seconds(UNSEEN_SECONDS_MAX));
        let first = before.map_or(now, |seen| seen.first);
        *seen = Some(Seen { first, last: now });
        now >= first.plus_seconds(HANGING_SECONDS_MAX)
    }

    /// None does at this look.
    pub fn ends(&self) {
        *self.seen() = None;
    }

    /// What was given up was asked to connect once more, and took it: it may log in.
    pub fn connects(&self) {
        *self.connected() = Some(Instant::now());
    }

    /// Whether that was less than so long ago, in this try or in one before.
    pub fn has_connected_within(&self, time: Duration) -> bool {
        self.connected().is_some_and(|at| at.elapsed() < time)
    }

    fn connected(&self) -> MutexGuard<'_, Option<Instant>> {
        self.connected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self) -> MutexGuard<'_, Option<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
