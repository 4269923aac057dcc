//! Traces: what one request leads to, hop by hop, for a collector that the operator runs.
//!
//! Off unless somebody installs them, and then bounded: spans that end wait in a queue for whoever sends them away, and
//! nobody waits for that. A full queue loses spans and counts them. The context travels with a command and its commit as
//! `traceparent`, also of a client that traces when this process does not.

mod context;
mod span;

pub use context::TraceContext;
pub use span::{FinishedSpan, Said, Span, SpanKind};

use std::{
    borrow::Cow,
    collections::VecDeque,
    future::Future,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use metrics::{Unit, counter, describe_counter};
use tokio::{sync::Notify, time::timeout};

use crate::{clock::Clock, entropy::Entropy};

/// Spans that wait to be sent: some MiB.
pub const SPANS_WAITING_MAX: usize = 8_192;
/// Spans that are sent at once.
pub const SPANS_AT_ONCE: usize = 512;
/// How long spans wait for others before they are sent.
const GATHER: Duration = Duration::from_secs(1);

const DROPPED: &str = "berth_trace_spans_dropped_total";
const SENT: &str = "berth_trace_spans_sent_total";

/// Set once, before anything is traced.
static TRACES: OnceLock<Shared> = OnceLock::new();

tokio::task_local! {
    /// What the work of this task belongs to.
    static CURRENT: Option<TraceContext>;
}

/// What spans are made with and where they go.
#[derive(Debug)]
struct Shared {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// Of so many traces that begin here one is recorded.
    one_in: u32,
    waiting: Mutex<VecDeque<FinishedSpan>>,
    more: Notify,
}

/// The spans that have ended, for whoever sends them away.
#[derive(Debug, Clone, Copy)]
pub struct Finished(&'static Shared);

/// Records from now on, of one in so many traces that begin here; of a trace that began elsewhere as its `traceparent`
/// says. None if somebody did this before, in this process.
pub fn install(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>, one_in: u32) -> Option<Finished> {
    describe_counter!(SENT, Unit::Count, "Spans that the collector has taken");
    describe_counter!(
        DROPPED,
        Unit::Count,
        "Spans that were lost, because too many waited (full) or the collector did not take them (refused)"
    );
    let shared = Shared { clock, entropy, one_in, waiting: Mutex::default(), more: Notify::new() };
    TRACES.set(shared).ok()?;
    TRACES.get().map(Finished)
}

/// Begins a piece of work, as a part of `parent` if there is one.
pub fn begin(name: impl Into<Cow<'static, str>>, kind: SpanKind, parent: Option<TraceContext>) -> Span {
    let Some(shared) = TRACES.get() else { return Span { context: parent, recording: None } };
    let context = match parent {
        Some(parent) if parent.sampled => parent.child(&*shared.entropy),
        None if shared.entropy.below(u64::from(shared.one_in)) == 0 => TraceContext::begun(&*shared.entropy),
        _ => return Span { context: parent, recording: None },
    };
    let begun = shared.clock.now();
    let (name, attributes) = (name.into(), Vec::new());
    let span = FinishedSpan { context, parent, name, kind, begun, ended: begun, attributes, failed: false };
    Span { context: Some(context), recording: Some(Box::new(span)) }
}

/// A span came to its end.
fn finish(mut span: FinishedSpan) {
    if let Some(shared) = TRACES.get() {
        span.ended = shared.clock.now().max(span.begun);
        shared.keep(span);
    }
}

/// Begins a piece of work as a part of what this task works on.
pub fn begin_here(name: impl Into<Cow<'static, str>>, kind: SpanKind) -> Span {
    begin(name, kind, current())
}

/// What this task works on.
pub fn current() -> Option<TraceContext> {
    CURRENT.try_with(|current| *current).ok().flatten()
}

/// Does something as a part of a trace.
pub async fn within<F: Future>(context: Option<TraceContext>, work: F) -> F::Output {
    CURRENT.scope(context, work).await
}

// === impl Shared ===

impl Shared {
    fn keep(&self, span: FinishedSpan) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= SPANS_WAITING_MAX {
            drop(waiting);
            Finished::lost("full", 1);
            return;
        }
        waiting.push_back(span);
        let many = waiting.len() >= SPANS_AT_ONCE;
        drop(waiting);
        if many {
            self.more.notify_one();
        }
    }
}

// === impl Finished ===

impl Finished {
    /// Waits until there are many spans, or some time has passed, and takes up to [`SPANS_AT_ONCE`]; none if there are none.
    pub async fn next(self) -> Vec<FinishedSpan> {
        let _many = timeout(GATHER, self.0.more.notified()).await;
        self.now()
    }

    /// Takes up to [`SPANS_AT_ONCE`] of the spans that wait.
    pub fn now(self) -> Vec<FinishedSpan> {
        let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let count = waiting.len().min(SPANS_AT_ONCE);
        let taken = waiting.drain(..count).collect();
        if waiting.len() >= SPANS_AT_ONCE {
            self.0.more.notify_one();
        }
        taken
    }

    /// Notes that spans were lost.
    pub fn lost(why: &'static str, spans: usize) {
        counter!(DROPPED, "reason" => why).increment(spans as u64);
    }

    /// Notes that the collector has taken spans.
    pub fn sent(spans: usize) {
        counter!(SENT).increment(spans as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ManualClock, SeededEntropy};
    use berth_proto::Timestamp;

    /// One test, since traces are installed once in a process.
    #[tokio::test(start_paused = true)]
    async fn spans_are_parts_of_their_trace_and_are_lost_rather_than_waited_for() {
        let parent = TraceContext::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        let off = begin("off", SpanKind::Internal, parent);
        assert_eq!((off.context(), off.is_recorded()), (parent, false), "a context is handed on");

        let clock = Arc::new(ManualClock::new(Timestamp(1_000_000)));
        let finished = install(Arc::clone(&clock) as _, Arc::new(SeededEntropy::new(1)), 1).unwrap();
        let mut outer = begin("outer", SpanKind::Server, parent);
        outer.say("http.response.status_code", 200_u64);
        let inner = within(outer.context(), async { begin_here("inner", SpanKind::Internal) }).await;
        assert_eq!(current(), None);
        clock.advance_seconds(4);
        drop(inner);
        outer.fail();
        drop(outer.since(Timestamp(500)));
        let spans = finished.next().await;
        let [inner, outer] = spans.as_slice() else { panic!("two: {spans:?}") };
        assert_eq!((outer.parent, outer.failed), (parent, true));
        assert_eq!((outer.begun, outer.ended), (Timestamp(500), Timestamp(5_000_000)));
        assert_eq!(inner.parent, Some(outer.context));
        assert_eq!(inner.context.trace_id(), "0af7651916cd43dd8448eb211c80319c");

        let quiet = TraceContext::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
        let unheard = begin("quiet", SpanKind::Server, quiet);
        assert_eq!((unheard.context(), unheard.is_recorded()), (quiet, false));
        let own = begin("own", SpanKind::Server, None);
        assert!(own.is_recorded() && own.context().is_some_and(|own| own.sampled));

        for _ in 0..SPANS_WAITING_MAX + 10 {
            drop(begin("more", SpanKind::Internal, None));
        }
        let mut taken = 0;
        while let count @ 1.. = finished.now().len() {
            assert!(count <= SPANS_AT_ONCE);
            taken += count;
        }
        assert_eq!(taken, SPANS_WAITING_MAX, "the others are lost");
    }
}
