//! `POST /settings/set/{instance}`

use axum::{Json, extract::Request, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::merge_part,
    dialects::evolution::{
        FORMAT, bodies,
        call::{OnInstance, object},
        error::{ErrorBody, EvolutionError},
        kept::{self, Settings},
    },
};

/// The settings as they are now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SettingsAnswer {
    settings: SavedSettings,
}

/// The settings twice: nested, as the product answers, and flat, as the create shows them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SavedSettings {
    instance_name: String,
    settings: Settings,
    #[serde(flatten)]
    flat: Settings,
}

/// Sets the settings that the body names; the others stay.
#[utoipa::path(
    post, operation_id = "set_settings", path = "/settings/set/{instance}", tag = "settings",
    params(("instance" = String, Path, description = "Name, id or number")),
    request_body = bodies::SetSettings,
    responses((status = 201, body = SettingsAnswer), (status = 400, body = ErrorBody))
)]
pub(super) async fn handler(
    on: OnInstance,
    request: Request,
) -> Result<(StatusCode, Json<SettingsAnswer>), EvolutionError> {
    let record = on.read().await?;
    let given = kept::given_settings(&object(request).await?)?;
    let merge = |present| merge_part(present, "settings", &given, false);
    let record = on.map(on.app.blocks.change(&on.call, &record, FORMAT, merge).await)?.record;
    let settings = SavedSettings {
        settings: kept::settings(&record),
        flat: kept::settings(&record),
        instance_name: record.name,
    };
    Ok((StatusCode::CREATED, Json(SettingsAnswer { settings })))
}
