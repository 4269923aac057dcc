//! `DELETE /api/events/webhook/{name}`

use axum::{Json, extract::Request};
use serde_json::{Map, Value};

use super::webhook_set::{WebhookAnswer, set};
use crate::{
    dialects::ryze::{
        bodies,
        call::OnInstance,
        error::{ErrorBody, RyzeError},
    },
    http::body,
};

/// Disables the webhook with a label and keeps its row, as a set with `enabled: false` does.
#[utoipa::path(
    delete, operation_id = "remove_webhook", path = "/api/events/webhook/{instance}", tag = "events",
    params(("instance" = String, Path, description = "Name, id or number")),
    request_body = bodies::RemoveWebhook,
    responses((status = 200, body = WebhookAnswer), (status = 400, body = ErrorBody))
)]
pub(super) async fn handler(on: OnInstance, request: Request) -> Result<Json<WebhookAnswer>, RyzeError> {
    let bytes = body::read(request).await?;
    let mut wanted = if bytes.iter().all(u8::is_ascii_whitespace) {
        Map::new()
    } else {
        serde_json::from_slice(&bytes).map_err(|_| RyzeError::InvalidBody)?
    };
    wanted.retain(|name, _| name == "label");
    wanted.insert("enabled".to_owned(), Value::Bool(false));
    let webhook = set(&on, &wanted).await?;
    Ok(Json(WebhookAnswer { success: true, message: "Webhook disabled successfully", webhook }))
}
