//! Letters: message events of an upstream, handed on to the endpoint of their instance, one after the other.
//!
//! ```text
//! gateway ── a letter ──▶ owner of the partition ── kept ──▶ postbag (beside the log)
//!                                  │ before every attempt: the gate, on the instance's tail
//!                                  └────────▶ endpoint ── delivered ──▶ erased
//! ```
//!
//! The owner of a partition's deliveries keeps what it is handed and sends it in the order in which it came, under the same
//! permission as a notice: read in the log before every attempt, for a second, and under the lease. After a logout everything that
//! waits is erased, not sent. A letter is no notice: no commit says that it is owed or was delivered, since it is the upstream's
//! and of no interest once it was told. It is told at least once, with the same `webhook-id` each time.
//!
//! - [`deliver`] is one attempt; `lane` is what waits of one instance;
//! - [`flights`] is how the end of a session waits for an attempt that is under way (R3).

mod deliver;
mod flights;
mod lane;
mod round;

use std::{sync::Arc, time::Duration};

use berth_bus::{Kept, Postbag, Tenure};
use tokio::{
    sync::{Semaphore, oneshot},
    time::sleep,
};

pub(crate) use flights::Flights;
use round::Round;

use crate::dispatch::Tools;

/// Letters that are being sent at once, over all partitions of a replica.
const DELIVERED_AT_ONCE_MAX: usize = 128;
/// How long to wait before a postbag that does not work is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// Hands letters on for the partitions that this replica owns.
#[derive(Debug)]
pub(crate) struct Letters {
    postbag: Option<Arc<dyn Postbag>>,
    flights: Arc<Flights>,
    room: Arc<Semaphore>,
}

impl Letters {
    /// Letters that are kept in a postbag; without one none is taken.
    pub(crate) fn new(postbag: Option<Arc<dyn Postbag>>, flights: Arc<Flights>) -> Self {
        Self { postbag, flights, room: Arc::new(Semaphore::new(DELIVERED_AT_ONCE_MAX)) }
    }

    /// Takes and hands on the letters of a partition until its tenure is over. `known` is told once it is known which instances
    /// have letters that a former owner may still be sending: their notices wait for that.
    pub(crate) async fn serve(&self, tools: Tools, tenure: &Tenure, known: oneshot::Sender<()>) {
        let Some(postbag) = &self.postbag else {
            let _gone = known.send(());
            return;
        };
        let serving = async {
            let kept = kept(&**postbag, tenure).await;
            let round =
                Round::new(tools, Arc::clone(postbag), tenure.clone(), Arc::clone(&self.room), &self.flights);
            let round = round.beginning_with(kept);
            let _gone = known.send(());
            round.run().await;
        };
        let _over = tenure.run(serving).await;
    }
}

/// What is kept for a partition, however long that takes to be known.
async fn kept(postbag: &dyn Postbag, tenure: &Tenure) -> Vec<Kept> {
    loop {
        match postbag.list(tenure.partition()).await {
            Ok(kept) => return kept,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "webhooks wait to know which messages are to be handed on");
            }
        }
        sleep(PAUSE).await;
    }
}
