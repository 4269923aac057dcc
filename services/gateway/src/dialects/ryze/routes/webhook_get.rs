//! `GET /api/events/getWebhook/{name}` and its alias `GET /api/events/webhook/{name}`

use axum::Json;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    dialects::ryze::{FORMAT, call::OnInstance, error::RyzeError, webhook},
    http::query::LenientQuery,
};

/// The query of a read: a label that is there and empty is `default`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Filter {
    label: Option<String>,
}

/// Shows the webhooks, sorted by label, or the one with a label.
pub(super) async fn handler(
    on: OnInstance,
    LenientQuery(filter): LenientQuery<Filter>,
) -> Result<Json<Value>, RyzeError> {
    let record = on.read("Failed to get instance").await?;
    let mut webhooks = record.open_webhooks_of(FORMAT);
    if let Some(label) = filter.label {
        let label = if label.is_empty() { "default" } else { &label };
        let found =
            webhooks.iter().find(|webhook| webhook.label == label).ok_or(RyzeError::WebhookNotFound)?;
        let shown = webhook::shown(found);
        return Ok(Json(
            json!({"success": true, "message": "Webhook configuration retrieved", "webhook": shown}),
        ));
    }
    webhooks.sort_by(|a, b| a.label.cmp(&b.label));
    let shown: Vec<Value> = webhooks.iter().map(webhook::shown).collect();
    Ok(Json(json!({"success": true, "message": "Webhook configurations retrieved", "webhooks": shown})))
}
