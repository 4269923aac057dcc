//! `POST /api/instance/settings/{name}`

use axum::{Json, extract::Request};

use super::{get_settings::SettingsAnswer, object};
use crate::{
    app::merge_part,
    dialects::ryze::{
        FORMAT, bodies,
        call::OnInstance,
        error::{ErrorBody, RyzeError},
        settings,
    },
};

const WHAT: &str = "Failed to update settings configuration";

/// Changes the settings that the body names; the others stay.
#[utoipa::path(
    post, operation_id = "set_settings", path = "/api/instance/settings/{instance}", tag = "instance",
    params(("instance" = String, Path, description = "Name, id or number")),
    request_body = bodies::SetSettings,
    responses((status = 200, body = SettingsAnswer), (status = 400, body = ErrorBody))
)]
pub(super) async fn handler(on: OnInstance, request: Request) -> Result<Json<SettingsAnswer>, RyzeError> {
    let record = on.read(WHAT).await?;
    let given = settings::given(&object(request).await?)?;
    if given.is_empty() {
        return Err(RyzeError::NothingToUpdate);
    }
    let merge = |present| merge_part(present, "settings", &given, false);
    let result = on.app.blocks.change(&on.call, &record, FORMAT, merge).await;
    let settings = settings::seven(&on.own(WHAT, result).await?.record);
    Ok(Json(SettingsAnswer { success: true, message: "Settings updated successfully", settings }))
}
