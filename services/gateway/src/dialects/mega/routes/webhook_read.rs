//! `GET /rest/webhook/{key}`

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::dialects::mega::{FORMAT, call::OnInstance, error::MegaError};

/// The endpoint of an instance.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WebhookAnswer {
    /// `false`.
    error: bool,
    message: &'static str,
    webhook_data: WebhookData,
}

/// The endpoint itself; never set, it has no URL and is disabled.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct WebhookData {
    webhook_url: String,
    webhook_enabled: bool,
}

/// Shows the endpoint that was set in this dialect.
#[utoipa::path(
    get, operation_id = "show_webhook", path = "/rest/webhook/{instance_key}", tag = "webhook",
    params(("instance_key" = String, Path, description = "Name, id or number")),
    responses((status = 200, body = WebhookAnswer))
)]
pub(super) async fn handler(on: OnInstance) -> Result<Json<WebhookAnswer>, MegaError> {
    let record = on.read().await?;
    let webhook = record.open_webhooks_of(FORMAT).into_iter().next();
    let webhook_data = webhook
        .map(|webhook| WebhookData { webhook_url: webhook.url, webhook_enabled: webhook.enabled })
        .unwrap_or_default();
    Ok(Json(WebhookAnswer { error: false, message: "Webhook data fetched", webhook_data }))
}
