//! How long a login hangs that may have come of an attempt which is over.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use berth_proto::Timestamp;
use berth_runtime::Clock;

/// How long one is waited for. WhatsApp answers sooner or not at all.
const HANGING_SECONDS_MAX: i64 = 60 * 60;

/// Since when it hangs, over all tries to end what the attempt began. Only what was looked at counts: while an upstream or a connector
/// is away nobody knows what hangs, and the login that begins afterwards is another one.
#[derive(Debug)]
pub struct Hanging {
    clock: Arc<dyn Clock>,
    since: Mutex<Option<Timestamp>>,
}

impl Hanging {
    /// None hangs yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, since: Mutex::new(None) }
    }

    /// One hangs at this look as well. Whether it has for so long that nothing is to be expected of it any more.
    pub fn is_for_good(&self) -> bool {
        let now = self.clock.now();
        let since = *self.since().get_or_insert(now);
        now >= since.plus_seconds(HANGING_SECONDS_MAX)
    }

    /// None does, or nobody knows.
    pub fn ends(&self) {
        *self.since() = None;
    }

    fn since(&self) -> MutexGuard<'_, Option<Timestamp>> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
