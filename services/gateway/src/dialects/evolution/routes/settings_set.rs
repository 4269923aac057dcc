//! `POST /settings/set/{instance}`

use axum::{Json, extract::Request, http::StatusCode};
use serde_json::{Value, json};

use crate::{
    app::merge_part,
    dialects::evolution::{
        FORMAT,
        call::{OnInstance, object},
        error::EvolutionError,
        kept,
    },
};

/// Sets the settings that the body names; the others stay.
pub(super) async fn handler(
    on: OnInstance,
    request: Request,
) -> Result<(StatusCode, Json<Value>), EvolutionError> {
    let record = on.read().await?;
    let given = kept::given_settings(&object(request).await?)?;
    let merge = |present| merge_part(present, "settings", &given, false);
    let answer = on.map(on.app.change_settings(&on.call, &record, FORMAT, merge).await)?;
    Ok((StatusCode::CREATED, Json(json!({"settings": kept::settings(&answer.record)}))))
}
