//! What all links of one tenure of the lease share.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{Ports, driver::DeviceLink};

/// Reports that are under way at once. A takeover reports every link; more at a time would only wait in the
/// queues of the bus, or be refused there.
const REPORTS_AT_ONCE: usize = 256;

/// One tenure of the lease.
pub(crate) struct Tenure {
    pub(crate) ports: Ports,
    pub(crate) driver: Arc<dyn DeviceLink>,
    /// The fencing epoch: every report carries it.
    pub(crate) epoch: u64,
    /// Cancelled when the lease is lost, given back or found to be another's: nothing is sent from then on.
    pub(crate) over: CancellationToken,
    /// The number of the last report, over all links. A link that is restarted in the same epoch must go on
    /// above the numbers that it used before, or its reports would count as repeated; one counter for all
    /// makes sure of that without remembering any link.
    numbers: AtomicU64,
    /// A permit for each report that is under way.
    pub(crate) reporting: Semaphore,
}

impl Tenure {
    pub(crate) fn new(ports: Ports, driver: Arc<dyn DeviceLink>, epoch: u64) -> Self {
        Self {
            ports,
            driver,
            epoch,
            over: CancellationToken::new(),
            numbers: AtomicU64::new(0),
            reporting: Semaphore::new(REPORTS_AT_ONCE),
        }
    }

    /// The number of the next report.
    pub(crate) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }
}

impl fmt::Debug for Tenure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenure").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}
