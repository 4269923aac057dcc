//! `DELETE /api/events/webhook/{name}`

use axum::{Json, extract::Request};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::IntoParams;

use super::webhook_set::{WHAT, WebhookAnswer, set};
use crate::{
    dialects::ryze::{
        bodies,
        call::OnInstance,
        error::{ErrorBody, RyzeError},
    },
    http::{body, query::LenientQuery},
};

/// The query of a removal, for clients that send no body with it.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Labelled {
    /// The webhook's label; the body's comes first.
    label: Option<String>,
}

/// Disables the webhook with a label and keeps its row, as a set with `enabled: false` does.
#[utoipa::path(
    delete, operation_id = "remove_webhook", path = "/api/events/webhook/{instance}", tag = "events",
    params(("instance" = String, Path, description = "Name, id or number"), Labelled),
    request_body = bodies::RemoveWebhook,
    responses((status = 200, body = WebhookAnswer), (status = 400, body = ErrorBody))
)]
pub(super) async fn handler(
    on: OnInstance,
    LenientQuery(labelled): LenientQuery<Labelled>,
    request: Request,
) -> Result<Json<WebhookAnswer>, RyzeError> {
    let record = on.read(WHAT).await?;
    let bytes = body::read(request).await?;
    let mut wanted = if bytes.iter().all(u8::is_ascii_whitespace) {
        Map::new()
    } else {
        serde_json::from_slice(&bytes).map_err(|_| RyzeError::InvalidBody)?
    };
    wanted.retain(|name, _| name == "label");
    if let Some(label) = labelled.label {
        wanted.entry("label").or_insert(Value::String(label));
    }
    wanted.insert("enabled".to_owned(), Value::Bool(false));
    let webhook = set(&on, &record, &wanted).await?;
    Ok(Json(WebhookAnswer { success: true, message: "Webhook disabled successfully", webhook }))
}
