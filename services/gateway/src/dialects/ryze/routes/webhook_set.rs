//! `POST /api/events/webhook/{name}`

use axum::{Json, extract::Request};
use serde_json::{Map, Value, json};

use super::object;
use crate::dialects::ryze::{call::OnInstance, error::RyzeError, webhook};

/// Sets the webhook with a label: a new one is added, another is overwritten.
pub(super) async fn handler(on: OnInstance, request: Request) -> Result<Json<Value>, RyzeError> {
    let body = object(request).await?;
    let shown = set(&on, &body).await?;
    Ok(Json(json!({"success": true, "message": "Webhook configured successfully", "webhook": shown})))
}

/// Sets the webhook that a body describes and shows it as it is then.
pub(super) async fn set(on: &OnInstance, body: &Map<String, Value>) -> Result<Value, RyzeError> {
    const WHAT: &str = "Failed to get instance";
    let wanted = webhook::endpoint(body)?;
    let record = on.read(WHAT).await?;
    let result = on.app.configure_webhook(&on.call, &record, &wanted, true, webhook::ENABLED_MAX).await;
    let (_, stored, _) = on.own(WHAT, result).await?;
    Ok(webhook::shown(&stored))
}
