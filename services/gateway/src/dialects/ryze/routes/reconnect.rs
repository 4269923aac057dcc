//! `POST /api/instance/reconnect/{name}`

use axum::Json;
use berth_proto::command::ReconnectV1;

use super::connect::ConnectAnswer;
use crate::dialects::ryze::{
    call::OnInstance,
    error::{ErrorBody, RyzeError},
};

/// Opens the session that there is; a body is accepted and ignored.
#[utoipa::path(
    post, operation_id = "reconnect", path = "/api/instance/reconnect/{instance}", tag = "instance",
    params(("instance" = String, Path, description = "Name, id or number")),
    responses(
        (status = 200, body = ConnectAnswer),
        (status = 400, body = ErrorBody, description = "There is no session.")
    )
)]
pub(super) async fn handler(on: OnInstance) -> Result<Json<ConnectAnswer>, RyzeError> {
    on.command("Failed to reconnect", ReconnectV1 {}).await?;
    Ok(Json(ConnectAnswer::without_code("Reconnect initiated", "connecting")))
}
