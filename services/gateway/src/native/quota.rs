//! Quotas of the native API: each request is counted before anything is done for it, and its answer says what is left.

use std::{
    fmt::Write as _,
    sync::{Arc, OnceLock},
};

use axum::{
    extract::Request,
    http::{Extensions, HeaderName, HeaderValue, Method},
    middleware::Next,
    response::Response,
};

use crate::app::{App, Failure, Left, Principal, Spending, Tally};

/// What the quotas are (draft-ietf-httpapi-ratelimit-headers-10).
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// What is left of them.
const LEFT: HeaderName = HeaderName::from_static("ratelimit");

/// What a request was counted against: written when the caller is known, read when the answer is there.
#[derive(Debug, Clone, Default)]
struct Counted(Arc<OnceLock<Tally>>);

/// Says in the answer of a route what is left of the quotas that the request counted against.
pub(crate) async fn with_quota(app: App, mut request: Request, next: Next) -> Response {
    let counted = Counted::default();
    request.extensions_mut().insert(counted.clone());
    let mut response = next.run(request).await;
    if let Some(tally) = counted.0.get() {
        add_headers(&mut response, app.counters.left(tally));
    }
    response
}

/// Counts a request of this caller.
pub(super) async fn count(
    app: &App,
    principal: &Principal,
    method: &Method,
    extensions: &Extensions,
) -> Result<(), Failure> {
    let tally = app.counters.tally(principal, spending(method));
    match extensions.get() {
        Some(Counted(counted)) => app.counters.spend(counted.get_or_init(|| tally)).await,
        None => app.counters.spend(&tally).await,
    }
}

fn spending(method: &Method) -> Spending {
    if method.is_safe() { Spending::Read } else { Spending::Command }
}

fn add_headers(response: &mut Response, quotas: impl Iterator<Item = Left>) {
    let (mut policies, mut rest) = (String::new(), String::new());
    for Left { name, limit, window_seconds, remaining, resets_in_seconds } in quotas {
        let comma = if policies.is_empty() { "" } else { ", " };
        let _infallible = write!(policies, "{comma}\"{name}\";q={limit};w={window_seconds}");
        let _infallible = write!(rest, "{comma}\"{name}\";r={remaining};t={resets_in_seconds}");
    }
    for (name, value) in [(POLICY, policies), (LEFT, rest)] {
        if let Ok(value) = HeaderValue::try_from(value)
            && !value.is_empty()
        {
            response.headers_mut().insert(name, value);
        }
    }
}
