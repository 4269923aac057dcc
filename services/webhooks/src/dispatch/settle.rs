//! Settlements: commits on the delivery stream of a partition, fenced by their expected version.

use std::{future::ready, time::Duration};

use berth_domain::delivery::{self, Event, Fenced, State, evolve};
use berth_log::{Loaded, Next, Plan, TransactError, Writer};
use berth_proto::{
    EncodeError, Partition, StreamKey,
    delivery::{NoticesSettledV1, SettledV1},
};
use thiserror::Error;

use super::attempt::Tools;

/// How long to wait before a fault of the log or the view is met again.
pub(super) const FAULT_DELAY: Duration = Duration::from_secs(1);
/// How long a partition that was taken over waits for the view to know its settlements.
const REACHED_MAX: Duration = Duration::from_secs(10);

/// Notices could not be settled.
#[derive(Debug, Error)]
pub(crate) enum SettleError {
    /// A dispatcher with a higher epoch has taken the partition over: stop everything.
    #[error("another dispatcher with epoch {epoch} has taken over partition {partition}")]
    Fenced {
        /// The partition.
        partition: Partition,
        /// Its epoch.
        epoch: u64,
    },
    /// The log: it says itself whether a retry helps.
    #[error("the delivery stream cannot be appended to")]
    Log(#[from] TransactError),
}

impl From<EncodeError> for SettleError {
    fn from(error: EncodeError) -> Self {
        TransactError::from(error).into()
    }
}

/// Appends settlements as the dispatcher with one epoch.
#[derive(Debug, Clone)]
pub(crate) struct Settler {
    writer: Writer,
    /// None: a guest, who adds to the stream without being its dispatcher.
    epoch: Option<u64>,
}

// === impl Settler ===

impl Settler {
    pub(crate) fn new(tools: &Tools, epoch: u64) -> Self {
        Self { epoch: Some(epoch), ..Self::guest(tools) }
    }

    /// Somebody who has something to note and settles nothing.
    pub(crate) fn guest(tools: &Tools) -> Self {
        Self { writer: tools.writer.clone(), epoch: None }
    }

    /// Makes this dispatcher the partition's: from now on no older one can settle anything there.
    pub(crate) async fn take_over(&self, partition: Partition) -> Result<(), SettleError> {
        self.append(partition, &[]).await
    }

    /// Settles notices of a partition in one commit.
    pub(crate) async fn settle(
        &self,
        partition: Partition,
        notices: Vec<SettledV1>,
    ) -> Result<(), SettleError> {
        self.append(partition, &[NoticesSettledV1 { notices }.into()]).await
    }

    /// Notes an event that settles nothing.
    pub(crate) async fn note(&self, partition: Partition, event: Event) -> Result<(), SettleError> {
        self.append(partition, &[event]).await
    }

    async fn append(&self, partition: Partition, events: &[Event]) -> Result<(), SettleError> {
        let decide = |loaded, _| ready(self.decide(partition, loaded, events));
        self.writer.transact(StreamKey::delivery(partition), None, decide).await.map(drop)
    }

    fn decide(
        &self,
        partition: Partition,
        loaded: Loaded<State>,
        events: &[Event],
    ) -> Result<Plan<State, ()>, SettleError> {
        let events = delivery::decide(loaded.state.as_ref(), self.epoch, events)
            .map_err(|Fenced { epoch }| SettleError::Fenced { partition, epoch })?;
        let folded = events.iter().fold(loaded.state.clone(), |state, event| Some(evolve(state, event)));
        let Some(state) = folded.filter(|_| !events.is_empty()) else { return Ok(Plan::Keep(loaded, ())) };
        let events = events.iter().map(Event::to_record).collect::<Result<_, _>>()?;
        Ok(Plan::Append(loaded, Next { receipts: Vec::new(), events, state }, ()))
    }
}

/// Takes a partition over and waits until the view knows what former owners settled there.
pub(super) async fn take_over(
    tools: &Tools,
    settler: &Settler,
    partition: Partition,
) -> Result<(), SettleError> {
    until_settled(|| settler.take_over(partition)).await?;
    loop {
        if let Ok(end) = tools.log.end().await {
            match tools.outbox.reached(&end, REACHED_MAX).await {
                Ok(()) => return Ok(()),
                Err(error) => tracing::warn!(%error, "webhooks wait for the outbox"),
            }
        }
        tokio::time::sleep(FAULT_DELAY).await;
    }
}

/// Tries until it works or this dispatcher is fenced off.
pub(super) async fn until_settled<F>(mut append: impl FnMut() -> F) -> Result<(), SettleError>
where
    F: Future<Output = Result<(), SettleError>>,
{
    loop {
        match append().await {
            Ok(()) => return Ok(()),
            Err(fenced @ SettleError::Fenced { .. }) => return Err(fenced),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "notices cannot be settled now");
                tokio::time::sleep(FAULT_DELAY).await;
            }
        }
    }
}
