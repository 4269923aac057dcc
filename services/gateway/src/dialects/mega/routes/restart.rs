//! `DELETE /rest/instance/{key}/restart`

use axum::Json;
use berth_proto::{command::RestartV1, frame::RejectionCodeV1};
use serde_json::{Value, json};

use crate::{
    app::Failure,
    dialects::mega::{call::OnInstance, error::MegaError},
};

/// Closes the connection and opens it again; without a session there is nothing to restore, which is fine.
pub(super) async fn handler(on: OnInstance) -> Result<Json<Value>, MegaError> {
    match on.command(RestartV1 {}).await {
        Ok(_) | Err(MegaError::Other(Failure::Rejected { code: RejectionCodeV1::NoSession, .. })) => {
            Ok(Json(json!({"error": false, "message": "Instance restarted"})))
        }
        Err(error) => Err(error),
    }
}
