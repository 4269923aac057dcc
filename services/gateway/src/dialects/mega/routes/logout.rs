//! `DELETE /rest/instance/{key}/logout`

use axum::Json;
use berth_proto::command::LogoutV1;
use serde_json::{Value, json};

use crate::dialects::mega::{call::OnInstance, error::MegaError};

/// Ends the session; a repeat succeeds and changes nothing.
pub(super) async fn handler(on: OnInstance) -> Result<Json<Value>, MegaError> {
    on.command(LogoutV1 {}).await?;
    Ok(Json(json!({"error": false, "message": "Logout successfully"})))
}
