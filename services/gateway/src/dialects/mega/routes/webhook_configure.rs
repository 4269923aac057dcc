//! `POST /rest/webhook/{key}/configWebhook`

use axum::{Json, extract::Request};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    app::NewWebhook,
    dialects::mega::{
        FORMAT,
        call::OnInstance,
        error::{ErrorBody, MegaError},
        said::Said,
    },
    http::body,
};

/// The body of a write. A create may leave `messageData` out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessageData {
    message_data: Option<WebhookBody>,
}

/// An endpoint as it shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WebhookBody {
    /// https, and a public address unless the operator allows others; may be empty while it is disabled.
    #[schema(examples("https://example.com/hook"))]
    webhook_url: String,
    webhook_enabled: bool,
}

/// The same with an endpoint that must be there. It is read as the other one, since the text about a missing one is
/// its own.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "nothing but its schema is used")]
#[schema(rename_all = "camelCase")]
pub(super) struct ConfigureWebhook {
    message_data: WebhookBody,
}

/// Sets the one endpoint that an instance has in this dialect.
#[utoipa::path(
    post, operation_id = "configure_webhook", path = "/rest/webhook/{instance_key}/configWebhook", tag = "webhook",
    params(("instance_key" = String, Path, description = "Name, id or number")),
    request_body = ConfigureWebhook,
    responses((status = 200, body = Said), (status = 400, body = ErrorBody))
)]
pub(super) async fn handler(on: OnInstance, request: Request) -> Result<Json<Said>, MegaError> {
    let record = on.read().await?;
    let body = body::read(request).await?;
    let wanted =
        message_data(&body)?.ok_or_else(|| MegaError::Invalid("messageData is required".to_owned()))?;
    let new = endpoint(wanted)?;
    on.map(on.app.webhooks.configure(&on.call, &record, &new, true, 0).await)?;
    Ok(Json(Said::done("Webhook configured")))
}

/// The endpoint that a body asks for.
pub(super) fn endpoint(body: WebhookBody) -> Result<NewWebhook, MegaError> {
    if body.webhook_enabled && body.webhook_url.is_empty() {
        return Err(MegaError::Invalid("webhookUrl is required".to_owned()));
    }
    Ok(NewWebhook {
        format: FORMAT,
        label: "default".to_owned(),
        enabled: body.webhook_enabled,
        url: body.webhook_url,
        ..NewWebhook::default()
    })
}

/// What stands in `messageData` of a body; an empty body is like one without it.
pub(super) fn message_data(body: &[u8]) -> Result<Option<WebhookBody>, MegaError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let body: Value = serde_json::from_slice(body)
        .map_err(|_| MegaError::Invalid("The body is not valid JSON".to_owned()))?;
    // A derived reader would take an array for the fields in their order.
    let is_object =
        body.is_object() && body.get("messageData").is_none_or(|it| it.is_object() || it.is_null());
    let read = is_object.then(|| serde_json::from_value::<MessageData>(body).ok()).flatten();
    let body = read.ok_or_else(|| MegaError::Invalid("messageData is not valid".to_owned()))?;
    Ok(body.message_data)
}
