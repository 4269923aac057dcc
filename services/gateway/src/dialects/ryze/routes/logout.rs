//! `DELETE /api/instance/logout/{name}`

use axum::Json;
use berth_proto::command::LogoutV1;
use serde::Serialize;
use utoipa::ToSchema;

use crate::dialects::ryze::{
    call::OnInstance,
    error::{ErrorBody, RyzeError},
};

/// What became of an instance.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Ended {
    /// `true`.
    success: bool,
    message: &'static str,
    instance: EndedInstance,
}

/// The instance itself.
#[derive(Debug, Serialize, ToSchema)]
struct EndedInstance {
    /// `loggedout` or `deleted`.
    status: &'static str,
}

impl Ended {
    pub(super) const fn saying(message: &'static str, status: &'static str) -> Self {
        Self { success: true, message, instance: EndedInstance { status } }
    }
}

/// Ends the session; the record and its token stay. A repeat gets the same answer.
#[utoipa::path(
    delete, operation_id = "logout", path = "/api/instance/logout/{instance}", tag = "instance",
    params(("instance" = String, Path, description = "Name, id or number")),
    responses((status = 200, body = Ended), (status = 400, body = ErrorBody))
)]
pub(super) async fn handler(on: OnInstance) -> Result<Json<Ended>, RyzeError> {
    on.command("Failed to logout instance", LogoutV1 {}).await?;
    Ok(Json(Ended::saying("Instance logged out", "loggedout")))
}
