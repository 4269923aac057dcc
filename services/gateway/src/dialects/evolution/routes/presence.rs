//! `POST /instance/setPresence/{instance}`

use axum::{Json, extract::Request, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::dialects::evolution::{
    call::{OnInstance, object},
    error::{ErrorBody, EvolutionError},
    kept,
    routes::create::BUSINESS,
};

/// A presence, asked for and answered.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct PresenceBody {
    presence: Presence,
}

/// The presences that there are.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Presence {
    Unavailable,
    Available,
    Composing,
    Recording,
    Paused,
}

/// Accepts a presence and shows it; presence belongs to messaging and has no other effect here.
#[utoipa::path(
    post, operation_id = "set_presence", path = "/instance/setPresence/{instance}", tag = "instance",
    params(("instance" = String, Path, description = "Name, id or number")),
    request_body = PresenceBody,
    responses((status = 201, body = PresenceBody), (status = 400, body = ErrorBody))
)]
pub(super) async fn handler(
    on: OnInstance,
    request: Request,
) -> Result<(StatusCode, Json<PresenceBody>), EvolutionError> {
    let record = on.read().await?;
    if kept::block(&record).get("integration").is_some_and(|channel| channel == BUSINESS) {
        return Err(EvolutionError::Refused("Method not available on WhatsApp Business API".to_owned()));
    }
    let presence = object(request)
        .await?
        .remove("presence")
        .ok_or_else(|| EvolutionError::Validation("instance requires property \"presence\"".to_owned()))?;
    let presence = serde_json::from_value(presence).map_err(|_| {
        let text = "presence is not one of enum values: unavailable,available,composing,recording,paused";
        EvolutionError::Validation(text.to_owned())
    })?;
    Ok((StatusCode::CREATED, Json(PresenceBody { presence })))
}
