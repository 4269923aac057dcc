//! `GET /api/events/getWebhook/{name}` and its alias `GET /api/events/webhook/{name}`

use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::webhook_set::WebhookAnswer;
use crate::{
    dialects::ryze::{FORMAT, call::OnInstance, error::RyzeError, webhook::WebhookRow},
    http::query::LenientQuery,
};

/// The query of a read: a label that is there and empty is `default`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// The label of the one webhook to show.
    label: Option<String>,
}

/// The webhook with a label, or all.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum WebhooksAnswer {
    One(WebhookAnswer),
    All(AllAnswer),
}

/// All webhooks.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AllAnswer {
    /// `true`.
    success: bool,
    message: &'static str,
    webhooks: Vec<WebhookRow>,
}

/// Shows the webhooks, sorted by label, or the one with a label.
#[utoipa::path(
    get, operation_id = "get_webhook", path = "/api/events/getWebhook/{instance}", tag = "events",
    params(("instance" = String, Path, description = "Name, id or number"), Filter),
    responses((status = 200, body = WebhooksAnswer))
)]
pub(super) async fn handler(
    on: OnInstance,
    LenientQuery(filter): LenientQuery<Filter>,
) -> Result<Json<WebhooksAnswer>, RyzeError> {
    let record = on.read("Failed to get instance").await?;
    let mut webhooks = record.open_webhooks_of(FORMAT);
    if let Some(label) = filter.label {
        let label = if label.is_empty() { "default" } else { &label };
        let found =
            webhooks.iter().find(|webhook| webhook.label == label).ok_or(RyzeError::WebhookNotFound)?;
        let webhook = WebhookRow::of(found);
        let message = "Webhook configuration retrieved";
        return Ok(Json(WebhooksAnswer::One(WebhookAnswer { success: true, message, webhook })));
    }
    webhooks.sort_by(|a, b| a.label.cmp(&b.label));
    let webhooks = webhooks.iter().map(WebhookRow::of).collect();
    let message = "Webhook configurations retrieved";
    Ok(Json(WebhooksAnswer::All(AllAnswer { success: true, message, webhooks })))
}

/// The same at the path at which a webhook is set.
#[utoipa::path(
    get, operation_id = "get_webhook_where_it_is_set", path = "/api/events/webhook/{instance}", tag = "events",
    params(("instance" = String, Path, description = "Name, id or number"), Filter),
    responses((status = 200, body = WebhooksAnswer))
)]
pub(super) async fn alias(
    on: OnInstance,
    filter: LenientQuery<Filter>,
) -> Result<Json<WebhooksAnswer>, RyzeError> {
    handler(on, filter).await
}
