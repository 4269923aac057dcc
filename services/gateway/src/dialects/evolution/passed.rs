//! Routes that Berth does not have: messaging and its helpers, `/{group}/…/{instance}`, passed on to the upstream of the
//! instance while it may be used, and unknown for any other instance.

use std::{error::Error, sync::Arc};

use axum::{
    body::{Body, HttpBody as _},
    extract::{FromRequestParts as _, Request},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use berth_domain::instance::Unusable;
use berth_proto::instance::PauseReasonV1;
use berth_upstreams::{
    PassError, UpstreamError,
    http::segment,
    pass::{Incoming, Outgoing},
};
use futures::{StreamExt as _, TryStreamExt as _};

use super::{
    ORDER,
    call::{Caller, refused_on},
    error::EvolutionError,
    paths::is_passed,
};
use crate::{
    app::{Admitted, App, Failure, PassFailure},
    http::{
        headers,
        metrics::{self, OpenPass},
        rest::HandedOn,
        target::{TargetError, segments_of},
        upload::{Cut, Upload},
    },
};

/// Why an instance may not be used, in a word.
const REASON: HeaderName = HeaderName::from_static("x-berth-reason");
/// Segments of the shortest path that names an instance: `/call/offer/shop`.
const SEGMENTS_MIN: usize = 3;
/// What an answer is, whatever it says that it is: a page that would run as one of Berth's own.
const AS_DATA: [(HeaderName, HeaderValue); 2] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
];

/// Why a request has no answer of an upstream.
enum NotPassed {
    /// It never could: the answer of an unknown route, or of a wrong key.
    Elsewhere(EvolutionError),
    /// Its instance may not be used now.
    Closed { name: String, why: Unusable },
    /// Something failed, which is counted under this outcome.
    Failed { outcome: &'static str, error: EvolutionError },
}

/// Answers a path of this dialect that no route has.
pub(super) async fn answer(app: &App, request: Request) -> Response {
    let unknown = EvolutionError::unknown_route(request.method(), request.uri());
    if !app.passes.are_possible() || !is_passed(request.uri().path()) || !has_method(request.method()) {
        return unknown.into_response();
    }
    match Box::pin(pass(app, request, unknown)).await {
        Ok(response) => {
            metrics::passed(metrics::class(response.status().as_u16()));
            response
        }
        Err(NotPassed::Elsewhere(error)) => error.into_response(),
        Err(NotPassed::Closed { name, why }) => {
            metrics::passed("refused");
            let mut response = closed(&name, why).into_response();
            response.headers_mut().insert(REASON, HeaderValue::from_static(why.word()));
            response
        }
        Err(NotPassed::Failed { outcome, error }) => {
            metrics::passed(outcome);
            error.into_response()
        }
    }
}

const fn has_method(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::POST | Method::PUT | Method::PATCH | Method::DELETE
    )
}

/// Passes a request on, and gives the head of the answer.
async fn pass(app: &App, request: Request, unknown: EvolutionError) -> Result<Response, NotPassed> {
    let (mut parts, body) = request.into_parts();
    let caller = Caller::from_request_parts(&mut parts, app).await.map_err(NotPassed::Elsewhere)?;
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let mut segments = segments_of(target).map_err(|error| NotPassed::Elsewhere(unclear(error)))?;
    if segments.len() < SEGMENTS_MIN {
        return Err(NotPassed::Elsewhere(unknown));
    }
    let name = segments.pop().unwrap_or_default();
    let principal = &caller.call.principal;
    let admitted = match app.passes.admit(principal, &name, &ORDER).await {
        Err(PassFailure::OnNoUpstream) => return Err(NotPassed::Elsewhere(unknown)),
        other => other.map_err(|failure| not_passed(&caller, &name, failure))?,
    };
    segments.push(admitted.name.clone());
    let path = segments.iter().fold(String::new(), |path, it| path + "/" + &segment(it));
    let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let announced = headers::text(&parts.headers, "content-length");
    if announced.and_then(|it| it.parse::<u64>().ok()).is_some_and(|it| it > admitted.body_bytes_max()) {
        return Err(too_large());
    }
    let request_id = headers::client(&parts.extensions).request_id.to_string();
    let outgoing = Outgoing {
        method: parts.method,
        target: format!("{path}{query}"),
        headers: parts.headers,
        request_id,
        body: None,
    };
    sent(&caller, &name, admitted, outgoing, body).await
}

