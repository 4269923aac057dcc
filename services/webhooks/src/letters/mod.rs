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
//! - [`deliver`] is one attempt, [`passage`] the way of one letter from its first attempt to its end; `lane` is what waits of one
//!   instance, `lanes` of a partition;
//! - [`slots`] is how many are sent at once, over all and for one account;
//! - [`flights`] is how the end of a session waits for an attempt that is under way (R3).

mod deliver;
mod flights;
mod lane;
mod lanes;
mod passage;
mod round;
mod slots;

use std::{sync::Arc, time::Duration};

use berth_bus::{Kept, Postbag, Tenure};
use berth_notices::formats::RetryRule;
use berth_proto::{InstanceId, Partition};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, sleep_until},
};

use flights::Flight;
pub(crate) use flights::Flights;
use round::Round;
use slots::Slots;

use crate::dispatch::Tools;

/// How long to wait before a postbag that does not work is asked again.
const PAUSE: Duration = Duration::from_secs(1);
/// What is added to how long an attempt of a former owner lives.
const FORMER_LIFE_MARGIN: Duration = Duration::from_secs(1);

/// Hands letters on for the partitions that this replica owns.
#[derive(Debug)]
pub(crate) struct Letters {
    postbag: Option<Arc<dyn Postbag>>,
    slots: Arc<Slots>,
}

/// How long after a partition was taken over a letter that its former owner is sending may live.
pub(crate) fn former_life(tools: &Tools) -> Duration {
    tools.schedule.attempt_max(RetryRule::Standard) + FORMER_LIFE_MARGIN
}

impl Letters {
    /// Letters that are kept in a postbag; without one none is taken.
    pub(crate) fn new(postbag: Option<Arc<dyn Postbag>>) -> Self {
        Self { postbag, slots: Arc::default() }
    }

    /// Takes and hands on the letters of a partition until its tenure is over. `known` is told once it is known which instances
    /// have letters that a former owner may still be sending: their notices wait for that, up to [`former_life`].
    pub(crate) async fn serve(&self, tools: Tools, tenure: &Tenure, known: oneshot::Sender<()>) {
        let Some(postbag) = &self.postbag else {
            let _gone = known.send(());
            return;
        };
        let over = Instant::now() + former_life(&tools);
        let serving = async {
            let holders = holders(&**postbag, tenure.partition()).await;
            // A former owner may be sending the first one of each at this moment: nobody can stop that.
            let begin = |(instance, _): &(InstanceId, usize)| tools.flights.begin(*instance);
            let former: Vec<Flight> = holders.iter().map(begin).collect();
            let _gone = known.send(());
            let landed = async {
                sleep_until(over).await;
                drop(former);
            };
            let round = async {
                let kept = kept(&**postbag, &holders).await;
                let round = Round::new(tools.clone(), Arc::clone(postbag), tenure.clone(), &self.slots);
                round.beginning_with(kept).run().await;
            };
            tokio::join!(landed, round);
        };
        let _over = tenure.run(serving).await;
    }
}

/// For whom something is kept in a partition, however long that takes to be known.
async fn holders(postbag: &dyn Postbag, partition: Partition) -> Vec<(InstanceId, usize)> {
    loop {
        match postbag.holders(partition).await {
            Ok(holders) => return holders,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "it is not known yet which messages are to be handed on");
            }
        }
        sleep(PAUSE).await;
    }
}

/// What is kept for them, however long that takes to be known: a new letter is not told before those that came before it.
async fn kept(postbag: &dyn Postbag, holders: &[(InstanceId, usize)]) -> Vec<Kept> {
    let mut all = Vec::new();
    for (instance, _) in holders {
        loop {
            match postbag.list(*instance).await {
                Ok(kept) => break all.extend(kept),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(%instance, error, "it is not known yet which messages are to be handed on");
                }
            }
            sleep(PAUSE).await;
        }
    }
    all
}
