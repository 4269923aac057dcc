//! `POST /api/instance/new`

use axum::{Json, extract::Request, http::StatusCode};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::object;
use crate::{
    app::{Failure, NewInstance, NewWebhook},
    dialects::ryze::{
        FORMAT, bodies,
        call::OnAccount,
        error::{ErrorBody, RyzeError},
        settings::{self, Kept},
        webhook::{self, MaybeWebhook},
        words,
    },
};

const WHAT: &str = "Failed to create instance";

/// A new instance.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NewAnswer {
    /// `true`.
    success: bool,
    message: &'static str,
    instance: CreatedInstance,
    webhook: MaybeWebhook,
    websocket: Kept,
    chatwoot: Kept,
}

/// The new instance itself.
#[derive(Debug, Serialize, ToSchema)]
struct CreatedInstance {
    name: String,
    /// Its own token.
    token: String,
    /// `disconnected`.
    status: &'static str,
}

/// Creates an instance. A webhook that is refused does not fail the create: it is shown as not enabled.
#[utoipa::path(
    post, operation_id = "new", path = "/api/instance/new", tag = "instance",
    request_body = bodies::NewInstance,
    responses(
        (status = 201, body = NewAnswer), (status = 400, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "The name or the token is taken.")
    )
)]
pub(super) async fn handler(
    on: OnAccount,
    request: Request,
) -> Result<(StatusCode, Json<NewAnswer>), RyzeError> {
    let body = object(request).await?;
    let text = |name: &str| match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(RyzeError::InvalidBody),
    };
    let name = text("name")?.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| RyzeError::Invalid("Instance name is required".to_owned()))?;
    let mut new = NewInstance {
        name: Some(name),
        token: text("token")?.filter(|token| !token.is_empty()),
        settings: vec![(FORMAT, Value::Object(kept(&body)?))],
        webhooks: wanted_webhook(&body)?.into_iter().collect(),
        ..NewInstance::default()
    };
    let created = match on.app.creator.create(&on.call, new.clone()).await {
        Err(Failure::Invalid { field: "url" | "authorization" | "headers", .. })
            if !new.webhooks.is_empty() =>
        {
            new.webhooks.clear();
            on.app.creator.create(&on.call, new).await
        }
        other => other,
    };
    let record = created.map_err(|failure| RyzeError::of(WHAT, failure))?.record;
    let answer = NewAnswer {
        success: true,
        message: "Instance created",
        webhook: MaybeWebhook::of(record.open_webhooks_of(FORMAT).first(), None),
        websocket: Kept::of(&record, "websocket"),
        chatwoot: Kept::of(&record, "chatwoot"),
        instance: CreatedInstance { status: words::state(&record), token: record.token(), name: record.name },
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// The endpoint that the body asks for; one that is not well formed is left out.
fn wanted_webhook(body: &Map<String, Value>) -> Result<Option<NewWebhook>, RyzeError> {
    let fields = settings::long(body, settings::WEBHOOK)?;
    let enabled = fields.get("enabled") == Some(&Value::Bool(true));
    Ok(enabled.then(|| webhook::endpoint(&fields).ok()).flatten())
}

/// What is kept as given; a WebSocket with an event that there is not is left out.
fn kept(body: &Map<String, Value>) -> Result<Map<String, Value>, RyzeError> {
    let mut websocket = settings::long(body, settings::WEBSOCKET)?;
    if webhook::events(websocket.get("events")).is_err() {
        websocket.clear();
    }
    let parts = [
        ("settings", settings::given(body)?),
        ("websocket", websocket),
        ("proxy", settings::long(body, settings::PROXY)?),
        ("chatwoot", settings::long(body, settings::CHATWOOT)?),
        ("s3", settings::long(body, settings::S3)?),
    ];
    let given = parts.into_iter().filter(|(_, part)| !part.is_empty());
    Ok(given.map(|(name, part)| (name.to_owned(), Value::Object(part))).collect())
}
