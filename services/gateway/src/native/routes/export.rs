//! `GET /v1/export`

use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use futures::StreamExt as _;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    app::{App, Failure, Principal},
    http::log_unavailable,
    native::{body::QueryOf, call::Caller, problem::Problem},
};

/// A line of JSON each.
const LINES: &str = "application/x-ndjson";

/// Which instances.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportQuery {
    /// Deleted ones too: their commits are what they were, and nothing personal of them can be opened.
    #[serde(default)]
    #[param(required = false, default = false)]
    deleted: bool,
}

/// Writes the histories of all instances of the account, each commit with the proof that it is in what was signed: lines of
/// JSON, for `docs/verify.py`. What was decided just now is waited for until it is signed; before anything is, the answer is
/// 503. An export that ends early lacks its last line, of the kind `end`.
#[utoipa::path(
    get, operation_id = "export_histories", path = "/v1/export", tag = "evidence", params(ExportQuery),
    responses((status = 200, body = String, content_type = "application/x-ndjson"))
)]
pub(super) async fn handler(
    State(app): State<App>,
    caller: Caller,
    query: QueryOf<ExportQuery>,
) -> Result<Response, Problem> {
    let Principal::Account { account, .. } = caller.principal else { return Err(Failure::Forbidden.into()) };
    let lines = app.exports.begin(caller.principal, account, query.0.deleted).await?;
    let lines = lines.inspect(|line| {
        if let Err(failure) = line {
            log_unavailable(failure);
        }
    });
    Ok(([(header::CONTENT_TYPE, LINES)], Body::from_stream(lines)).into_response())
}
