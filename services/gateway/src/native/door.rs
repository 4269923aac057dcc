//! The native API over NATS, for programs of customers: `berth.v1.api.<account>.<verb>.<instance>`.
//!
//! A request is a request of the native API in another envelope: it goes through the same routes, with the same bodies,
//! quotas, idempotency keys and problems. Whose program it is, NATS has told by the subject: nobody else may ask on it.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{self, Body},
    extract::{Request, State},
    http::{self, HeaderName, HeaderValue, Method, header::CONTENT_TYPE},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use berth_bus::{
    TransportError,
    door::{Answered, Door, Headers, Visit},
};
use berth_proto::{
    AccountId,
    subject::{API_FILTER, ApiSubject, ApiVerb},
};
use berth_runtime::Lifecycle;
use bytes::Bytes;
use futures::StreamExt;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::{Instant, sleep};
use tower::ServiceExt as _;

use super::{problem::Problem, quota::with_quota};
use crate::{
    app::{App, Failure, Principal, Seat, Seats},
    http::{metrics, request_id},
};

/// All gateways share the requests.
const QUEUE: &str = "gateway";
/// Requests that run at once in a gateway, and of one account: some wait a minute for a code.
const RUNNING_MAX: usize = 512;
const RUNNING_OF_ACCOUNT_MAX: usize = 64;
/// Seconds after which one that was refused for that may come again.
const ROOM_AFTER_SECONDS: u32 = 1;
/// Bytes of an answer: a code as a picture is the largest.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// How long to wait before requests are served again when that failed.
const SERVE_AGAIN: Duration = Duration::from_millis(500);
/// How often that is told at most.
const TELL_AGAIN: Duration = Duration::from_mins(1);

/// The status of an answer, as HTTP has it.
const STATUS: &str = "Berth-Status";
/// What NATS's own tools show of an answer that is a problem.
const ERROR_CODE: &str = "Nats-Service-Error-Code";
const ERROR: &str = "Nats-Service-Error";
/// Headers of a request that mean here what they mean over HTTP.
const TAKEN: [&str; 3] = ["idempotency-key", "x-request-id", "traceparent"];

/// Whose program asks, as NATS has told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visitor(pub(super) Principal);

/// Serves the requests of programs of customers until the life ends.
pub fn start(app: &App, door: Arc<dyn Door>, lifecycle: &Lifecycle) {
    let routes = super::router(app.clone()).layer(from_fn_with_state(app.clone(), around));
    let desk =
        Arc::new(Desk { app: app.clone(), routes, seats: Seats::new(RUNNING_MAX, RUNNING_OF_ACCOUNT_MAX) });
    let (stop, lifecycle) = (lifecycle.stop().clone(), lifecycle.clone());
    lifecycle.clone().spawn(async move {
        let mut trouble = Trouble::default();
        while !stop.is_cancelled() {
            match door.serve_until(API_FILTER, QUEUE, stop.clone()).await {
                Ok(mut visits) => {
                    while let Some(visit) = visits.next().await {
                        desk.take(visit, &lifecycle);
                    }
                    // What a program sent can do that. Requests that came with it get no answer.
                    if !stop.is_cancelled() && trouble.is_to_be_told() {
                        tracing::warn!("the connection for requests over NATS ended; opening another");
                    }
                }
                Err(TransportError(error)) => {
                    if trouble.is_to_be_told() {
                        tracing::warn!(%error, "requests over NATS cannot be served now");
                    }
                }
            }
            stop.run_until_cancelled(sleep(SERVE_AGAIN)).await;
        }
    });
}

/// When it was last told that the door does not serve: programs can bring that about as often as they like.
#[derive(Debug, Default)]
struct Trouble(Option<Instant>);

impl Trouble {
    fn is_to_be_told(&mut self) -> bool {
        let is_long_ago = self.0.is_none_or(|told| told.elapsed() >= TELL_AGAIN);
        if is_long_ago {
            self.0 = Some(Instant::now());
        }
        is_long_ago
    }
}

