//! The metrics of the gateway: names, units and help in one place, and the layer that counts requests, notes them in the log
//! (at `debug`) and in their trace.
//!
//! A route is named by its template, in all three: the path itself may hold a token, and so may the query.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError, RwLock},
};

use axum::{
    extract::{MatchedPath, Request},
    http::Method,
    response::Response,
};
use berth_runtime::telemetry::{
    Handles,
    traces::{self, SpanKind, TraceContext},
};
use metrics::{
    Counter, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use tokio::time::Instant;
use tracing::debug;

use super::headers;

/// The header with the trace that a request belongs to.
const TRACEPARENT: &str = "traceparent";

const REQUESTS: &str = "berth_gateway_requests_total";
const REQUEST_SECONDS: &str = "berth_gateway_request_seconds";
const BODIES_REFUSED: &str = "berth_gateway_bodies_refused_total";
const GATE: &str = "berth_gateway_gate_total";
const PASSES: &str = "berth_gateway_passes_total";
const OPEN_PASSES: &str = "berth_gateway_open_passes";
const HEARD: &str = "berth_gateway_heard_total";
const STREAMS: &str = "berth_gateway_open_streams";
const COMMANDS: &str = "berth_gateway_commands_under_way";
const COMMANDS_REFUSED: &str = "berth_gateway_commands_refused_total";

/// Counters of requests by door and class of status, and by route: templates, of which there are some hundred.
static ANSWERED: RwLock<Answered> = RwLock::new(BTreeMap::new());
static SECONDS: Handles<&str, Histogram> = Handles::new(|door| histogram!(REQUEST_SECONDS, "door" => door));

/// Tells the exporter what the metrics mean.
pub(crate) fn describe() {
    describe_counter!(
        REQUESTS,
        Unit::Count,
        "Requests that were answered, by door (native or a dialect), template of the route and class of the status."
    );
    counter!(REQUESTS, "door" => "native", "route" => "-", "status" => "5xx").increment(0);
    describe_histogram!(
        REQUEST_SECONDS,
        Unit::Seconds,
        "From the head of a request to the head of its answer, by door; waits that the client asked for included."
    );
    describe_counter!(
        BODIES_REFUSED,
        Unit::Count,
        "Requests that were refused with 503 because bodies of others used up the memory for them"
    );
    counter!(BODIES_REFUSED).increment(0);
    describe_counter!(
        GATE,
        Unit::Count,
        "Questions whether a token may use an instance for messaging, by answer (allowed, no_token, refused, unknown)"
    );
    for answer in ["allowed", "no_token", "refused", "unknown"] {
        counter!(GATE, "answer" => answer).increment(0);
    }
    describe_counter!(
        PASSES,
        Unit::Count,
        "Requests for messaging of an instance on an upstream, by outcome: the class of the upstream's status, or why there is \
         none"
    );
    for outcome in ["2xx", "4xx", "5xx", "refused", "unknown", "unreachable", "timed_out"] {
        counter!(PASSES, "outcome" => outcome).increment(0);
    }
    describe_gauge!(
        OPEN_PASSES,
        Unit::Count,
        "Requests that are being passed on to upstreams, or answered by them."
    );
    gauge!(OPEN_PASSES).increment(0.0);
    describe_counter!(
        HEARD,
        Unit::Count,
        "What upstreams said of instances that Berth drives, by what became of it (hint, relayed, silenced, refused, busy, \
         unavailable)"
    );
    for outcome in ["hint", "relayed", "silenced", "refused", "unavailable"] {
        counter!(HEARD, "outcome" => outcome).increment(0);
    }
    describe_gauge!(COMMANDS, Unit::Count, "Commands that were asked for and are not decided.");
    gauge!(COMMANDS).set(0.0);
    describe_counter!(
        COMMANDS_REFUSED,
        Unit::Count,
        "Commands that were refused since there was no room for more of an account, an instance, a shard of the log or the \
         gateway at once."
    );
    for of in ["account", "instance", "shard", "gateway"] {
        counter!(COMMANDS_REFUSED, "of" => of).increment(0);
    }
    describe_gauge!(STREAMS, Unit::Count, "Event streams and sockets that are open, by door.");
    for door in ["native", "ryze", "green"] {
        gauge!(STREAMS, "door" => door).increment(0.0);
    }
}

/// An upstream was heard.
pub(crate) fn heard(outcome: &'static str) {
    counter!(HEARD, "outcome" => outcome).increment(1);
}

/// See [`ANSWERED`].
type Answered = BTreeMap<(&'static str, &'static str), HashMap<String, Counter>>;

/// What is told of a request: nothing that its client may have meant to be secret.
pub(crate) struct Told {
    door: &'static str,
    method: Method,
    id: Arc<str>,
    /// What its client says that it is a part of.
    parent: Option<TraceContext>,
}

impl Told {
    /// Of a request through this door.
    pub(crate) fn of(door: &'static str, request: &Request) -> Self {
        let parent = headers::text(request.headers(), TRACEPARENT).and_then(TraceContext::parse);
        let id = headers::client(request.extensions()).request_id;
        Self { door, method: request.method().clone(), id, parent }
    }
}

/// Counts a request of a door whose routes the router knows.
pub(crate) async fn measured<F>(
    door: &'static str,
    request: Request,
    answer: impl FnOnce(Request) -> F,
) -> Response
where
    F: Future<Output = Response>,
{
    let route = request.extensions().get::<MatchedPath>().cloned();
    let told = Told::of(door, &request);
    count(told, route.as_ref().map_or("-", MatchedPath::as_str), answer(request)).await
}

/// Counts a request whose answer this gives.
pub(crate) async fn count(told: Told, route: &str, answering: impl Future<Output = Response>) -> Response {
    let Told { door, method, id, parent } = told;
    let mut span = traces::begin("request", SpanKind::Server, parent);
    let begun = Instant::now();
    let answer = traces::within(span.context(), answering).await;
    let took = begun.elapsed();
    let code = answer.status().as_u16();
    debug!(door, %method, route, status = code, ms = took.as_secs_f64() * 1_000.0, "a request was answered");
    if span.is_recorded() {
        span.rename(format!("{method} {route}"));
        span.say("http.request.method", method.to_string());
        span.say("http.route", route.to_owned());
        span.say("http.response.status_code", u64::from(code));
        span.say("berth.door", door);
        span.say("berth.request_id", id.to_string());
        if code >= 500 {
            span.fail();
        }
    }
    let status = class(code);
    answered(door, route, status).increment(1);
    SECONDS.of(door).record(took.as_secs_f64());
    answer
}

/// The counter of such requests.
fn answered(door: &'static str, route: &str, status: &'static str) -> Counter {
    let known = ANSWERED.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(counter) = known.get(&(door, status)).and_then(|routes| routes.get(route)) {
        return counter.clone();
    }
    drop(known);
    let counter = counter!(REQUESTS, "door" => door, "route" => route.to_owned(), "status" => status);
    let mut known = ANSWERED.write().unwrap_or_else(PoisonError::into_inner);
    known.entry((door, status)).or_default().insert(route.to_owned(), counter.clone());
    counter
}

/// The class of a status.
pub(crate) const fn class(code: u16) -> &'static str {
    match code {
        0..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}

/// A request that was to be passed on came to this.
pub(crate) fn passed(outcome: &'static str) {
    counter!(PASSES, "outcome" => outcome).increment(1);
}

/// A request that is being passed on until this is dropped.
#[derive(Debug)]
pub(crate) struct OpenPass(());

impl OpenPass {
    /// Counts one more.
    pub(crate) fn begin() -> Self {
        gauge!(OPEN_PASSES).increment(1.0);
        Self(())
    }
}

impl Drop for OpenPass {
    fn drop(&mut self) {
        gauge!(OPEN_PASSES).decrement(1.0);
    }
}

/// So many commands are under way.
pub(crate) fn commands_under_way(count: usize) {
    gauge!(COMMANDS).set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
}

/// There was no room for one more command.
pub(crate) fn command_refused(of: &'static str) {
    counter!(COMMANDS_REFUSED, "of" => of).increment(1);
}

/// A body was refused for want of memory.
pub(super) fn body_refused() {
    counter!(BODIES_REFUSED).increment(1);
}

/// A gate gave an answer.
pub(crate) fn gate_answered(answer: &'static str) {
    counter!(GATE, "answer" => answer).increment(1);
}

/// A stream that is open until this is dropped.
#[derive(Debug)]
pub(crate) struct OpenStream(&'static str);

impl OpenStream {
    /// Counts one more.
    pub(crate) fn of(door: &'static str) -> Self {
        gauge!(STREAMS, "door" => door).increment(1.0);
        Self(door)
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        gauge!(STREAMS, "door" => self.0).decrement(1.0);
    }
}
