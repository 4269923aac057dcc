//! `DELETE /rest/instance/{key}/restart`

use axum::Json;
use berth_proto::{command::RestartV1, frame::RejectionCodeV1};

use crate::{
    app::Failure,
    dialects::mega::{
        call::OnInstance,
        error::{ErrorBody, MegaError},
        said::Said,
    },
};

/// Closes the connection and opens it again; without a session there is nothing to restore, which is fine.
#[utoipa::path(
    delete, operation_id = "restart", path = "/rest/instance/{instance_key}/restart", tag = "instance",
    params(("instance_key" = String, Path, description = "Name, id or number")),
    responses((status = 200, body = Said), (status = 400, body = ErrorBody))
)]
pub(super) async fn handler(on: OnInstance) -> Result<Json<Said>, MegaError> {
    match on.command(RestartV1 {}).await {
        Ok(_) | Err(MegaError::Other(Failure::Rejected(RejectionCodeV1::NoSession))) => {
            Ok(Json(Said::done("Instance restarted")))
        }
        Err(error) => Err(error),
    }
}
