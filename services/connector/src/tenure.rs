//! What all links of one tenure of a partition share.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use berth_log::{Rehydrated, rehydrate};
use berth_proto::{InstanceId, StreamKey, instance::InstanceStateV1};
use tokio::{sync::Semaphore, time::sleep};
use tracing::warn;

use crate::{Ports, driver::DeviceLink};

/// Pause before a log that does not work is asked again.
const LOG_RETRY: Duration = Duration::from_secs(1);

/// Reports that are under way at once, over all partitions. A takeover reports every link; more at a time would only wait
/// in the queues of the bus, or be refused there.
pub(crate) const REPORTS_AT_ONCE: usize = 256;

/// One tenure of a partition.
pub(crate) struct Tenure {
    pub(crate) ports: Ports,
    pub(crate) driver: Arc<dyn DeviceLink>,
    /// Every report carries its fencing epoch, and nothing is sent once it is over.
    pub(crate) held: berth_bus::Tenure,
    /// The number of the last report, over all links. A link that is restarted in the same epoch must go on
    /// above the numbers that it used before, or its reports would count as repeated; one counter for all
    /// makes sure of that without remembering any link.
    numbers: AtomicU64,
    /// A permit for each report that is under way.
    pub(crate) reporting: Arc<Semaphore>,
}

impl Tenure {
    pub(crate) const fn new(
        ports: Ports,
        driver: Arc<dyn DeviceLink>,
        held: berth_bus::Tenure,
        reporting: Arc<Semaphore>,
    ) -> Self {
        Self { ports, driver, held, numbers: AtomicU64::new(0), reporting }
    }

    /// The last commit of an instance, however long the log takes; none if there is none.
    pub(crate) async fn state_of(&self, instance: InstanceId) -> Option<InstanceStateV1> {
        let (log, stream) = (&*self.ports.log, StreamKey::instance(instance));
        loop {
            match log.tail(&stream).await {
                Ok(None) => return None,
                Ok(Some(stored)) => match rehydrate(log, &stored).await {
                    Ok(Rehydrated { state, .. }) => return Some(state),
                    Err(error) => warn!(%instance, %error,
                            "the last commit cannot be read: how a link stands is asked again"),
                },
                Err(error) => {
                    warn!(%instance, %error, "the log cannot be read: how a link stands is asked again");
                }
            }
            sleep(LOG_RETRY).await;
        }
    }

    /// The number of the next report.
    pub(crate) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }
}

impl fmt::Debug for Tenure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenure").field("held", &self.held).finish_non_exhaustive()
    }
}
