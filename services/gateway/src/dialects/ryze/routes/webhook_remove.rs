//! `DELETE /api/events/webhook/{name}`

use axum::{Json, extract::Request};
use serde_json::{Map, Value, json};

use super::webhook_set::set;
use crate::{
    dialects::ryze::{call::OnInstance, error::RyzeError},
    http::body,
};

/// Disables the webhook with a label and keeps its row, as a set with `enabled: false` does.
pub(super) async fn handler(on: OnInstance, request: Request) -> Result<Json<Value>, RyzeError> {
    let bytes = body::read(request).await?;
    let mut wanted = if bytes.iter().all(u8::is_ascii_whitespace) {
        Map::new()
    } else {
        serde_json::from_slice(&bytes).map_err(|_| RyzeError::InvalidBody)?
    };
    wanted.retain(|name, _| name == "label");
    wanted.insert("enabled".to_owned(), Value::Bool(false));
    let shown = set(&on, &wanted).await?;
    Ok(Json(json!({"success": true, "message": "Webhook disabled successfully", "webhook": shown})))
}
