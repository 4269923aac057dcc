//! Answers queries from the bus.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use berth_bus::{Bus, Request, Requests};
use berth_proto::{
    AccountId, InstanceId, Timestamp,
    codec::{decode, encode},
    query::{CountsV1, InstanceQueryV1, PAGE_MAX, PageV1, QueryReplyV1, QueryV1, STANDS_WAIT_MS_MAX},
    subject::query_subject,
};
use berth_runtime::{Clock, Lifecycle, spawn_blocking};
use berth_views::{ViewError, ViewReader, ViewState};
use futures::StreamExt;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{
    counts::counts,
    metrics,
    page::{Page, Wanted, accounts, instances},
    records::record,
    text_index::Needle,
    texts::Texts,
    waits::Waits,
};

/// The view that queries name.
const VIEW: &str = "records";
/// All replicas share the queries.
const QUEUE: &str = "projections";
/// Queries that are answered at the same time; more wait in the bus.
const QUERIES_AT_ONCE_MAX: usize = 16;
/// How long a query by text waits for the index of texts to be filled.
const FILL_WAIT_MAX: Duration = Duration::from_secs(3);
/// The pause before the server serves again after its subscription ended.
const SERVE_AGAIN_PAUSE: Duration = Duration::from_millis(200);

/// What a query is answered from.
#[derive(Debug)]
pub(crate) struct Answers {
    view: Arc<dyn ViewReader>,
    texts: Arc<Texts>,
    waits: Waits,
    clock: Arc<dyn Clock>,
}

/// A query was not answered.
enum Refusal {
    Rebuilding,
    Invalid(String),
}

impl From<ViewError> for Refusal {
    fn from(_: ViewError) -> Self {
        // Whatever ails the view, it is built anew.
        Self::Rebuilding
    }
}

/// Serves queries until the life cycle ends, while the view can be read: a replica that reads the log is not asked, so that no
/// list fails as long as another one can answer it. Gives a flag that says whether it serves.
pub(crate) fn start(bus: Arc<dyn Bus>, answers: Arc<Answers>, lifecycle: &Lifecycle) -> Arc<AtomicBool> {
    let serving = Arc::new(AtomicBool::new(false));
    let (running, life) = (Arc::clone(&serving), lifecycle.clone());
    lifecycle.spawn(async move {
        let stop = life.stop().clone();
        let mut states = answers.view.states();
        while stop.run_until_cancelled(becomes(&mut states, true)).await == Some(true) {
            let until = CancellationToken::new();
            match stop.run_until_cancelled(bus.serve_until(&query_subject(VIEW), QUEUE, until.clone())).await {
                Some(Ok(requests)) => {
                    running.store(true, Ordering::SeqCst);
                    let mut taking = pin!(take(requests, &answers, &life));
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = &mut taking => tracing::warn!("the subscription for queries ended: serving again"),
                        _ = becomes(&mut states, false) => {
                            until.cancel();
                            // Those that have come already are told that it is being rebuilt.
                            taking.await;
                        }
                    }
                    running.store(false, Ordering::SeqCst);
                }
                Some(Err(error)) => tracing::warn!(%error, "queries cannot be served: trying again"),
                None => break,
            }
            if stop.run_until_cancelled(tokio::time::sleep(SERVE_AGAIN_PAUSE)).await.is_none() {
                break;
            }
        }
        running.store(false, Ordering::SeqCst);
    });
    serving
}

/// Waits until the rows can be read, or cannot. False if nobody tells it any more.
async fn becomes(states: &mut watch::Receiver<ViewState>, readable: bool) -> bool {
    states.wait_for(|state| (*state != ViewState::Rebuilding) == readable).await.is_ok()
}

/// Takes queries until the subscription ends.
async fn take(mut requests: Requests, answers: &Arc<Answers>, lifecycle: &Lifecycle) {
    let slots = Arc::new(Semaphore::new(QUERIES_AT_ONCE_MAX));
    while let Some(request) = requests.next().await {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            return;
        };
        let answers = Arc::clone(answers);
        lifecycle.spawn(async move { answers.answer(request, slot).await });
    }
}

// === impl Answers ===

impl Answers {
    pub(crate) fn new(
        view: Arc<dyn ViewReader>,
        texts: Arc<Texts>,
        waits: Waits,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { view, texts, waits, clock }
    }

