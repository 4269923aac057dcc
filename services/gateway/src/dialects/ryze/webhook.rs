//! Webhooks as this dialect configures and shows them: by label, at most three enabled.

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{FORMAT, error::RyzeError};
use crate::app::{NewWebhook, Webhook};

/// Enabled webhooks of an instance; disabled ones do not count.
pub(super) const ENABLED_MAX: u8 = 3;
/// The event names of this dialect.
pub(super) const EVENTS: [&str; 6] =
    ["message.exchange", "message.status", "call.update", "group.flow", "instance.state", "label.update"];

/// The endpoint that a body asks for. A disabled one keeps its row and nothing else.
pub(super) fn endpoint(body: &Map<String, Value>) -> Result<NewWebhook, RyzeError> {
    let text = |name: &str| match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(RyzeError::InvalidBody),
    };
    let flag = |name: &str| match body.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(RyzeError::InvalidBody),
    };
    let label = text("label")?.filter(|label| !label.is_empty()).unwrap_or_else(|| "default".to_owned());
    let Some(Value::Bool(enabled)) = body.get("enabled") else { return Err(RyzeError::InvalidBody) };
    if !enabled {
        return Ok(NewWebhook { format: FORMAT, label, ..NewWebhook::default() });
    }
    let url = text("url")?.filter(|url| !url.is_empty());
    Ok(NewWebhook {
        format: FORMAT,
        label,
        enabled: true,
        url: url.ok_or_else(|| RyzeError::Invalid("Webhook url is required".to_owned()))?,
        authorization: text("authorization")?.filter(|value| !value.is_empty()),
        events: events(body.get("events"))?,
        options: Some(
            json!({"by_events": flag("byEvents")?, "media_base64": flag("mediaBase64")?, "token_in_body": true}),
        ),
        ..NewWebhook::default()
    })
}

/// The events of a body; none given is all of them.
pub(super) fn events(given: Option<&Value>) -> Result<Vec<String>, RyzeError> {
    let Some(given) = given.filter(|given| !given.is_null()) else { return Ok(Vec::new()) };
    let names: Vec<String> = serde_json::from_value(given.clone()).map_err(|_| RyzeError::InvalidBody)?;
    match names.iter().find(|name| !EVENTS.contains(&name.as_str())) {
        Some(_) => {
            Err(RyzeError::Invalid(format!("Invalid event: one of {} is expected", EVENTS.join(", "))))
        }
        None => Ok(names),
    }
}

/// The names that are shown for a filter: an empty one is all.
pub(super) fn shown_events(events: &[String]) -> Vec<String> {
    if events.is_empty() { EVENTS.iter().map(|name| (*name).to_owned()).collect() } else { events.to_vec() }
}

/// A webhook as this dialect shows it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WebhookRow {
    label: String,
    enabled: bool,
    url: String,
    authorization: Option<String>,
    by_events: bool,
    /// All that it receives; none while it is disabled.
    events: Vec<String>,
    media_base64: bool,
}

impl WebhookRow {
    pub(super) fn of(webhook: &Webhook) -> Self {
        let options = webhook.options.as_ref();
        let option = |name: &str| {
            options.and_then(|options| options.get(name)).and_then(Value::as_bool).unwrap_or_default()
        };
        Self {
            label: webhook.label.clone(),
            enabled: webhook.enabled,
            url: webhook.url.clone(),
            authorization: webhook.authorization.clone(),
            by_events: option("by_events"),
            events: if webhook.enabled { shown_events(&webhook.events) } else { Vec::new() },
            media_base64: option("media_base64"),
        }
    }
}

/// A webhook where there may be none.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum MaybeWebhook {
    Set(WebhookRow),
    Never(NoWebhook),
}

/// No webhook; a list says which one, a create does not.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NoWebhook {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    label: Option<&'static str>,
    /// `false`.
    enabled: bool,
}

impl MaybeWebhook {
    pub(super) fn of(webhook: Option<&Webhook>, label: Option<&'static str>) -> Self {
        webhook.map_or(Self::Never(NoWebhook { label, enabled: false }), |webhook| {
            Self::Set(WebhookRow::of(webhook))
        })
    }
}
