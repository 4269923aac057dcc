//! `GET /api/v2/instance/{instanceId}`

use axum::Json;
use serde_json::Value;

use crate::dialects::codechat::{call::OnInstance, error::CodeChatError, find};

/// Shows the whole instance.
pub(super) async fn handler(on: OnInstance) -> Result<Json<Value>, CodeChatError> {
    let record = on.read().await?;
    Ok(Json(find::response(&on.app, &record, None).await?))
}
