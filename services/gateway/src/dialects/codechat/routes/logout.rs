//! `DELETE /api/v2/instance/{instanceId}/logout`

use axum::Json;
use berth_proto::command::LogoutV1;

use crate::dialects::codechat::{
    answers::InstanceFound,
    call::OnInstance,
    error::{CodeChatError, ErrorBody},
    find,
};

/// Ends the session and shows the instance after it. Without one the page promises an exception: 400.
#[utoipa::path(
    delete, operation_id = "logout", path = "/api/v2/instance/{instanceId}/logout", tag = "instance",
    responses((status = 200, body = InstanceFound), (status = 400, body = ErrorBody))
)]
pub(super) async fn handler(on: OnInstance) -> Result<Json<InstanceFound>, CodeChatError> {
    let answer = on.command(LogoutV1 {}).await?;
    if !answer.changed() {
        return Err(CodeChatError::NotConnected);
    }
    Ok(Json(find::response(&on.app, &answer.record, None).await?))
}
