//! The RyzeAPI dialect: `/api/instance/…`, `/api/events/…` and `/ws/…`.
//!
//! A token comes in the header `token`, as a bearer token or (where a browser cannot set headers) as `?token=`. An error
//! is `{"success": false, "error": {"message": …}}` and nothing else. Every answer says how much of the rate
//! limit is left.

mod bodies;
mod call;
mod error;
mod limit;
pub(crate) mod openapi;
mod routes;
mod settings;
mod webhook;
mod words;

use axum::{
    Router,
    extract::Request,
    response::{IntoResponse, Response},
};

use self::error::RyzeError;
use crate::{
    app::{App, KeyKind},
    http::first_segment,
};

/// What the name in a path may be, in this order.
const ORDER: [KeyKind; 3] = [KeyKind::Name, KeyKind::Id, KeyKind::Number];
/// The format of this dialect's webhook bodies, and the owner of its settings.
const FORMAT: &str = "ryze";

/// The routes of this dialect.
pub fn router(app: App) -> Router {
    routes::router(app)
}

/// Whether a path that no route and no other dialect has is one of this dialect.
pub(crate) fn owns(path: &str) -> bool {
    matches!(first_segment(path), "api" | "ws")
}

/// The answer to a path of this dialect that it does not have; it counts like any other.
pub async fn unknown_route(app: &App, request: Request) -> Response {
    limit::counted(app, request, async |_| RyzeError::UnknownRoute.into_response()).await
}
