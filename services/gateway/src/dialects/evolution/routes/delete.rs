//! `DELETE /instance/delete/{instance}`

use axum::Json;
use berth_proto::command::DeleteV1;

use super::logout::Done;
use crate::dialects::evolution::{
    call::OnInstance,
    error::{ErrorBody, EvolutionError},
};

/// Deletes the instance; a session is ended first.
#[utoipa::path(
    delete, operation_id = "delete", path = "/instance/delete/{instance}", tag = "instance",
    params(("instance" = String, Path, description = "Name, id or number")),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody))
)]
pub(super) async fn handler(on: OnInstance) -> Result<Json<Done>, EvolutionError> {
    on.command(DeleteV1 { only_without_session: false }).await?;
    Ok(Json(Done::saying("Instance deleted")))
}
