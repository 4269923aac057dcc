//! `POST /webhook/set/{instance}`

use axum::{Json, extract::Request, http::StatusCode};

use crate::dialects::evolution::{
    bodies,
    call::{OnInstance, object},
    error::{ErrorBody, EvolutionError},
    webhook::{self, WebhookRow},
};

/// Sets the one webhook of the instance.
#[utoipa::path(
    post, operation_id = "set_webhook", path = "/webhook/set/{instance}", tag = "webhook",
    params(("instance" = String, Path, description = "Name, id or number")),
    request_body = bodies::SetWebhook,
    responses((status = 201, body = WebhookRow), (status = 400, body = ErrorBody))
)]
pub(super) async fn handler(
    on: OnInstance,
    request: Request,
) -> Result<(StatusCode, Json<WebhookRow>), EvolutionError> {
    let record = on.read().await?;
    let wanted = webhook::of_set(&object(request).await?)?;
    let (answer, stored, _) = on.map(on.app.webhooks.configure(&on.call, &record, &wanted, true, 0).await)?;
    Ok((StatusCode::CREATED, Json(WebhookRow::of(&answer.record, &stored))))
}
