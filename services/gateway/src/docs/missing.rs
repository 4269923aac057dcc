//! The answer to a path that nobody has, for whoever looks at it: a page for a browser, a problem for a program.

use axum::{
    http::{HeaderMap, Method, StatusCode, Uri, header::ACCEPT},
    response::{Html, IntoResponse, Response},
};

use super::routes::guarded;
use crate::native::unknown_route;

const PAGE: &str = include_str!("missing.html");

/// What a request for nothing is answered.
pub(crate) fn missing(method: &Method, uri: &Uri, headers: &HeaderMap) -> Response {
    if method.is_safe() && wants_page(headers) {
        let page = PAGE.replace("@root@", &way_up(uri.path()));
        guarded((StatusCode::NOT_FOUND, Html(page)).into_response())
    } else {
        unknown_route().into_response()
    }
}

/// The way from a path to where all paths begin: there may be a prefix before them that a proxy takes away.
fn way_up(path: &str) -> String {
    match path.matches('/').count() {
        0 | 1 => "./".to_owned(),
        depth => "../".repeat(depth - 1),
    }
}

/// Whether it comes from a browser that goes to an address: only that names HTML.
pub(super) fn wants_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut ranges = accepted.flat_map(|value| value.split(','));
    ranges.any(|range| range.split(';').next().is_some_and(|media| media.trim() == "text/html"))
}
