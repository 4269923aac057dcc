//! The rate limit: 100 requests a minute for each token, 20 for creates, told in every answer.

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{
    call::{Known, token},
    error::RyzeError,
};
use crate::{
    app::{Allowance, App, Failure, Principal, Rate, address_bucket},
    http::headers,
};

/// Requests of a token to any route but the create.
const GLOBAL: Rate = Rate { requests: 100, window_seconds: 60 };
/// Creates of a token.
const CREATE: Rate = Rate { requests: 20, window_seconds: 60 };

/// Finds out who asks, counts the request and says in the answer what is left.
pub(super) async fn layer(State(app): State<App>, request: Request, next: Next) -> Response {
    counted(&app, request, |request| next.run(request)).await
}

/// Counts a request, lets it be answered if it is within the limit, and says in any answer what is left.
pub(super) async fn counted<A: Future<Output = Response>>(
    app: &App,
    mut request: Request,
    answer: impl FnOnce(Request) -> A,
) -> Response {
    if request.method() == Method::OPTIONS {
        return preflight();
    }
    let token = token(request.headers(), request.uri());
    let known = match &token {
        None => Ok(None),
        Some(token) => match app.principals.authenticate(token, headers::peer(request.extensions())).await {
            Ok(Principal::Root) | Err(Failure::Unauthorized) => Ok(None),
            Ok(principal) => Ok(Some(principal)),
            Err(failure) => Err(failure),
        },
    };
    let is_create = request.method() == Method::POST && request.uri().path() == "/api/instance/new";
    let (bucket, rate) = if is_create { ("ryze-new", CREATE) } else { ("ryze", GLOBAL) };
    let who = match (&known, token) {
        (Ok(Some(_)), Some(token)) => token,
        _ => headers::peer(request.extensions()).map(address_bucket).unwrap_or_default(),
    };
    let (mut response, allowance) = match (app.counters.count(bucket, &who, rate).await, known) {
        (Err(failure), _) => {
            let error = RyzeError::of("Failed to count the request", failure);
            (error.into_response(), app.counters.uncounted(rate))
        }
        (Ok(allowance), _) if !allowance.allowed => (RyzeError::Limited.into_response(), allowance),
        (Ok(allowance), Err(failure)) => {
            (RyzeError::of("Failed to check the token", failure).into_response(), allowance)
        }
        (Ok(allowance), Ok(known)) => {
            request.extensions_mut().insert(Known(known));
            (answer(request).await, allowance)
        }
    };
    add_headers(&mut response, &allowance);
    response
}

fn add_headers(response: &mut Response, allowance: &Allowance) {
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("x-ratelimit-limit"), HeaderValue::from(allowance.limit));
    headers.insert(HeaderName::from_static("x-ratelimit-remaining"), HeaderValue::from(allowance.remaining));
    headers
        .insert(HeaderName::from_static("x-ratelimit-reset"), HeaderValue::from(allowance.reset_at_seconds));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"),
    );
}

/// The answer to a browser's CORS pre-flight. Credentials are headers that a page must add itself, so any
/// origin may ask.
fn preflight() -> Response {
    (
        StatusCode::NO_CONTENT,
        [
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, DELETE, OPTIONS"),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, "Content-Type, Authorization, token"),
        ],
    )
        .into_response()
}
