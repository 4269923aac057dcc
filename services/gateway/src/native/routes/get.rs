//! `GET /v1/instances/{i}`

use axum::{extract::State, http::StatusCode, response::Response};
use berth_proto::{InstanceId, Timestamp, frame::RejectionCodeV1};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    app::{App, Failure, Principal, Record},
    native::{
        ORDER,
        body::QueryOf,
        call::{Caller, Key},
        problem::Problem,
        render::{InstanceBody, answer},
    },
};

/// The query of a read.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct GetQuery {
    /// Show the instance as it was at this moment (RFC 3339).
    #[param(format = DateTime)]
    at: Option<String>,
}

/// Shows an instance as it is now, or as it was.
#[utoipa::path(
    get, operation_id = "get_instance", path = "/v1/instances/{i}", tag = "instances",
    params(("i" = String, Path, description = "Id, name or number"), GetQuery),
    responses((status = 200, body = InstanceBody))
)]
pub(super) async fn handler(
    State(app): State<App>,
    caller: Caller,
    key: Key,
    query: QueryOf<GetQuery>,
) -> Result<Response, Problem> {
    let record = if let Some(at) = query.0.at {
        let moment: jiff::Timestamp = at
            .parse()
            .map_err(|_| Problem::invalid("`at`: a moment such as 2026-11-21T12:00:00Z is expected."))?;
        let record = find_history(&app, &caller.principal, &key.0).await?;
        app.records.as_of(record.id, Timestamp(moment.as_microsecond())).await?.ok_or(Failure::NotFound)?
    } else {
        find_with_deleted(&app, &caller.principal, &key.0).await?
    };
    Ok(answer(StatusCode::OK, InstanceBody::of(&record), false))
}

/// The instance that a path names; by its id also when it is deleted, so that its erasure and history can be
/// seen.
pub(super) async fn find_with_deleted(
    app: &App,
    principal: &Principal,
    key: &str,
) -> Result<Record, Failure> {
    match key.parse::<InstanceId>() {
        Ok(_) if principal.account().is_none() => Err(Failure::Forbidden),
        Ok(id) => app.records.read_with_deleted(principal, id).await,
        Err(_) => app.finder.find(principal, key, &ORDER).await,
    }
}

/// The instance whose history a path asks for, also when the end of that is damaged.
pub(super) async fn find_history(app: &App, principal: &Principal, key: &str) -> Result<Record, Failure> {
    match find_with_deleted(app, principal, key).await {
        Err(failure) if failure.rejection() == Some(RejectionCodeV1::Damaged) => {
            let instance = app.resolver.resolve(principal, key, &ORDER).await?;
            app.records.read_readable(principal, instance).await
        }
        other => other,
    }
}

/// The instance that a path names, to change something of it: one that is deleted is told so by its id.
pub(super) async fn find_to_change(app: &App, principal: &Principal, key: &str) -> Result<Record, Failure> {
    let record = find_with_deleted(app, principal, key).await?;
    if record.is_deleted() { Err(Failure::Rejected(RejectionCodeV1::Deleted)) } else { Ok(record) }
}
