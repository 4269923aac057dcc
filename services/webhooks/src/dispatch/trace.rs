//! The last hops of a trace: how long a notice was in the outbox, and each attempt to send it.

use berth_runtime::telemetry::traces::{self, Span, SpanKind, TraceContext};

use super::{lane::Pending, prepare::Prepared};

/// An attempt, as a part of the trace that the commit of its notice belongs to; none if that has none. With the first one
/// ends what the notice waited for: its commit had to reach the outbox, and the notice its turn.
pub(super) fn begin(pending: &Pending, prepared: &Prepared) -> Option<Span> {
    let mut parent = prepared.traceparent.as_deref().and_then(TraceContext::parse)?;
    if pending.attempts == 0 {
        let outbox =
            traces::begin("outbox", SpanKind::Consumer, Some(parent)).since(pending.owed.occurred_at);
        parent = outbox.context().unwrap_or(parent);
    }
    let mut span = traces::begin("webhook", SpanKind::Client, Some(parent));
    if span.is_recorded() {
        span.say("berth.instance", pending.key.instance.to_string());
        span.say("berth.endpoint", pending.key.endpoint.to_string());
        span.say("berth.event", pending.owed.event.clone());
        span.say("berth.attempt", u64::from(pending.attempts) + 1);
    }
    Some(span)
}

/// How it ended: with this status, or without an answer.
pub(super) fn end(span: &mut Span, status: Option<u16>) {
    if let Some(status) = status {
        span.say("http.response.status_code", u64::from(status));
    }
    if !status.is_some_and(|status| (200..300).contains(&status)) {
        span.fail();
    }
}
