//! A name at an upstream whose instance was just deleted: the next create of it waits until the device is unlinked there, as clients
//! expect that delete a session to begin it anew.

use std::time::Duration;

use berth_runtime::Pauses;
use tokio::time::{Instant, sleep};

use super::{
    create::{Creator, Draft},
    failure::Failure,
};

/// How long a create waits at most: many clients give up after ten seconds. An unlink takes five where all is well, four of which are
/// looks at the socket.
const FREE_WAIT_MAX: Duration = Duration::from_secs(7);
/// The first pause before another try where nothing tells that the name is free: the codes of an attempt without a device end without
/// a commit. Doubled up to [`TRY_AGAIN_MAX`], since each try reserves and releases what it needs.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// The longest such pause.
const TRY_AGAIN_MAX: Duration = Duration::from_secs(4);

/// How long a create still waits for its name.
#[derive(Debug)]
pub(super) struct Patience {
    until: Instant,
    pauses: Pauses,
}

// === impl Patience ===

impl Patience {
    /// As much as a client has.
    pub(super) fn new() -> Self {
        Self { until: Instant::now() + FREE_WAIT_MAX, pauses: Pauses::new(TRY_AGAIN, TRY_AGAIN_MAX) }
    }

    /// None: for somebody who creates many.
    pub(super) fn none() -> Self {
        Self { until: Instant::now(), ..Self::new() }
    }

    fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }
}

// === impl Creator ===

impl Creator {
    /// Waits until the name there that was refused may be free, and says whether another try is worth it.
    pub(super) async fn may_be_free(&self, draft: &Draft<'_>, patience: &mut Patience) -> bool {
        if patience.left().is_zero() {
            return false;
        }
        match self.is_unlinked(draft, patience.until).await {
            // It was unlinked while this waited: its name is free.
            Ok(Some(is_unlinked)) => is_unlinked,
            Ok(None) | Err(Failure::NotFound) => {
                sleep(patience.pauses.take().min(patience.left())).await;
                true
            }
            // The refusal says more than why it could not be waited for.
            Err(_) => false,
        }
    }

    /// Waits until the device of the instance that has the name is unlinked. None if it has none that is to be.
    async fn is_unlinked(&self, draft: &Draft<'_>, until: Instant) -> Result<Option<bool>, Failure> {
        let Some(link) = draft.link() else { return Ok(None) };
        let entry = self.keys.master().entry_at_upstream(&link.at, &link.name_there(&draft.name));
        let state = self.directory.state(entry).await?;
        let Some(leaver) = state.and_then(|state| state.hold.as_ref()?.instance) else { return Ok(None) };
        match self.records.read_any(leaver).await? {
            Some(record) if record.is_unlinking() => {
                self.records.wait_unlinked(leaver, until).await.map(|unlinked| Some(unlinked.is_some()))
            }
            Some(_) | None => Ok(None),
        }
    }
}
