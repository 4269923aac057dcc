//! `DELETE /api/v2/instance/{instanceId}/logout`

use axum::Json;
use berth_proto::command::LogoutV1;
use serde_json::Value;

use crate::dialects::codechat::{call::OnInstance, error::CodeChatError, find};

/// Ends the session and shows the instance after it. Without one the page promises an exception: 400.
pub(super) async fn handler(on: OnInstance) -> Result<Json<Value>, CodeChatError> {
    let answer = on.command(LogoutV1 {}).await?;
    if !answer.changed() {
        return Err(CodeChatError::NotConnected);
    }
    Ok(Json(find::response(&on.app, &answer.record, None).await?))
}
