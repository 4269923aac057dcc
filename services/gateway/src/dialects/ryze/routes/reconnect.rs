//! `POST /api/instance/reconnect/{name}`

use axum::Json;
use berth_proto::{command::ReconnectV1, instance::PhaseV1};

use super::connect::ConnectAnswer;
use crate::dialects::ryze::{
    call::OnInstance,
    error::{ErrorBody, RyzeError},
};

const WHAT: &str = "Failed to reconnect";

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
    // The command lets a running attempt alone; this product wants a session that was there before.
    if let PhaseV1::Connecting(_) | PhaseV1::Pairing(_) = on.read(WHAT).await?.state.phase {
        return Err(RyzeError::NoSession);
    }
    on.command(WHAT, ReconnectV1 {}).await?;
    Ok(Json(ConnectAnswer::without_code("Reconnect initiated", "connecting")))
}
