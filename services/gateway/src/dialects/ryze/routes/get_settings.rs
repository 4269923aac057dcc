//! `GET /api/instance/getSettings/{name}`

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::dialects::ryze::{
    call::OnInstance,
    error::RyzeError,
    settings::{Settings, seven},
};

/// The settings.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SettingsAnswer {
    /// `true`.
    pub(super) success: bool,
    pub(super) message: &'static str,
    pub(super) settings: Settings,
}

/// Shows the seven settings.
#[utoipa::path(
    get, operation_id = "get_settings", path = "/api/instance/getSettings/{instance}", tag = "instance",
    params(("instance" = String, Path, description = "Name, id or number")),
    responses((status = 200, body = SettingsAnswer))
)]
pub(super) async fn handler(on: OnInstance) -> Result<Json<SettingsAnswer>, RyzeError> {
    let record = on.read("Failed to get settings configuration").await?;
    let message = "Settings retrieved successfully";
    Ok(Json(SettingsAnswer { success: true, message, settings: seven(&record) }))
}
