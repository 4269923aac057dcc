//! `GET /settings/find/{instance}`

use axum::Json;
use serde_json::Value;

use crate::dialects::evolution::{call::OnInstance, error::EvolutionError, kept};

/// Shows the settings.
pub(super) async fn handler(on: OnInstance) -> Result<Json<Value>, EvolutionError> {
    let record = on.read().await?;
    Ok(Json(Value::Object(kept::settings(&record))))
}
