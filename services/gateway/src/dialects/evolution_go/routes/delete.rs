//! `DELETE /instance/delete/{instanceId}`

use axum::Json;
use berth_proto::command::DeleteV1;

use crate::dialects::evolution_go::{
    answer::Done,
    call::OnOne,
    error::{ErrorBody, GoError},
};

/// Deletes an instance; a session is ended first.
#[utoipa::path(
    delete, operation_id = "delete", path = "/evolution-go/instance/delete/{instanceId}", tag = "instance",
    params(("instanceId" = String, Path, description = "Id, name or number")),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 409, body = ErrorBody))
)]
pub(super) async fn handler(on: OnOne) -> Result<Json<Done>, GoError> {
    on.command(DeleteV1 { only_without_session: false }).await?;
    Ok(Done::answer())
}
