//! `GET /v1/gate/{i}`: may this token use this instance for messaging now?
//!
//! For a proxy in front of a messaging gateway, which asks before it lets a request through. Whatever cannot be known is
//! a 503, so that nothing passes; the quotas of a token do not count here, since a proxy can do nothing with a 429.

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use berth_domain::instance::Unusable;
use berth_proto::{frame::RejectionCodeV1, instance::ConnectionV1};

use crate::{
    app::{App, Failure, Principal, Standing},
    http::{
        headers, log_unavailable, metrics,
        target::{TargetError, segment_of},
    },
    native::{Code, ORDER, Problem, call::Key},
};

/// Why, in a word.
const REASON: HeaderName = HeaderName::from_static("x-berth-reason");
/// The id of the instance that may be used.
const INSTANCE: HeaderName = HeaderName::from_static("x-berth-instance");
/// The target of the request that a proxy asks about.
const FORWARDED: &str = "x-forwarded-uri";

/// Who shows which token; the client's headers come as it sent them to the proxy.
#[derive(Debug)]
pub(super) struct Shown(Principal);

impl FromRequestParts<App> for Shown {
    type Rejection = Closed;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Closed> {
        let token = token(&parts.headers).ok_or(Closed::Failed(Failure::Unauthorized))?;
        // The address is the proxy's: a bound for it would be one for everybody behind it.
        Ok(Self(app.principals.authenticate(token, None).await?))
    }
}

/// The token of a request: a bearer token, else an `apikey`, which clients of Evolution API send.
fn token(headers: &HeaderMap) -> Option<&str> {
    headers::bearer(headers).or_else(|| headers::text(headers, "apikey"))
}

/// The gate does not open.
#[derive(Debug)]
pub(super) enum Closed {
    /// The instance may not be used now.
    Unusable(Unusable),
    /// The path that is asked about names no instance.
    Target(TargetError),
    /// It is not known, or not for this token.
    Failed(Failure),
}

impl From<Failure> for Closed {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<TargetError> for Closed {
    fn from(error: TargetError) -> Self {
        Self::Target(error)
    }
}

impl Closed {
    /// The status, a word and a sentence.
    fn told(&self) -> (Code, &'static str, String) {
        let refused = |reason, detail: &str| (Code::GateClosed, reason, detail.to_owned());
        match self {
            Self::Unusable(unusable) => {
                let reason = unusable.word();
                (Code::GateClosed, reason, format!("The instance cannot be used for messaging: {reason}."))
            }
            Self::Target(error) => (Code::GateClosed, "invalid_path", format!("{error}.")),
            Self::Failed(Failure::Unauthorized) => {
                (Code::Unauthorized, "unauthorized", "A valid token is needed.".to_owned())
            }
            Self::Failed(
                Failure::NotFound | Failure::Rejected(RejectionCodeV1::NotFound | RejectionCodeV1::Deleted),
            ) => refused("not_found", "There is no such instance for this token."),
            Self::Failed(Failure::Forbidden) => refused("forbidden", "This token uses no instance."),
            Self::Failed(_) => (Code::Unavailable, "unknown", "It is not known at this moment.".to_owned()),
        }
    }
}

impl IntoResponse for Closed {
    fn into_response(self) -> Response {
        let (code, reason, detail) = self.told();
        let answer = match code {
            Code::Unauthorized => "no_token",
            Code::GateClosed => "refused",
            _ => "unknown",
        };
        if let Self::Failed(failure) = &self
            && answer == "unknown"
        {
            log_unavailable(failure);
        }
        metrics::gate_answered(answer);
        let mut response = Problem::new(code, detail).into_response();
        response.headers_mut().insert(REASON, HeaderValue::from_static(reason));
        response
    }
}

/// Says whether the token may use the instance for messaging now: 200, 401, 403, or 503 if that cannot be known. The
/// header `X-Berth-Reason` says why in a word. The token may come as `apikey` too.
#[utoipa::path(
    get, operation_id = "ask_gate", path = "/v1/gate/{i}", tag = "gate",
    params(("i" = String, Path, description = "Id, name or number")),
    responses((status = 200, description = "It may."))
)]
pub(super) async fn handler(State(app): State<App>, shown: Shown, Key(key): Key) -> Result<Response, Closed> {
    opened(&app.finder.standing(&shown.0, &key, &ORDER).await?)
}

/// The same for the instance that stands at the place `n` of the path in `X-Forwarded-Uri`, counted from 1.
#[utoipa::path(
    get, operation_id = "ask_gate_for_path", path = "/v1/gate/segment/{n}", tag = "gate",
    params(
        ("n" = usize, Path, description = "Which segment of the path is the instance"),
        ("X-Forwarded-Uri" = String, Header, description = "The path and query of the request that is asked about")
    ),
    responses((status = 200, description = "It may."))
)]
pub(super) async fn forwarded(
    State(app): State<App>,
    shown: Shown,
    Key(place): Key,
    headers: HeaderMap,
) -> Result<Response, Closed> {
    let mut targets = headers.get_all(FORWARDED).iter();
    let target = targets.next().and_then(|target| target.to_str().ok()).ok_or(TargetError::NotAPath)?;
    if targets.next().is_some() {
        return Err(TargetError::Ambiguous.into());
    }
    for_target(&app, &shown.0, target, &place).await
}

/// The same for a proxy that puts the question before the path: any method, since it repeats the client's.
pub(super) async fn prefixed(
    State(app): State<App>,
    shown: Shown,
    Key(place): Key,
    request: Request,
) -> Result<Response, Closed> {
    let asked = request.uri().path_and_query().map_or("", |target| target.as_str());
    let rest = asked.strip_prefix("/v1/gate/segment/").and_then(|rest| rest.find('/').map(|at| &rest[at..]));
    for_target(&app, &shown.0, rest.ok_or(TargetError::NotAPath)?, &place).await
}

async fn for_target(app: &App, principal: &Principal, target: &str, place: &str) -> Result<Response, Closed> {
    let place = place.parse().map_err(|_| TargetError::Missing)?;
    let name = segment_of(target, place)?;
    opened(&app.finder.standing(principal, &name, &ORDER).await?)
}

fn opened(standing: &Standing) -> Result<Response, Closed> {
    let connection = standing.usable.map_err(Closed::Unusable)?;
    let reason = match connection {
        ConnectionV1::Opening => "opening",
        ConnectionV1::Open => "open",
        ConnectionV1::Lost => "lost",
    };
    metrics::gate_answered("allowed");
    let mut response = StatusCode::OK.into_response();
    let headers = response.headers_mut();
    headers.insert(REASON, HeaderValue::from_static(reason));
    if let Ok(id) = HeaderValue::try_from(standing.instance.to_string()) {
        headers.insert(INSTANCE, id);
    }
    Ok(response)
}
