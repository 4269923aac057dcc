//! `DELETE /instance/logout`

use axum::Json;
use berth_proto::command::LogoutV1;

use crate::dialects::evolution_go::{
    answer::Done,
    call::OnInstance,
    error::{ErrorBody, GoError},
};

/// Ends the session and unlinks the device; a repeat succeeds and changes nothing.
#[utoipa::path(
    delete, operation_id = "logout", path = "/evolution-go/instance/logout", tag = "instance",
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 409, body = ErrorBody))
)]
pub(super) async fn handler(on: OnInstance) -> Result<Json<Done>, GoError> {
    on.command(LogoutV1 {}).await?;
    Ok(Done::answer())
}
