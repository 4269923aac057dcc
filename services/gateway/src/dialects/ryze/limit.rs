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
    app::{Allowance, App, Failure, Principal, Rate},
    http::headers,
};

/// Requests of a token to any route but the create.
const GLOBAL: Rate = Rate { requests: 100, window_seconds: 60 };
/// Creates of a token.
const CREATE: Rate = Rate { requests: 20, window_seconds: 60 };

/// Finds out who asks, counts the request and says in the answer what is left.
pub(super) async fn layer(State(app): State<App>, mut request: Request, next: Next) -> Response {
    if request.method() == Method::OPTIONS {
        return preflight();
    }
    let token = token(request.headers(), request.uri());
    let known = match &token {
        None => Ok(None),
        Some(token) => match app.authenticate(token, headers::peer(request.extensions())).await {
            Ok(Principal::Root) | Err(Failure::Unauthorized) => Ok(None),
            Ok(principal) => Ok(Some(principal)),
            Err(failure) => Err(failure),
        },
    };
    let known = match known {
        Ok(known) => known,
        Err(failure) => return RyzeError::of("Failed to check the token", failure).into_response(),
    };
    let (bucket, rate) =
        if request.uri().path() == "/api/instance/new" { ("ryze-new", CREATE) } else { ("ryze", GLOBAL) };
    let who = match (known, token) {
        (Some(_), Some(token)) => token,
        _ => headers::peer(request.extensions()).map(App::address_bucket).unwrap_or_default(),
    };
    let allowance = match app.count(bucket, &who, rate).await {
        Ok(allowance) => allowance,
        Err(failure) => return RyzeError::of("Failed to count the request", failure).into_response(),
    };
    let mut response = if allowance.allowed {
        request.extensions_mut().insert(Known(known));
        next.run(request).await
    } else {
        RyzeError::Limited.into_response()
    };
    tell(&mut response, &allowance);
    response
}

fn tell(response: &mut Response, allowance: &Allowance) {
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
