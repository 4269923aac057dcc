//! `DELETE /api/instance/delete/{name}`

use axum::Json;
use berth_proto::command::DeleteV1;
use serde_json::{Value, json};

use crate::dialects::ryze::{call::OnInstance, error::RyzeError};

/// Deletes the instance; an instance may not delete itself.
pub(super) async fn handler(on: OnInstance) -> Result<Json<Value>, RyzeError> {
    if !on.call.principal.is_account() {
        return Err(RyzeError::Unauthorized);
    }
    on.command("Failed to delete instance", DeleteV1 { only_without_session: false }).await?;
    Ok(Json(json!({"success": true, "message": "Instance deleted", "instance": {"status": "deleted"}})))
}