async fn sent(
    caller: &Caller,
    name: &str,
    admitted: Admitted,
    outgoing: Outgoing,
    body: Body,
) -> Result<Response, NotPassed> {
    let open = OpenPass::begin();
    let admitted = Arc::new(admitted);
    let (upload, stream) = if body.is_end_stream() {
        (Upload::none(), None)
    } else {
        let again = Arc::clone(&admitted);
        let leave = move || {
            let again = Arc::clone(&again);
            async move { again.ask_again().await }
        };
        let (upload, stream) = Upload::of(body, admitted.body_bytes_max(), leave);
        (upload, Some(stream.map_err(Box::<dyn Error + Send + Sync>::from).boxed()))
    };
    let answered = tokio::select! {
        answered = admitted.pass(Outgoing { body: stream, ..outgoing }) => answered,
        () = upload.overdue(admitted.answer_max()) => Err(PassError::Upstream(UpstreamError::TimedOut)),
    };
    let answered = answered.map_err(|error| match upload.cut() {
        None => not_passed(caller, name, error.into()),
        Some(Cut::TooLarge) => too_large(),
        Some(Cut::TooSlow | Cut::BrokenOff) => {
            let message = "The body did not arrive in time";
            failed("too_slow", StatusCode::REQUEST_TIMEOUT, message)
        }
        Some(Cut::Refused(failure)) => not_passed(caller, name, failure),
    });
    let Incoming { status, headers, body } = answered?;
    // Open until the last piece of the answer is read, or nobody reads it any more.
    let body = Body::from_stream(body.map(move |piece| {
        let _ = &open;
        piece
    }));
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response.headers_mut().extend(AS_DATA);
    if !upload.is_over().await {
        // The upstream answered early, and reads on.
        response.extensions_mut().insert(HandedOn);
    }
    Ok(response)
}

/// What a failure comes to in this dialect.
fn not_passed(caller: &Caller, name: &str, failure: PassFailure) -> NotPassed {
    match failure {
        PassFailure::Unusable(why) => NotPassed::Closed { name: name.to_owned(), why },
        PassFailure::Failed(failure @ (Failure::NotFound | Failure::Unauthorized | Failure::Forbidden)) => {
            NotPassed::Elsewhere(refused_on(&caller.call.principal, name, failure))
        }
        PassFailure::Failed(failure) => {
            NotPassed::Failed { outcome: "unknown", error: EvolutionError::of(name, failure) }
        }
        PassFailure::OnNoUpstream | PassFailure::Unconfigured => {
            failed("unusable", StatusCode::BAD_GATEWAY, "The upstream of the instance is not configured")
        }
        PassFailure::Pass(PassError::Busy) => {
            NotPassed::Failed { outcome: "busy", error: EvolutionError::Other(busy()) }
        }
        PassFailure::Pass(PassError::Upstream(error)) => of_upstream(error),
    }
}

fn of_upstream(error: UpstreamError) -> NotPassed {
    tracing::warn!("a request was passed on to an upstream in vain: {error}");
    match error {
        UpstreamError::TimedOut => {
            failed("timed_out", StatusCode::GATEWAY_TIMEOUT, "The upstream did not answer in time")
        }
        UpstreamError::Unreachable => {
            failed("unreachable", StatusCode::BAD_GATEWAY, "The upstream cannot be reached")
        }
        UpstreamError::Redirected => failed(
            "unusable",
            StatusCode::BAD_GATEWAY,
            "The upstream redirects to another address, which is not followed",
        ),
        UpstreamError::KeyRefused => {
            failed("unusable", StatusCode::BAD_GATEWAY, "The upstream refuses the key of this service")
        }
        UpstreamError::TooLarge => {
            failed("unusable", StatusCode::BAD_GATEWAY, "The answer of the upstream is too large")
        }
        UpstreamError::Setup
        | UpstreamError::NotFound
        | UpstreamError::NoSocket
        | UpstreamError::Status(_)
        | UpstreamError::Unexpected
        | UpstreamError::OtherInstance
        | UpstreamError::Loop => failed("unusable", StatusCode::BAD_GATEWAY, "The upstream cannot be used"),
    }
}

fn failed(outcome: &'static str, status: StatusCode, message: &'static str) -> NotPassed {
    NotPassed::Failed { outcome, error: EvolutionError::Passing(status, message) }
}

fn too_large() -> NotPassed {
    NotPassed::Failed { outcome: "too_large", error: EvolutionError::TooLarge }
}

fn busy() -> Failure {
    Failure::unavailable("the room for requests to the upstream", PassError::Busy)
}

/// The product's own words for a socket that is not there.
fn closed(name: &str, why: Unusable) -> EvolutionError {
    match why {
        Unusable::Paused(PauseReasonV1::Banned) => EvolutionError::banned(),
        Unusable::Paused(_) | Unusable::NoSession { .. } => EvolutionError::not_connected(name),
    }
}

fn unclear(error: TargetError) -> EvolutionError {
    EvolutionError::Refused(match error {
        TargetError::SecondName => "The query names an instance beside the path's".to_owned(),
        TargetError::NotAPath | TargetError::Missing | TargetError::Ambiguous => {
            "The path has a segment that could be read in two ways".to_owned()
        }
    })
}
