//! `GET /api/v2/instance/{instanceId}`

use axum::Json;

use crate::dialects::codechat::{answers::InstanceFound, call::OnInstance, error::CodeChatError, find};

/// Shows the whole instance.
#[utoipa::path(
    get, operation_id = "find", path = "/api/v2/instance/{instanceId}", tag = "instance",
    responses((status = 200, body = InstanceFound))
)]
pub(super) async fn handler(on: OnInstance) -> Result<Json<InstanceFound>, CodeChatError> {
    let record = on.read().await?;
    Ok(Json(find::response(&on.app, &record, None).await?))
}
