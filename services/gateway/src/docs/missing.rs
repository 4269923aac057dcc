//! The answer to a path that nobody has, for whoever looks at it: a page for a browser, a problem for a program.

use axum::{
    http::{HeaderMap, Method, StatusCode, header::ACCEPT},
    response::{Html, IntoResponse, Response},
};

use super::routes::guarded;
use crate::native::unknown_route;

const PAGE: &str = include_str!("missing.html");

/// What a request for nothing is answered.
pub(crate) fn missing(method: &Method, headers: &HeaderMap) -> Response {
    if method.is_safe() && wants_page(headers) {
        guarded((StatusCode::NOT_FOUND, Html(PAGE)).into_response())
    } else {
        unknown_route().into_response()
    }
}

/// Whether it comes from a browser that goes to an address: only that names HTML.
pub(super) fn wants_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut ranges = accepted.flat_map(|value| value.split(','));
    ranges.any(|range| range.split(';').next().is_some_and(|media| media.trim() == "text/html"))
}
