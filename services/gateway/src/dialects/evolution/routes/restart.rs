//! `POST` and `PUT /instance/restart/{instance}`

use axum::Json;
use berth_proto::{command::RestartV1, frame::RejectionCodeV1};
use serde::Serialize;
use utoipa::ToSchema;

use super::connect::RefusedAnswer;
use crate::{
    app::Failure,
    dialects::evolution::{
        ORDER,
        call::OnInstance,
        error::{ErrorBody, EvolutionError},
        words,
    },
};

/// The state after a restart, or why there was none.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum RestartAnswer {
    Restarted { instance: RestartedInstance },
    Refused(RefusedAnswer),
}

/// The instance, its state twice: releases name it differently.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RestartedInstance {
    instance_name: String,
    state: &'static str,
    status: &'static str,
}

/// Closes the connection and opens it again. A closed instance and a banned number get the product's 200 with
/// `error`, and a text that says why.
#[utoipa::path(
    post, operation_id = "restart", path = "/instance/restart/{instance}", tag = "instance",
    params(("instance" = String, Path, description = "Name, id or number")),
    responses((status = 200, body = RestartAnswer), (status = 400, body = ErrorBody))
)]
pub(super) async fn handler(on: OnInstance) -> Result<Json<RestartAnswer>, EvolutionError> {
    let result = on.app.finder.decide_on(&on.call, &on.name, &ORDER, RestartV1 {}).await;
    if let Err(Failure::Rejected(RejectionCodeV1::NoSession)) = &result {
        let message = format!("The \"{}\" instance is not connected", on.name);
        return Ok(Json(RestartAnswer::Refused(RefusedAnswer::new(message))));
    }
    if let Some(banned) = RefusedAnswer::of_ban(&result) {
        return Ok(Json(RestartAnswer::Refused(banned)));
    }
    let record = on.map(result)?.record;
    let state = words::state(&record.state.phase);
    let instance = RestartedInstance { instance_name: record.name, state, status: state };
    Ok(Json(RestartAnswer::Restarted { instance }))
}

/// The same, as release 1 and the product's documentation have it.
#[utoipa::path(
    put, operation_id = "restart_by_put", path = "/instance/restart/{instance}", tag = "instance",
    params(("instance" = String, Path, description = "Name, id or number")),
    responses((status = 200, body = RestartAnswer), (status = 400, body = ErrorBody))
)]
pub(super) async fn by_put(on: OnInstance) -> Result<Json<RestartAnswer>, EvolutionError> {
    handler(on).await
}
