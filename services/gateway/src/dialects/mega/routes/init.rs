//! `POST /rest/instance/init`

use axum::{
    Json,
    extract::{Query, Request, rejection::QueryRejection},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::webhook_configure::{WebhookBody, endpoint, message_data};
use crate::{
    app::NewInstance,
    dialects::mega::{call::OnHost, error::MegaError},
    http::body,
};

/// The query of a create.
#[derive(Debug, Deserialize)]
pub(super) struct Init {
    instance_key: Option<String>,
    disable_webhook: Option<String>,
}

/// Creates an instance; the key is made up if there is none.
pub(super) async fn handler(
    on: OnHost,
    query: Result<Query<Init>, QueryRejection>,
    request: Request,
) -> Result<Json<Value>, MegaError> {
    let Query(query) = query.map_err(|_| MegaError::Invalid("The query is not valid".to_owned()))?;
    let body = body::read(request).await?;
    let webhook = message_data::<Option<WebhookBody>>(&body)?;
    let disabled = query.disable_webhook.as_deref() == Some("true");
    let webhooks = webhook.filter(|_| !disabled).map(endpoint).transpose()?.into_iter().collect();
    let new = NewInstance { name: query.instance_key, webhooks, ..NewInstance::default() };
    let created = on.app.create(&on.call, new).await?;
    let (key, token) = (created.record.name, created.record.token);
    Ok(Json(json!({
        "error": false,
        "message": "Instance initialized",
        "instance": {"key": key, "token": token, "status": "disconnected"},
    })))
}
