//! `POST /instance/reconnect`

use axum::Json;
use berth_proto::command::RestartV1;

use crate::dialects::evolution_go::{
    answer::Done,
    call::OnInstance,
    error::{ErrorBody, GoError},
};

/// Closes the connection and opens it again; an attempt that runs goes on.
#[utoipa::path(
    post, operation_id = "reconnect", path = "/evolution-go/instance/reconnect", tag = "instance",
    responses(
        (status = 200, body = Done),
        (status = 400, body = ErrorBody, description = "There is no session."),
        (status = 409, body = ErrorBody, description = "The number is banned.")
    )
)]
pub(super) async fn handler(on: OnInstance) -> Result<Json<Done>, GoError> {
    on.command(RestartV1 {}).await?;
    Ok(Done::answer())
}
