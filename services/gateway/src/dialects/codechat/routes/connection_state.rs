//! `GET /api/v2/instance/{instanceId}/connection-state`

use axum::Json;

use crate::dialects::codechat::{answers::ConnectionState, call::OnInstance, error::CodeChatError, words};

/// Shows the live state of the connection.
#[utoipa::path(
    get, operation_id = "connection_state", path = "/api/v2/instance/{instanceId}/connection-state", tag = "instance",
    responses((status = 200, body = ConnectionState))
)]
pub(super) async fn handler(on: OnInstance) -> Result<Json<ConnectionState>, CodeChatError> {
    let (state, reason) = words::live(&on.read().await?);
    Ok(Json(ConnectionState { state, status_reason: reason }))
}

/// The same under another name.
#[utoipa::path(
    get, operation_id = "status", path = "/api/v2/instance/{instanceId}/status", tag = "instance",
    responses((status = 200, body = ConnectionState))
)]
pub(super) async fn status(on: OnInstance) -> Result<Json<ConnectionState>, CodeChatError> {
    handler(on).await
}
