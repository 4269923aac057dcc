//! Settlements: commits on the delivery stream of a partition, fenced by their expected version.

use std::{
    future::ready,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use berth_bus::Tenure;
use berth_domain::delivery::{self, Event, Fenced, State, evolve};
use berth_log::{Loaded, Next, Plan, Tail, TransactError, Writer, decode_commit};
use berth_proto::{
    EncodeError, EndpointId, Partition, RecordV1, StreamKey,
    delivery::{DeliveryEvent, EndpointReportedV1, NoticesSettledV1, SettledV1},
};
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::{attempt::Tools, board::Spoken, scan};
use crate::last_words;

/// How long to wait before a fault of the log or the view is met again.
pub(super) const FAULT_DELAY: Duration = Duration::from_secs(1);
/// How often it is looked up whether an instance is owed last words, if that cannot be read.
const LOOK_UPS_MAX: u32 = 5;
/// How long a partition that was taken over waits for the view to know its settlements.
const REACHED_MAX: Duration = Duration::from_secs(10);

/// Commits that are read at once.
const COMMITS_READ_MAX: usize = 64;

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

/// Appends settlements of the partition that is held under a tenure.
#[derive(Debug, Clone)]
pub(crate) struct Settler {
    writer: Writer,
    tenure: Tenure,
    /// The stream as it was after the last commit of this dispatcher: nobody else adds much to it, so that it need not be read
    /// before each.
    last: Arc<Mutex<Option<Loaded<State>>>>,
}

/// Notes something on a delivery stream without being its dispatcher.
pub(crate) async fn note_as_guest(
    tools: &Tools,
    partition: Partition,
    event: Event,
) -> Result<(), SettleError> {
    append(&tools.writer, partition, None, (None, &[event])).await.map(drop)
}

// === impl Settler ===

impl Settler {
    pub(crate) fn new(tools: &Tools, tenure: Tenure) -> Self {
        Self { writer: tools.writer.clone(), tenure, last: Arc::default() }
    }

    pub(crate) const fn tenure(&self) -> &Tenure {
        &self.tenure
    }

    /// Makes this dispatcher the partition's: from now on no older one can settle anything there. Gives the last commit of
    /// before that, if there is one.
    pub(crate) async fn take_over(&self) -> Result<Option<Tail>, SettleError> {
        let last = self.last().take();
        let (partition, epoch) = (self.tenure.partition(), Some(self.tenure.epoch()));
        let decide = |loaded: Loaded<State>, _| {
            let before = loaded.tail;
            ready(decide(partition, epoch, loaded, &[]).map(|plan| plan.map(|()| before)))
        };
        let taken = self.writer.transact(self.stream(), last, decide).await?;
        *self.last() = Some(taken.loaded);
        Ok(taken.answer)
    }

    /// Settles notices of the partition in one commit.
    pub(crate) async fn settle(&self, notices: Vec<SettledV1>) -> Result<(), SettleError> {
        self.append(&[NoticesSettledV1 { notices }.into()]).await
    }

    /// Notes an event that settles nothing.
    pub(crate) async fn note(&self, event: Event) -> Result<(), SettleError> {
        self.append(&[event]).await
    }

    /// The version of the partition's stream.
    pub(crate) async fn version(&self) -> Result<u64, SettleError> {
        let loaded: Loaded<State> = self.writer.load(&self.stream()).await?;
        Ok(loaded.version())
    }

    /// Notes a report, unless another one on its endpoint stands behind a version of the stream. Says whether it was noted.
    pub(crate) async fn report(
        &self,
        reported: &EndpointReportedV1,
        known: u64,
    ) -> Result<bool, SettleError> {
        let (partition, epoch) = (self.tenure.partition(), Some(self.tenure.epoch()));
        let event = &[Event::from(reported.clone())];
        let decided = |loaded: Loaded<State>, _| async move {
            if self.is_reported(reported.endpoint, known..loaded.version()).await? {
                return Ok::<_, SettleError>(Plan::Keep(loaded, false));
            }
            Ok(decide(partition, epoch, loaded, event)?.map(|()| true))
        };
        Ok(self.writer.transact(self.stream(), None, decided).await?.answer)
    }

    /// Whether a report on an endpoint stands behind one version of the stream and up to another.
    async fn is_reported(&self, endpoint: EndpointId, behind: Range<u64>) -> Result<bool, SettleError> {
        let is_one = |record: &RecordV1| match DeliveryEvent::from_record(record) {
            Ok(DeliveryEvent::EndpointReported(reported)) => reported.endpoint == endpoint,
            // What cannot be read is no report that the view will ever know.
            Ok(_) | Err(_) => false,
        };
        let mut after = behind.start;
        while after < behind.end {
            let page = self.writer.log().read(&self.stream(), after, COMMITS_READ_MAX).await;
            let page = page.map_err(TransactError::Read)?;
            let Some(last) = page.last() else { break };
            after = last.tail.version;
            let mut commits = page.iter().filter_map(|stored| decode_commit(stored).ok());
            if commits.any(|commit| commit.events.iter().any(is_one)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn stream(&self) -> StreamKey {
        StreamKey::delivery(self.tenure.partition())
    }

    async fn append(&self, events: &[Event]) -> Result<(), SettleError> {
        let last = self.last().take();
        let (partition, epoch) = (self.tenure.partition(), Some(self.tenure.epoch()));
        let loaded = append(&self.writer, partition, epoch, (last, events)).await?;
        *self.last() = Some(loaded);
        Ok(())
    }

    fn last(&self) -> MutexGuard<'_, Option<Loaded<State>>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Appends events to the delivery stream of a partition, as it was seen last; without an epoch as a guest. Gives the stream as it
/// is then.
async fn append(
    writer: &Writer,
    partition: Partition,
    epoch: Option<u64>,
    (last, events): (Option<Loaded<State>>, &[Event]),
) -> Result<Loaded<State>, SettleError> {
    let decide = |loaded, _| ready(decide(partition, epoch, loaded, events));
    Ok(writer.transact(StreamKey::delivery(partition), last, decide).await?.loaded)
}

fn decide(
    partition: Partition,
    epoch: Option<u64>,
    loaded: Loaded<State>,
    events: &[Event],
) -> Result<Plan<State, ()>, SettleError> {
    let events = delivery::decide(loaded.state.as_ref(), epoch, events)
        .map_err(|Fenced { epoch }| SettleError::Fenced { partition, epoch })?;
    let folded = events.iter().fold(loaded.state.clone(), |state, event| Some(evolve(state, event)));
    let Some(state) = folded.filter(|_| !events.is_empty()) else { return Ok(Plan::Keep(loaded, ())) };
    let events = events.iter().map(Event::to_record).collect::<Result<_, _>>()?;
    Ok(Plan::Append(loaded, Next { receipts: Vec::new(), events, state, account_version: 0 }, ()))
}

/// Takes the partition over and waits until the view knows what was in the log by then, if anybody had it before: what was settled
/// there, and what of it may still be under way.
pub(super) async fn take_over(tools: &Tools, settler: &Settler) -> Result<(), SettleError> {
    if until_settled(|| settler.take_over()).await?.is_some() {
        until_known(tools).await;
    }
    Ok(())
}

/// Takes the partition over and waits until the view knows what was in the log by then.
pub(super) async fn catch_up(tools: &Tools, settler: &Settler) -> Result<(), SettleError> {
    until_settled(|| settler.take_over()).await?;
    until_known(tools).await;
    Ok(())
}

/// Waits until the view knows what is in the log at this moment.
async fn until_known(tools: &Tools) {
    loop {
        if let Ok(end) = tools.log.end().await {
            match tools.outbox.reached(&end, REACHED_MAX).await {
                Ok(()) => return,
                Err(error) => tracing::warn!(%error, "webhooks wait for the outbox"),
            }
        }
        tokio::time::sleep(FAULT_DELAY).await;
    }
}

/// Tries until it works or this dispatcher is fenced off.
pub(super) async fn until_settled<T, F>(mut append: impl FnMut() -> F) -> Result<T, SettleError>
where
    F: Future<Output = Result<T, SettleError>>,
{
    loop {
        match append().await {
            Ok(appended) => return Ok(appended),
            Err(fenced @ SettleError::Fenced { .. }) => return Err(fenced),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "notices cannot be settled now");
                tokio::time::sleep(FAULT_DELAY).await;
            }
        }
    }
}

/// Erases what the last words of instances needed, once they are all settled. Others wait for that to be settled themselves: so it is not
/// looked up again and again in a view that cannot be read.
pub(super) async fn erase_spoken(tools: &Tools, spoken: Spoken, stop: &CancellationToken) {
    for instance in spoken.surely {
        last_words::erase(tools, instance).await;
    }
    for (instance, settled) in spoken.perhaps {
        for _ in 0..LOOK_UPS_MAX {
            match scan::owes_last_words(tools.outbox.clone(), instance, settled.clone()).await {
                Ok(true) => break,
                Ok(false) => {
                    last_words::erase(tools, instance).await;
                    break;
                }
                Err(error) => {
                    tracing::error!(%instance, %error, "what last words needed is kept: whether all are told cannot be read");
                }
            }
            if stop.run_until_cancelled(tokio::time::sleep(FAULT_DELAY)).await.is_none() {
                break;
            }
        }
    }
}
