//! `DELETE /instance/delete/{instance}`

use axum::Json;
use berth_proto::command::DeleteV1;
use serde_json::{Value, json};

use crate::dialects::evolution::{call::OnInstance, error::EvolutionError};

/// Deletes the instance; a session is ended first.
pub(super) async fn handler(on: OnInstance) -> Result<Json<Value>, EvolutionError> {
    on.command(DeleteV1 { only_without_session: false }).await?;
    Ok(Json(json!({"status": "SUCCESS", "error": false, "response": {"message": "Instance deleted"}})))
}
