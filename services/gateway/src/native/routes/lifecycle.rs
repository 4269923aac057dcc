//! `POST /v1/instances/{i}/reconnect`, `/restart` and `/disconnect`: commands without a body.

use axum::{extract::State, http::StatusCode, response::Response};
use berth_proto::command::{Command, DisconnectV1, ReconnectV1, RestartV1};
use serde::Deserialize;

use crate::{
    app::App,
    native::{
        ORDER,
        body::Json,
        call::{Caller, Key},
        problem::Problem,
        render::{InstanceBody, answer},
    },
};

/// These commands take no arguments.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// Opens the link that there is; refused with `no_session` without one.
#[utoipa::path(
    post, operation_id = "reconnect_instance", path = "/v1/instances/{i}/reconnect", tag = "lifecycle",
    params(("i" = String, Path, description = "Id, name or number"), ("Idempotency-Key" = Option<String>, Header)),
    responses(
        (status = 200, body = InstanceBody), (status = 409, body = Problem), (status = 410, body = Problem)
    )
)]
pub(super) async fn reconnect(
    State(app): State<App>,
    caller: Caller,
    key: Key,
    body: Json<Nothing>,
) -> Result<Response, Problem> {
    run(&app, caller, &key, &body, "POST /v1/instances/{i}/reconnect", ReconnectV1 {}.into()).await
}

/// Closes the connection and opens it again.
#[utoipa::path(
    post, operation_id = "restart_instance", path = "/v1/instances/{i}/restart", tag = "lifecycle",
    params(("i" = String, Path, description = "Id, name or number"), ("Idempotency-Key" = Option<String>, Header)),
    responses(
        (status = 200, body = InstanceBody), (status = 409, body = Problem), (status = 410, body = Problem)
    )
)]
pub(super) async fn restart(
    State(app): State<App>,
    caller: Caller,
    key: Key,
    body: Json<Nothing>,
) -> Result<Response, Problem> {
    run(&app, caller, &key, &body, "POST /v1/instances/{i}/restart", RestartV1 {}.into()).await
}

/// Closes the connection and keeps the link.
#[utoipa::path(
    post, operation_id = "disconnect_instance", path = "/v1/instances/{i}/disconnect", tag = "lifecycle",
    params(("i" = String, Path, description = "Id, name or number"), ("Idempotency-Key" = Option<String>, Header)),
    responses(
        (status = 200, body = InstanceBody), (status = 409, body = Problem), (status = 410, body = Problem)
    )
)]
pub(super) async fn disconnect(
    State(app): State<App>,
    caller: Caller,
    key: Key,
    body: Json<Nothing>,
) -> Result<Response, Problem> {
    run(&app, caller, &key, &body, "POST /v1/instances/{i}/disconnect", DisconnectV1 {}.into()).await
}

async fn run(
    app: &App,
    caller: Caller,
    key: &Key,
    body: &Json<Nothing>,
    route: &'static str,
    command: Command,
) -> Result<Response, Problem> {
    let answered = app.finder.decide_on(&caller.call(route, &body.bytes), &key.0, &ORDER, command).await?;
    Ok(answer(StatusCode::OK, InstanceBody::of(&answered.record), answered.replayed))
}
