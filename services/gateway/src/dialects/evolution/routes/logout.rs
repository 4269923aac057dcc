//! `DELETE /instance/logout/{instance}`

use axum::Json;
use berth_proto::command::LogoutV1;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    EvolutionLogout,
    dialects::evolution::{
        call::OnInstance,
        error::{ErrorBody, EvolutionError},
    },
};

/// Something was done.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Done {
    /// `SUCCESS`.
    status: &'static str,
    /// False.
    error: bool,
    response: DoneResponse,
}

/// What was done.
#[derive(Debug, Serialize, ToSchema)]
struct DoneResponse {
    message: &'static str,
}

impl Done {
    pub(super) const fn saying(message: &'static str) -> Self {
        Self { status: "SUCCESS", error: false, response: DoneResponse { message } }
    }
}

/// Ends the session. Without one, the stable releases answer 400 and release 2.4 answers 200.
#[utoipa::path(
    delete, operation_id = "logout", path = "/instance/logout/{instance}", tag = "instance",
    params(("instance" = String, Path, description = "Name, id or number")),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody))
)]
pub(super) async fn handler(on: OnInstance) -> Result<Json<Done>, EvolutionError> {
    let answer = on.command(LogoutV1 {}).await?;
    match (answer.changed(), on.app.settings().evolution_logout) {
        (true, _) => Ok(Json(Done::saying("Instance logged out"))),
        (false, EvolutionLogout::Idempotent) => Ok(Json(Done::saying("Instance was already disconnected"))),
        (false, EvolutionLogout::Strict) => Err(EvolutionError::not_connected(&on.name)),
    }
}
