//! `POST /instance/setPresence/{instance}`

use axum::{Json, extract::Request, http::StatusCode};
use serde_json::{Value, json};

use crate::dialects::evolution::{
    call::{OnInstance, object},
    error::EvolutionError,
};

const PRESENCES: [&str; 5] = ["unavailable", "available", "composing", "recording", "paused"];

/// Accepts a presence and shows it; presence belongs to messaging and has no other effect here.
pub(super) async fn handler(
    on: OnInstance,
    request: Request,
) -> Result<(StatusCode, Json<Value>), EvolutionError> {
    on.read().await?;
    let body = object(request).await?;
    let presence = body
        .get("presence")
        .ok_or_else(|| EvolutionError::Validation("instance requires property \"presence\"".to_owned()))?;
    match presence.as_str().filter(|presence| PRESENCES.contains(presence)) {
        Some(presence) => Ok((StatusCode::CREATED, Json(json!({"presence": presence})))),
        None => Err(EvolutionError::Validation(format!(
            "presence is not one of enum values: {}",
            PRESENCES.join(",")
        ))),
    }
}
