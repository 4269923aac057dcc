//! The native API under `/v1`: JSON, bearer tokens, problem details, idempotency keys.

mod body;
mod call;
mod problem;
mod render;
mod routes;

use axum::Router;

pub use problem::Problem;
pub use routes::openapi;

use crate::app::{App, KeyKind};

/// What `{i}` in a path may be, in this order.
const ORDER: [KeyKind; 4] = [KeyKind::Id, KeyKind::Name, KeyKind::Number, KeyKind::Alias];

/// The routes of the native API.
pub fn router(app: App) -> Router {
    routes::router(app)
}
