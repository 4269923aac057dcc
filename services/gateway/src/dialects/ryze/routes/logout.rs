//! `DELETE /api/instance/logout/{name}`

use axum::Json;
use berth_proto::command::LogoutV1;
use serde_json::{Value, json};

use crate::dialects::ryze::{call::OnInstance, error::RyzeError};

/// Ends the session; the record and its token stay. A repeat gets the same answer.
pub(super) async fn handler(on: OnInstance) -> Result<Json<Value>, RyzeError> {
    on.command("Failed to logout instance", LogoutV1 {}).await?;
    Ok(Json(json!({"success": true, "message": "Instance logged out", "instance": {"status": "loggedout"}})))
}
