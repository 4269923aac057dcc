//! `POST /api/events/webhook/{name}`

use axum::{Json, extract::Request};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::object;
use crate::{
    app::Record,
    dialects::ryze::{
        bodies,
        call::OnInstance,
        error::{ErrorBody, RyzeError},
        webhook::{self, WebhookRow},
    },
};

/// What a failure of these routes is called.
pub(super) const WHAT: &str = "Failed to get instance";

/// A webhook.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WebhookAnswer {
    /// `true`.
    pub(super) success: bool,
    pub(super) message: &'static str,
    pub(super) webhook: WebhookRow,
}

/// Sets the webhook with a label: a new one is added, another is overwritten.
#[utoipa::path(
    post, operation_id = "set_webhook", path = "/api/events/webhook/{instance}", tag = "events",
    params(("instance" = String, Path, description = "Name, id or number")),
    request_body = bodies::SetWebhook,
    responses((status = 200, body = WebhookAnswer), (status = 400, body = ErrorBody))
)]
pub(super) async fn handler(on: OnInstance, request: Request) -> Result<Json<WebhookAnswer>, RyzeError> {
    let record = on.read(WHAT).await?;
    let body = object(request).await?;
    let webhook = set(&on, &record, &body).await?;
    Ok(Json(WebhookAnswer { success: true, message: "Webhook configured successfully", webhook }))
}

/// Sets the webhook that a body describes and shows it as it is then.
pub(super) async fn set(
    on: &OnInstance,
    record: &Record,
    body: &Map<String, Value>,
) -> Result<WebhookRow, RyzeError> {
    let wanted = webhook::endpoint(body)?;
    let result = on.app.webhooks.configure(&on.call, record, &wanted, true, webhook::ENABLED_MAX).await;
    let (_, stored, _) = on.own(WHAT, result).await?;
    Ok(WebhookRow::of(&stored))
}
