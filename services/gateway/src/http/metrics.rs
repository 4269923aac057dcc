//! The metrics of the gateway: names, units and help in one place, and the layer that counts requests.
//!
//! A route is named by its template: the path itself may hold a token.

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};
use berth_runtime::telemetry::Handles;
use metrics::{
    Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use tokio::time::Instant;

const REQUESTS: &str = "berth_gateway_requests_total";
const REQUEST_SECONDS: &str = "berth_gateway_request_seconds";
const BODIES_REFUSED: &str = "berth_gateway_bodies_refused_total";
const GATE: &str = "berth_gateway_gate_total";
const STREAMS: &str = "berth_gateway_open_streams";

static SECONDS: Handles<&str, Histogram> = Handles::new(|door| histogram!(REQUEST_SECONDS, "door" => door));

/// Tells the exporter what the metrics mean.
pub(crate) fn describe() {
    describe_counter!(
        REQUESTS,
        Unit::Count,
        "Requests that were answered, by door (native or a dialect), template of the route and class of the status."
    );
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
    describe_gauge!(STREAMS, Unit::Count, "Event streams and sockets that are open, by door.");
    for door in ["native", "ryze", "green"] {
        gauge!(STREAMS, "door" => door).increment(0.0);
    }
}

/// Counts a request of a door whose routes the router knows.
pub(crate) async fn measured(door: &'static str, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    count(door, route.as_ref().map_or("-", MatchedPath::as_str), next.run(request)).await
}

/// Counts a request whose answer this gives.
pub(crate) async fn count(
    door: &'static str,
    route: &str,
    answering: impl Future<Output = Response>,
) -> Response {
    let begun = Instant::now();
    let answer = answering.await;
    let status = match answer.status().as_u16() {
        0..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    };
    counter!(REQUESTS, "door" => door, "route" => route.to_owned(), "status" => status).increment(1);
    SECONDS.of(door).record(begun.elapsed().as_secs_f64());
    answer
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
