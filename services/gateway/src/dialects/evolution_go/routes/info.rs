//! `GET /instance/info/{instanceId}`

use axum::Json;

use crate::dialects::evolution_go::{answer::Success, call::OnOne, error::GoError, row::InstanceRow};

/// Shows an instance.
#[utoipa::path(
    get, operation_id = "info", path = "/evolution-go/instance/info/{instanceId}", tag = "instance",
    params(("instanceId" = String, Path, description = "Id, name or number")),
    responses((status = 200, body = Success<InstanceRow>))
)]
pub(super) async fn handler(on: OnOne) -> Result<Json<Success<InstanceRow>>, GoError> {
    Ok(Success::of(InstanceRow::of(on.read().await?)))
}