/// What is done around every request, as over HTTP. What was refused before its route was reached is answered here, so that it
/// is counted and has an id as any other request.
async fn around(State(app): State<App>, request: Request, next: Next) -> Response {
    let quotas_of = app.clone();
    let answer = |mut request: Request| async move {
        match request.extensions_mut().remove::<Problem>() {
            Some(problem) => problem.into_response(),
            None => with_quota(quotas_of, request, next).await,
        }
    };
    let measured = |request| metrics::measured("nats", request, answer);
    request_id::noted(&app, request, measured).await
}

/// Where requests are worked on.
struct Desk {
    app: App,
    routes: Router,
    /// For requests that run.
    seats: Arc<Seats>,
}

// === impl Desk ===

impl Desk {
    /// Has a request worked on, or refuses it if there is no room.
    fn take(self: &Arc<Self>, visit: Visit, lifecycle: &Lifecycle) {
        let Visit { subject, headers, payload, answer } = visit;
        // What a consumer was made to deliver here comes on the subject that it was stored on.
        let Ok(asked) = subject.parse::<ApiSubject>() else {
            tracing::warn!(subject, "a message that is no request was dropped");
            return;
        };
        let seat = self.seats.take(asked.account);
        let desk = Arc::clone(self);
        let _task = lifecycle.spawn(async move {
            let response = match request(&asked, &headers, payload) {
                Ok(request) => desk.answer(request, asked.account, seat).await,
                Err(problem) => problem.into_response(),
            };
            let _gone = answer.send(in_envelope(response).await);
        });
    }

    async fn answer(&self, mut request: Request, account: AccountId, seat: Option<Seat>) -> Response {
        match self.admitted(account, seat.as_ref()).await {
            Ok(principal) => {
                request.extensions_mut().insert(Visitor(principal));
            }
            Err(problem) => {
                request.extensions_mut().insert(problem);
            }
        }
        // Boxed: the routes' future is large.
        Box::pin(self.routes.clone().oneshot(request)).await.into_response()
    }

    /// Who asks, if its account is open and has room.
    async fn admitted(&self, account: AccountId, seat: Option<&Seat>) -> Result<Principal, Problem> {
        if seat.is_none() {
            return Err(Failure::Limited { retry_after_seconds: ROOM_AFTER_SECONDS }.into());
        }
        Ok(self.app.accounts.principal(account).await?)
    }
}

/// The same request as HTTP has it.
fn request(asked: &ApiSubject, headers: &Headers, payload: Bytes) -> Result<Request, Problem> {
    let instance = utf8_percent_encode(&asked.instance, NON_ALPHANUMERIC);
    let (method, path) = match asked.verb {
        ApiVerb::Get => (Method::GET, format!("/v1/instances/{instance}")),
        verb => (Method::POST, format!("/v1/instances/{instance}/{verb}")),
    };
    let mut builder =
        http::Request::builder().method(method).uri(path).header(CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        if TAKEN.iter().any(|taken| taken.eq_ignore_ascii_case(name)) {
            builder = builder.header(name.to_ascii_lowercase(), value);
        }
    }
    builder.body(Body::from(payload)).map_err(|_| Problem::invalid("A header or the id is not well formed."))
}

/// An answer as NATS carries it.
async fn in_envelope(response: Response) -> Answered {
    let (parts, body) = response.into_parts();
    let mut headers = vec![(STATUS.to_owned(), parts.status.as_u16().to_string())];
    let named = |(name, value): (&HeaderName, &HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    headers.extend(parts.headers.iter().filter_map(named));
    let payload = body::to_bytes(body, ANSWER_BYTES_MAX).await.unwrap_or_default();
    if parts.status.is_client_error() || parts.status.is_server_error() {
        headers.push((ERROR_CODE.to_owned(), parts.status.as_u16().to_string()));
        headers.push((ERROR.to_owned(), code_of(&payload)));
    }
    Answered { headers, payload }
}

/// The code of a problem.
fn code_of(problem: &[u8]) -> String {
    let problem: serde_json::Value = serde_json::from_slice(problem).unwrap_or_default();
    problem.get("code").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}
