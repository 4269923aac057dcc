//! `DELETE /rest/instance/{key}/delete`

use axum::Json;
use berth_proto::command::DeleteV1;
use serde_json::{Value, json};

use crate::dialects::mega::{call::OnInstance, error::MegaError};

/// Deletes the instance; only the host's token may.
pub(super) async fn handler(on: OnInstance) -> Result<Json<Value>, MegaError> {
    if !on.call.principal.is_account() {
        return Err(MegaError::Unauthorized);
    }
    on.command(DeleteV1 { only_without_session: false }).await?;
    Ok(Json(json!({"error": false, "message": "Instance deleted"})))
}
