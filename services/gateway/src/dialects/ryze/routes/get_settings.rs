//! `GET /api/instance/getSettings/{name}`

use axum::Json;
use serde_json::{Value, json};

use crate::dialects::ryze::{call::OnInstance, error::RyzeError, settings};

/// Shows the seven settings.
pub(super) async fn handler(on: OnInstance) -> Result<Json<Value>, RyzeError> {
    let record = on.read("Failed to get settings configuration").await?;
    let settings = settings::seven(&record);
    Ok(Json(json!({"success": true, "message": "Settings retrieved successfully", "settings": settings})))
}
