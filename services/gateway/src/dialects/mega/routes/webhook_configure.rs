//! `POST /rest/webhook/{key}/configWebhook`

use axum::{Json, extract::Request};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    app::NewWebhook,
    dialects::mega::{FORMAT, call::OnInstance, error::MegaError},
    http::body,
};

/// What stands in `messageData`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WebhookBody {
    webhook_url: String,
    #[serde(default)]
    webhook_enabled: bool,
}

/// Sets the one endpoint that an instance has in this dialect.
pub(super) async fn handler(on: OnInstance, request: Request) -> Result<Json<Value>, MegaError> {
    let body = body::read(request).await?;
    let wanted = message_data::<Option<WebhookBody>>(&body)?
        .ok_or_else(|| MegaError::Invalid("messageData is required".to_owned()))?;
    let record = on.read().await?;
    let new = endpoint(wanted)?;
    on.map(on.app.configure_webhook(&on.call, &record, &new, true, 0).await)?;
    Ok(Json(json!({"error": false, "message": "Webhook configured"})))
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
pub(super) fn message_data<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, MegaError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", bound = "T: DeserializeOwned + Default")]
    struct Wrapped<T> {
        #[serde(default)]
        message_data: T,
    }
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(T::default());
    }
    serde_json::from_slice::<Wrapped<T>>(body).map(|wrapped| wrapped.message_data).map_err(|error| {
        MegaError::Invalid(
            if error.is_data() { "messageData is not valid" } else { "The body is not valid JSON" }
                .to_owned(),
        )
    })
}
