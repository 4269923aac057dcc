//! `GET /rest/webhook/{key}`

use axum::Json;
use serde_json::{Value, json};

use crate::dialects::mega::{FORMAT, call::OnInstance, error::MegaError};

/// Shows the endpoint that was set in this dialect.
pub(super) async fn handler(on: OnInstance) -> Result<Json<Value>, MegaError> {
    let record = on.read().await?;
    let webhook = record.open_webhooks_of(FORMAT).into_iter().next();
    let (url, enabled) = webhook.map_or_else(Default::default, |webhook| (webhook.url, webhook.enabled));
    Ok(Json(json!({
        "error": false,
        "message": "Webhook data fetched",
        "webhookData": {"webhookUrl": url, "webhookEnabled": enabled},
    })))
}
