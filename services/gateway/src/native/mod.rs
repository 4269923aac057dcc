//! The native API under `/v1`: JSON, bearer tokens, problem details, idempotency keys.

mod body;
mod call;
mod code;
pub mod door;
mod live_codes;
pub(crate) mod openapi;
mod problem;
mod quota;
mod render;
mod routes;
mod words;

use axum::Router;

pub use code::Code;
pub use problem::Problem;
pub(crate) use quota::with_quota;

use crate::app::{App, KeyKind};

/// What `{i}` in a path may be, in this order.
const ORDER: [KeyKind; 4] = [KeyKind::Id, KeyKind::Name, KeyKind::Number, KeyKind::Alias];

/// The routes of the native API.
pub fn router(app: App) -> Router {
    routes::router(app)
}

/// All pages of a search as one file of this form, `ndjson` or `csv`, for a door that shows the same elsewhere.
pub async fn audit_file(
    app: App,
    principal: crate::app::Principal,
    query: crate::app::AuditQuery,
    form: &str,
) -> Result<axum::response::Response, Problem> {
    let form = routes::AuditFileForm::of(form).ok_or_else(unknown_route)?;
    routes::export(app, principal, query, None, form).await
}

/// The answer to a path that nobody has.
pub(crate) fn unknown_route() -> Problem {
    Problem::new(Code::UnknownRoute, "There is no such route.")
}

/// The answer to a method that a path does not have.
pub(crate) async fn method_not_allowed() -> Problem {
    Problem::new(Code::MethodNotAllowed, "This route has no such method.")
}
