//! `GET` and `PUT /instance/{instanceId}/advanced-settings`

use axum::{
    Json,
    extract::{Path, Request, rejection::PathRejection},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::{Record, merge_part},
    dialects::evolution_go::{
        FORMAT, bodies,
        call::{OnInstance, canonical, object, own},
        error::{ErrorBody, GoError},
        kept::{self, AdvancedSettings},
    },
};

/// The settings as they are now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SettingsAnswer {
    message: &'static str,
    settings: AdvancedSettings,
}

/// Shows the settings of the instance whose token is shown; the id must be its own.
#[utoipa::path(
    get, operation_id = "find_settings", path = "/evolution-go/instance/{instanceId}/advanced-settings", tag = "settings",
    params(("instanceId" = String, Path, description = "Id, name or number")),
    responses((status = 200, body = AdvancedSettings))
)]
pub(super) async fn find(
    id: Result<Path<String>, PathRejection>,
    on: OnInstance,
) -> Result<Json<AdvancedSettings>, GoError> {
    let record = named(&on, id).await?;
    Ok(Json(kept::settings(&record)))
}

/// Sets the settings that the body names; the others stay.
#[utoipa::path(
    put, operation_id = "set_settings", path = "/evolution-go/instance/{instanceId}/advanced-settings", tag = "settings",
    params(("instanceId" = String, Path, description = "Id, name or number")),
    request_body = bodies::GivenSettings,
    responses((status = 200, body = SettingsAnswer), (status = 400, body = ErrorBody))
)]
pub(super) async fn set(
    id: Result<Path<String>, PathRejection>,
    on: OnInstance,
    request: Request,
) -> Result<Json<SettingsAnswer>, GoError> {
    let record = named(&on, id).await?;
    let given = kept::given_settings(&object(request).await?)?;
    let merge = |present| merge_part(present, "settings", &given, false);
    let record = own(on.app.blocks.change(&on.call, &record, FORMAT, merge).await)?.record;
    let settings = kept::settings(&record);
    Ok(Json(SettingsAnswer { message: "Advanced settings updated successfully", settings }))
}

/// The instance whose token is shown, if the path names it: to its token every other one is a wrong key.
async fn named(on: &OnInstance, id: Result<Path<String>, PathRejection>) -> Result<Record, GoError> {
    let id = canonical(id.map_err(|_| GoError::NotFound)?.0);
    let record = on.read().await?;
    let names = [
        kept::id(&record),
        record.id.to_uuid().to_string(),
        record.id.to_string(),
        record.state.number.to_string(),
        record.name.clone(),
    ];
    if names.contains(&id) { Ok(record) } else { Err(GoError::Unauthorized) }
}
