//! `GET /instance/connectionState/{instance}`

use axum::Json;
use serde_json::{Value, json};

use crate::dialects::evolution::{call::OnInstance, error::EvolutionError, words};

/// Shows the state of the connection.
pub(super) async fn handler(on: OnInstance) -> Result<Json<Value>, EvolutionError> {
    let record = on.read().await?;
    let state = words::state(&record.state.phase);
    Ok(Json(json!({"instance": {"instanceName": record.name, "state": state}})))
}
