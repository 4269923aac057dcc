//! `DELETE /rest/instance/{key}/logout`

use axum::Json;
use berth_proto::command::LogoutV1;

use crate::dialects::mega::{
    call::OnInstance,
    error::{ErrorBody, MegaError},
    said::Said,
};

/// Ends the session; a repeat succeeds and changes nothing.
#[utoipa::path(
    delete, operation_id = "logout", path = "/rest/instance/{instance_key}/logout", tag = "instance",
    params(("instance_key" = String, Path, description = "Name, id or number")),
    responses((status = 200, body = Said), (status = 400, body = ErrorBody))
)]
pub(super) async fn handler(on: OnInstance) -> Result<Json<Said>, MegaError> {
    on.command(LogoutV1 {}).await?;
    Ok(Json(Said::done("Logout successfully")))
}
