//! `PATCH /v1/instances/{i}`

use axum::{extract::State, http::StatusCode, response::Response};
use serde::Deserialize;
use utoipa::ToSchema;

use super::get::find_to_change;
use crate::{
    app::App,
    native::{
        body::Json,
        call::{Caller, Key},
        problem::Problem,
        render::{InstanceBody, answer},
    },
};

/// What is changed of an instance.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"name": "shop-2"})))]
pub(super) struct RenameRequest {
    /// The name that it shall have, unique in the account.
    name: String,
}

/// Gives an instance another name; its session, token, number and history stay. The former name finds it for about a
/// minute more, and is free after that.
#[utoipa::path(
    patch, operation_id = "rename_instance", path = "/v1/instances/{i}", tag = "instances", request_body = RenameRequest,
    params(("i" = String, Path, description = "Id, name or number"), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = InstanceBody), (status = 409, body = Problem), (status = 410, body = Problem))
)]
pub(super) async fn handler(
    State(app): State<App>,
    caller: Caller,
    key: Key,
    body: Json<RenameRequest>,
) -> Result<Response, Problem> {
    let record = find_to_change(&app, &caller.principal, &key.0).await?;
    let call = caller.call("PATCH /v1/instances/{i}", &body.bytes);
    let answered = app.renames.run(&call, &record, &body.value.name).await?;
    Ok(answer(StatusCode::OK, InstanceBody::of(&answered.record), answered.replayed))
}
