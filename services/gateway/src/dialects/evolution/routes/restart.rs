//! `POST` and `PUT /instance/restart/{instance}`

use axum::Json;
use berth_proto::{command::RestartV1, frame::RejectionCodeV1, instance::PhaseV1};
use serde::Serialize;
use utoipa::ToSchema;

use super::connect::{CodeAnswer, RefusedAnswer, WAIT};
use crate::{
    app::{Failure, Record, WantedCode},
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
    Restarted(Restarted),
    Refused(RefusedAnswer),
}

/// The instance and, while an attempt runs, its code as `connect` shows it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Restarted {
    instance: RestartedInstance,
    /// Eight characters; null beside a QR code alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[expect(clippy::option_option, reason = "clients tell null from absent")]
    pairing_code: Option<Option<String>>,
    /// The text of the QR code.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The QR code as a `data:` URL of a PNG.
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
    /// Which code of the attempt it is: 0 if there was none in time.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u32>,
}

/// The instance, its state twice: releases name it differently.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RestartedInstance {
    instance_name: String,
    state: &'static str,
    status: &'static str,
}

/// Closes the connection and opens it again; an attempt goes on and shows its code. A closed instance and a banned number get the product's 200 with
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
    let waited = on.app.codes.first_code(&on.call, record, WantedCode::Any, WAIT).await;
    let (record, codes) = on.map(waited)?;
    let code = match &record.state.phase {
        PhaseV1::Connecting(_) | PhaseV1::Pairing(_) => Some(CodeAnswer::of(&codes).await),
        _ => None,
    };
    Ok(Json(RestartAnswer::Restarted(restarted(record, code))))
}

fn restarted(record: Record, code: Option<CodeAnswer>) -> Restarted {
    let state = words::state(&record.state.phase);
    let instance = RestartedInstance { instance_name: record.name, state, status: state };
    match code {
        None => Restarted { instance, pairing_code: None, code: None, base64: None, count: None },
        Some(CodeAnswer { pairing_code, code, base64, count }) => {
            Restarted { instance, pairing_code, code, base64, count: Some(count) }
        }
    }
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
