//! `GET /api/v2/instance/{instanceId}/connection-state`

use axum::Json;
use serde_json::{Value, json};

use crate::dialects::codechat::{call::OnInstance, error::CodeChatError, words};

/// Shows the live state of the connection.
pub(super) async fn handler(on: OnInstance) -> Result<Json<Value>, CodeChatError> {
    let (state, reason) = words::live(&on.read().await?);
    Ok(Json(json!({"state": state, "statusReason": reason})))
}
