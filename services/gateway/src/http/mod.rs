//! What all doors share of HTTP: bodies, headers, paths and the fallback by path.

pub mod body;
pub(crate) mod cors;
pub mod headers;
pub(crate) mod metrics;
pub mod qr;
pub mod query;
pub(crate) mod request_id;
pub(crate) mod rest;
pub(crate) mod socket;
pub(crate) mod target;
pub mod time;
pub(crate) mod upload;

use axum::http::Uri;
use tracing::warn;

use crate::app::Failure;

/// Stands for a segment of a path that is not shown.
const MASK: &str = "***";

/// Writes a failure that is the deployment's, not the client's, into the operator's log, with its causes. One without a cause
/// is told of elsewhere.
pub fn log_unavailable(failure: &Failure) {
    if matches!(failure, Failure::Unavailable { source: None, .. }) {
        return;
    }
    warn!("a request failed: {}", berth_runtime::chain(failure));
}

/// A segment of a path without its percent-encoding; none if it is not UTF-8.
pub fn percent_decoded(segment: &str) -> Option<String> {
    percent_encoding::percent_decode_str(segment).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// A path for an error that repeats it: what is no word of a route may be a token, and is left out.
pub(crate) fn masked(path: &str, words: &[&str]) -> String {
    let is_shown = |segment: &str| segment.is_empty() || words.contains(&segment);
    let shown: Vec<&str> = path.split('/').map(|it| if is_shown(it) { it } else { MASK }).collect();
    shown.join("/")
}

/// A path without the slash at its end, if it has one: the products, most of them on Express, answer both, and there
/// are clients that always write it.
pub(crate) fn without_slash(uri: &Uri) -> Option<Uri> {
    let path = uri.path().strip_suffix('/').filter(|path| !path.is_empty() && !path.ends_with('/'))?;
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{path}{query}").parse().ok()
}

/// The first segment of a path.
pub(crate) fn first_segment(path: &str) -> &str {
    path.trim_start_matches('/').split('/').next().unwrap_or_default()
}
