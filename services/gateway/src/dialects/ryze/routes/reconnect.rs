//! `POST /api/instance/reconnect/{name}`

use axum::Json;
use berth_proto::command::ReconnectV1;
use serde_json::{Value, json};

use crate::dialects::ryze::{call::OnInstance, error::RyzeError};

/// Opens the session that there is; a body is accepted and ignored.
pub(super) async fn handler(on: OnInstance) -> Result<Json<Value>, RyzeError> {
    on.command("Failed to reconnect", ReconnectV1 {}).await?;
    Ok(Json(json!({"success": true, "message": "Reconnect initiated", "status": "connecting"})))
}
