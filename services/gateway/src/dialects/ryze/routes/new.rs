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

/// Fields of a body that belong to a block, and their names there.
type Fields = &'static [(&'static str, &'static str)];

const WEBHOOK: Fields = &[
    ("webhookEnabled", "enabled"),
    ("webhookURL", "url"),
    ("webhookAuthorization", "authorization"),
    ("webhookByEvents", "byEvents"),
    ("webhookEvents", "events"),
    ("webhookMediaBase64", "mediaBase64"),
];
const WEBSOCKET: Fields = &[
    ("websocketEnabled", "enabled"),
    ("websocketEvents", "events"),
    ("websocketMediaBase64", "mediaBase64"),
];
const PROXY: Fields = &[
    ("proxyEnabled", "enabled"),
    ("proxyHost", "host"),
    ("proxyPort", "port"),
    ("proxyProtocol", "protocol"),
    ("proxyUsername", "username"),
    ("proxyPassword", "password"),
];
const CHATWOOT: Fields = &[
    ("chatwootEnabled", "enabled"),
    ("chatwootBaseUrl", "baseUrl"),
    ("chatwootAccountId", "accountId"),
    ("chatwootApiToken", "apiToken"),
    ("chatwootInboxName", "inboxName"),
    ("chatwootSignMessages", "signMessages"),
    ("chatwootIgnoreGroups", "ignoreGroups"),
    ("chatwootStartAsPending", "startAsPending"),
    ("chatwootReopenResolved", "reopenResolved"),
];
const S3: Fields = &[
    ("s3Enabled", "enabled"),
    ("s3Region", "region"),
    ("s3Bucket", "bucket"),
    ("s3AccessKey", "accessKey"),
    ("s3SecretKey", "secretKey"),
    ("s3Endpoint", "endpoint"),
    ("s3PathPrefix", "pathPrefix"),
];

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
        webhooks: wanted_webhook(&body).into_iter().collect(),
        ..NewInstance::default()
    };
    let created = match on.app.create(&on.call, new.clone()).await {
        Err(Failure::Invalid { field: "url" | "authorization" | "headers", .. })
            if !new.webhooks.is_empty() =>
        {
            new.webhooks.clear();
            on.app.create(&on.call, new).await
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
        instance: CreatedInstance { status: words::state(&record), name: record.name, token: record.token },
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// The endpoint that the body asks for; one that is not well formed is left out.
fn wanted_webhook(body: &Map<String, Value>) -> Option<NewWebhook> {
    let fields = block(body, WEBHOOK);
    (fields.get("enabled") == Some(&Value::Bool(true))).then(|| webhook::endpoint(&fields).ok()).flatten()
}

/// What is kept as given.
fn kept(body: &Map<String, Value>) -> Result<Map<String, Value>, RyzeError> {
    let mut kept = Map::new();
    kept.insert("settings".to_owned(), Value::Object(settings::given(body)?));
    for (name, fields) in [("websocket", WEBSOCKET), ("proxy", PROXY), ("chatwoot", CHATWOOT), ("s3", S3)] {
        let block = block(body, fields);
        if !block.is_empty() {
            kept.insert(name.to_owned(), Value::Object(block));
        }
    }
    Ok(kept)
}

fn block(body: &Map<String, Value>, fields: Fields) -> Map<String, Value> {
    fields.iter().filter_map(|(from, to)| Some(((*to).to_owned(), body.get(*from)?.clone()))).collect()
}
