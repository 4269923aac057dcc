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

use berth_bus::{Kept, Postbag, PostbagError, Tenure};
use berth_notices::formats::RetryRule;
use berth_proto::InstanceId;
use berth_runtime::Trouble;
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
    /// The postbag did not answer: every partition that is taken over asks it.
    unanswered: Trouble,
    slots: Arc<Slots>,
}

/// How long after a partition was taken over a letter that its former owner is sending may live.
pub(crate) fn former_life(tools: &Tools) -> Duration {
    tools.schedule.attempt_max(RetryRule::Standard) + FORMER_LIFE_MARGIN
}

impl Letters {
    /// Letters that are kept in a postbag; without one none is taken.
    pub(crate) fn new(postbag: Option<Arc<dyn Postbag>>) -> Self {
        Self { postbag, unanswered: Trouble::default(), slots: Arc::default() }
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
            let holders = self.answer(|| postbag.holders(tenure.partition())).await;
            // A former owner may be sending the first one of each at this moment: nobody can stop that.
            let begin = |(instance, _): &(InstanceId, usize)| tools.flights.begin(*instance);
            let former: Vec<Flight> = holders.iter().map(begin).collect();
            let _gone = known.send(());
            let landed = async {
                sleep_until(over).await;
                drop(former);
            };
            let round = async {
                let kept = self.kept(&**postbag, &holders).await;
                let round = Round::new(tools.clone(), Arc::clone(postbag), tenure.clone(), &self.slots);
                round.beginning_with(kept).run().await;
            };
            tokio::join!(landed, round);
        };
        let _over = tenure.run(serving).await;
    }

    /// What is kept for them: a new letter is not told before those that came before it.
    async fn kept(&self, postbag: &dyn Postbag, holders: &[(InstanceId, usize)]) -> Vec<Kept> {
        let mut all = Vec::new();
        for (instance, _) in holders {
            all.extend(self.answer(|| postbag.list(*instance)).await);
        }
        all
    }

    /// What the postbag says, however long that takes.
    async fn answer<T, F: Future<Output = Result<T, PostbagError>>>(&self, mut ask: impl FnMut() -> F) -> T {
        loop {
            match ask().await {
                Ok(answer) => {
                    self.unanswered.ends();
                    return answer;
                }
                Err(error) if self.unanswered.begins() => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "it is not known yet which messages are to be handed on"
                ),
                Err(_said) => {}
            }
            sleep(PAUSE).await;
        }
    }
}
