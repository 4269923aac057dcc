//! `DELETE /rest/instance/{key}/delete`

use axum::Json;
use berth_proto::command::DeleteV1;

use crate::dialects::mega::{
    call::OnInstance,
    error::{ErrorBody, MegaError},
    said::Said,
};

/// Deletes the instance; only the host's token may.
#[utoipa::path(
    delete, operation_id = "delete", path = "/rest/instance/{instance_key}/delete", tag = "instance",
    params(("instance_key" = String, Path, description = "Name, id or number")),
    responses((status = 200, body = Said), (status = 400, body = ErrorBody))
)]
pub(super) async fn handler(on: OnInstance) -> Result<Json<Said>, MegaError> {
    if !on.call.principal.is_account() {
        return Err(MegaError::Unauthorized);
    }
    on.command(DeleteV1 { only_without_session: false }).await?;
    Ok(Json(Said::done("Instance deleted")))
}
