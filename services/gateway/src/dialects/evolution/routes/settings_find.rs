//! `GET /settings/find/{instance}`

use axum::Json;

use crate::dialects::evolution::{
    call::OnInstance,
    error::EvolutionError,
    kept::{self, Settings},
};

/// Shows the settings.
#[utoipa::path(
    get, operation_id = "find_settings", path = "/settings/find/{instance}", tag = "settings",
    params(("instance" = String, Path, description = "Name, id or number")),
    responses((status = 200, body = Settings))
)]
pub(super) async fn handler(on: OnInstance) -> Result<Json<Settings>, EvolutionError> {
    let record = on.read().await?;
    Ok(Json(kept::settings(&record)))
}
