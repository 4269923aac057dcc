//! `POST /api/instance/settings/{name}`

use axum::{Json, extract::Request};
use serde_json::{Value, json};

use super::object;
use crate::{
    app::merge_part,
    dialects::ryze::{FORMAT, call::OnInstance, error::RyzeError, settings},
};

const WHAT: &str = "Failed to update settings configuration";

/// Changes the settings that the body names; the others stay.
pub(super) async fn handler(on: OnInstance, request: Request) -> Result<Json<Value>, RyzeError> {
    let given = settings::given(&object(request).await?)?;
    if given.is_empty() {
        return Err(RyzeError::NothingToUpdate);
    }
    let record = on.read(WHAT).await?;
    let merge = |present| merge_part(present, "settings", &given, false);
    let result = on.app.change_settings(&on.call, &record, FORMAT, merge).await;
    let answer = on.own(WHAT, result).await?;
    let settings = settings::seven(&answer.record);
    Ok(Json(json!({"success": true, "message": "Settings updated successfully", "settings": settings})))
}
