//! `DELETE /api/instance/delete/{name}`

use axum::Json;
use berth_proto::command::DeleteV1;

use super::logout::Ended;
use crate::dialects::ryze::{
    call::OnInstance,
    error::{ErrorBody, RyzeError},
};

/// Deletes the instance; an instance may not delete itself.
#[utoipa::path(
    delete, operation_id = "delete", path = "/api/instance/delete/{instance}", tag = "instance",
    params(("instance" = String, Path, description = "Name, id or number")),
    responses((status = 200, body = Ended), (status = 400, body = ErrorBody))
)]
pub(super) async fn handler(on: OnInstance) -> Result<Json<Ended>, RyzeError> {
    if !on.call.principal.is_account() {
        return Err(RyzeError::Unauthorized);
    }
    on.command("Failed to delete instance", DeleteV1 { only_without_session: false }).await?;
    Ok(Json(Ended::saying("Instance deleted", "deleted")))
}
