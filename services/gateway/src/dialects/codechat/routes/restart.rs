//! `PUT /api/v2/instance/{instanceId}/restart` and `PATCH …/reload`

use axum::Json;
use berth_proto::command::RestartV1;

use crate::dialects::codechat::{
    answers::InstanceFound,
    call::OnInstance,
    error::{CodeChatError, ErrorBody},
    find,
};

/// Closes the connection and opens it again.
#[utoipa::path(
    put, operation_id = "restart", path = "/api/v2/instance/{instanceId}/restart", tag = "instance",
    responses((status = 200, body = InstanceFound), (status = 400, body = ErrorBody))
)]
pub(super) async fn handler(on: OnInstance) -> Result<Json<InstanceFound>, CodeChatError> {
    restart(&on).await
}

/// Another word for the restart.
#[utoipa::path(
    patch, operation_id = "reload", path = "/api/v2/instance/{instanceId}/reload", tag = "instance",
    responses((status = 200, body = InstanceFound), (status = 400, body = ErrorBody))
)]
pub(super) async fn reload(on: OnInstance) -> Result<Json<InstanceFound>, CodeChatError> {
    restart(&on).await
}

async fn restart(on: &OnInstance) -> Result<Json<InstanceFound>, CodeChatError> {
    let answer = on.command(RestartV1 {}).await?;
    Ok(Json(find::response(&on.app, &answer.record, None).await?))
}
