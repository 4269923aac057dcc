//! `PUT /api/v2/instance/{instanceId}/restart`

use axum::Json;
use berth_proto::command::RestartV1;
use serde_json::Value;

use crate::dialects::codechat::{call::OnInstance, error::CodeChatError, find};

/// Closes the connection and opens it again.
pub(super) async fn handler(on: OnInstance) -> Result<Json<Value>, CodeChatError> {
    let answer = on.command(RestartV1 {}).await?;
    Ok(Json(find::response(&on.app, &answer.record, None).await?))
}
