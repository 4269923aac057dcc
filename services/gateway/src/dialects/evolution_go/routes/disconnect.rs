//! `POST /instance/disconnect`

use axum::Json;
use berth_proto::command::DisconnectV1;

use crate::dialects::evolution_go::{
    answer::Done,
    call::OnInstance,
    error::{ErrorBody, GoError},
};

/// Closes the connection and keeps the link; an attempt is ended. Without either nothing changes.
#[utoipa::path(
    post, operation_id = "disconnect", path = "/evolution-go/instance/disconnect", tag = "instance",
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 409, body = ErrorBody))
)]
pub(super) async fn handler(on: OnInstance) -> Result<Json<Done>, GoError> {
    on.command(DisconnectV1 {}).await?;
    Ok(Done::answer())
}
