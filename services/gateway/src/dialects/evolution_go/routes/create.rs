//! `POST /instance/create`

use axum::{Json, extract::Request};
use serde_json::{Map, Value, json};

use crate::{
    app::NewInstance,
    dialects::evolution_go::{
        FORMAT,
        answer::Success,
        bodies,
        call::{OnAccount, object, text},
        error::{ErrorBody, GoError},
        kept,
        row::InstanceRow,
        webhook,
    },
};

/// Creates an instance. A `proxy` is accepted and has no effect.
#[utoipa::path(
    post, operation_id = "create", path = "/evolution-go/instance/create", tag = "instance",
    request_body = bodies::Create,
    responses(
        (status = 200, body = Success<InstanceRow>), (status = 400, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "The name, the token or the id is taken.")
    )
)]
pub(super) async fn handler(on: OnAccount, request: Request) -> Result<Json<Success<InstanceRow>>, GoError> {
    let body = object(request).await?;
    let name = text(&body, "name")?.ok_or_else(|| GoError::Invalid("name is required".to_owned()))?;
    let id = kept::given_id(text(&body, "instanceId")?)?;
    let url = text(&body, "webhook")?;
    let events = webhook::events("webhookEvents", body.get("webhookEvents"))?;
    let token = text(&body, "token")?.unwrap_or_else(|| on.app.tokens.random_uuid().hyphenated().to_string());
    let new = NewInstance {
        name: Some(name),
        token: Some(token),
        settings: vec![(FORMAT, block(&body, id.as_deref())?)],
        alias: id,
        webhooks: webhook::wanted(None, url, events).into_iter().collect(),
        ..NewInstance::default()
    };
    let created = on.app.creator.create(&on.call, new).await?;
    Ok(Success::of(InstanceRow::of(created.record)))
}

/// What is kept as given; there always is a block, by which the instance is known as this dialect's.
fn block(body: &Map<String, Value>, id: Option<&str>) -> Result<Value, GoError> {
    let settings = match body.get("advancedSettings") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(given)) => kept::given_settings(given)?,
        Some(_) => return Err(GoError::field("advancedSettings", "an object is expected")),
    };
    let mut block = Map::new();
    block.insert("settings".to_owned(), Value::Object(settings));
    if let Some(id) = id {
        block.insert(kept::OWN_ID.to_owned(), json!(id));
    }
    Ok(Value::Object(block))
}