    async fn answer(self: Arc<Self>, request: Request, slot: OwnedSemaphorePermit) {
        let begun = Instant::now();
        let reply = match decode::<QueryV1>(&request.payload) {
            Ok(query) => self.reply_to(query, slot).await,
            Err(error) => Err(Refusal::Invalid(error.to_string())),
        };
        let (outcome, reply) = match reply {
            Ok(reply @ QueryReplyV1::Counts(_)) => (Some("counts"), reply),
            // How long it waited is nothing that it took.
            Ok(reply @ QueryReplyV1::Stands(_)) => (None, reply),
            Ok(reply) => (Some("page"), reply),
            Err(Refusal::Rebuilding) => (Some("rebuilding"), QueryReplyV1::Rebuilding),
            Err(Refusal::Invalid(reason)) => (Some("invalid"), QueryReplyV1::Invalid { reason }),
        };
        if let Some(outcome) = outcome {
            metrics::query(outcome, begun.elapsed());
        }
        match encode(&reply) {
            Ok(payload) => request.reply.send(payload.into()),
            Err(error) => tracing::error!(%error, "a page of the record view cannot be written"),
        }
    }

    async fn reply_to(
        self: Arc<Self>,
        query: QueryV1,
        slot: OwnedSemaphorePermit,
    ) -> Result<QueryReplyV1, Refusal> {
        let (first, page) = match query {
            QueryV1::Counts { account } => {
                let (lag_ms, now, answers) = (self.lag_ms(), self.clock.now(), Arc::clone(&self));
                let states = blocking(move || counts(answers.view.as_ref(), account, now)).await?;
                let states = states.into_iter().map(|(word, count)| (word.to_owned(), count)).collect();
                return Ok(QueryReplyV1::Counts(CountsV1 { states, lag_ms }));
            }
            QueryV1::Accounts { after, limit } => {
                (after.is_none(), self.clone().accounts(after, limit_of(limit)?).await?)
            }
            QueryV1::Instances(query) => (query.after.is_none(), self.clone().instances(query).await?),
            QueryV1::Stands { instance, version, wait_ms } => {
                // Whoever only waits keeps nobody from an answer.
                drop(slot);
                let wait = Duration::from_millis(wait_ms.min(STANDS_WAIT_MS_MAX).into());
                return Ok(QueryReplyV1::Stands(self.waits.stands(instance, version, wait).await));
            }
        };
        // Counting more than the page would be a scan.
        let total = (first && !page.more).then_some(page.rows.len() as u64);
        Ok(QueryReplyV1::Page(PageV1 { rows: page.rows, more: page.more, total, lag_ms: self.lag_ms() }))
    }

    async fn accounts(self: Arc<Self>, after: Option<AccountId>, limit: usize) -> Result<Page, Refusal> {
        blocking(move || accounts(self.view.as_ref(), after, limit)).await
    }

    async fn instances(self: Arc<Self>, query: InstanceQueryV1) -> Result<Page, Refusal> {
        let limit = limit_of(query.limit)?;
        let wanted = Wanted::of(&query).map_err(Refusal::Invalid)?;
        let now = self.clock.now();
        let Some(needle) = Needle::of(query.text.as_deref(), query.phone.as_deref()) else {
            return blocking(move || instances(self.view.as_ref(), &wanted, query.after, limit, now)).await;
        };
        if !self.texts.filled(FILL_WAIT_MAX).await {
            return Err(Refusal::Rebuilding);
        }
        blocking(move || self.found(&needle, &wanted, query.after, limit, now)).await
    }

    /// A page of instances that are found by their texts.
    fn found(
        &self,
        needle: &Needle,
        wanted: &Wanted,
        mut after: Option<InstanceId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page, ViewError> {
        let mut page = Page::new(limit);
        loop {
            let ids = self.texts.find(needle, wanted.account(), after, limit + 1);
            let Some(last) = ids.last() else {
                return Ok(page);
            };
            after = Some(*last);
            for id in ids {
                if let Some(record) = record(self.view.as_ref(), id)?
                    && wanted.takes(&record, now)
                    && !page.add(id, record.version, record.state)
                {
                    return Ok(page);
                }
            }
        }
    }

    /// Milliseconds that the view is behind the log, as far as it knows.
    fn lag_ms(&self) -> u64 {
        let changes = self.view.changes();
        let change = changes.borrow();
        if change.caught_up {
            return 0;
        }
        u64::try_from(self.clock.now().millis() - Timestamp(change.occurred_at).millis()).unwrap_or_default()
    }
}

fn limit_of(limit: u16) -> Result<usize, Refusal> {
    if limit == 0 {
        return Err(Refusal::Invalid("a page has at least one row".to_owned()));
    }
    Ok(usize::from(limit.min(PAGE_MAX)))
}

/// Reads the view off the asynchronous threads.
async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, ViewError> + Send + 'static,
) -> Result<T, Refusal> {
    match spawn_blocking(read).await {
        Ok(read) => Ok(read?),
        Err(_ended) => Err(Refusal::Rebuilding),
    }
}
