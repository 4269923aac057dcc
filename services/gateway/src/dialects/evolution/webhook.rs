//! The one webhook that an instance has in this dialect: nested and flat bodies, camel and snake case.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{FORMAT, call::field, error::EvolutionError, ids};
use crate::{
    app::{NewWebhook, Record, Webhook},
    http::time::iso_millis,
};

/// The event names of this dialect (release 2.3).
pub(super) const EVENTS: [&str; 31] = [
    "APPLICATION_STARTUP",
    "QRCODE_UPDATED",
    "MESSAGES_SET",
    "MESSAGES_UPSERT",
    "MESSAGES_EDITED",
    "MESSAGES_UPDATE",
    "MESSAGES_DELETE",
    "SEND_MESSAGE",
    "SEND_MESSAGE_UPDATE",
    "CONTACTS_SET",
    "CONTACTS_UPSERT",
    "CONTACTS_UPDATE",
    "PRESENCE_UPDATE",
    "CHATS_SET",
    "CHATS_UPSERT",
    "CHATS_UPDATE",
    "CHATS_DELETE",
    "GROUPS_UPSERT",
    "GROUP_UPDATE",
    "GROUP_PARTICIPANTS_UPDATE",
    "CONNECTION_UPDATE",
    "LABELS_EDIT",
    "LABELS_ASSOCIATION",
    "CALL",
    "TYPEBOT_START",
    "TYPEBOT_CHANGE_STATUS",
    "REMOVE_INSTANCE",
    "LOGOUT_INSTANCE",
    "INSTANCE_CREATE",
    "INSTANCE_DELETE",
    "STATUS_INSTANCE",
];

const BY_EVENTS: [&str; 4] = ["byEvents", "webhookByEvents", "webhook_by_events", "by_events"];
const BASE64: [&str; 3] = ["base64", "webhookBase64", "webhook_base64"];

/// What a `webhook` field of a create asks for: an object, or the URL alone with its options beside it, as
/// release 1 sends it.
pub(super) fn of_create(body: &Map<String, Value>) -> Result<Option<NewWebhook>, EvolutionError> {
    match field(body, &["webhook"]) {
        None => Ok(None),
        Some(Value::String(url)) if url.is_empty() => Ok(None),
        Some(Value::String(url)) => {
            let mut flat = body.clone();
            flat.insert("url".to_owned(), json!(url));
            flat.insert("enabled".to_owned(), json!(true));
            endpoint(&flat, "", Names::Any).map(Some)
        }
        Some(Value::Object(nested)) => {
            let mut nested = nested.clone();
            nested.insert("enabled".to_owned(), json!(true));
            // Forms send an empty one for none.
            if field(&nested, &["url"]).is_none_or(|url| url == "") {
                return Ok(None);
            }
            endpoint(&nested, "webhook.", Names::Any).map(Some)
        }
        Some(_) => Err(EvolutionError::Validation("webhook is not of a type(s) object".to_owned())),
    }
}

/// What the body of `webhook/set` asks for.
pub(super) fn of_set(body: &Map<String, Value>) -> Result<NewWebhook, EvolutionError> {
    let validation = |text: &str| Err(EvolutionError::Validation(text.to_owned()));
    let (settings, path) = match body.get("webhook") {
        Some(Value::Object(nested)) => (nested, "webhook."),
        Some(_) => return validation("webhook is not of a type(s) object"),
        None if body.contains_key("url") => (body, ""),
        None => return validation("instance requires property \"webhook\""),
    };
    match field(settings, &["url"]) {
        None => return validation("webhook requires property \"url\""),
        Some(Value::String(url)) if url.is_empty() && settings.get("enabled") != Some(&json!(false)) => {
            return validation("The \"url\" cannot be empty");
        }
        Some(_) => {}
    }
    match settings.get("enabled") {
        None if path == "webhook." => return validation("webhook requires property \"enabled\""),
        Some(Value::Null) => return validation(&format!("{path}enabled is not of a type(s) boolean")),
        _ => {}
    }
    let names = if path.is_empty() { Names::Any } else { Names::Known };
    endpoint(settings, path, names)
}

/// The endpoint that these settings describe; `path` stands before the fields' names in texts.
fn endpoint(settings: &Map<String, Value>, path: &str, names: Names) -> Result<NewWebhook, EvolutionError> {
    let flag = |spellings: &[&str], default: bool| match field(settings, spellings) {
        None => Ok(default),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => {
            let name = spellings.first().copied().unwrap_or_default();
            Err(EvolutionError::Validation(format!("{path}{name} is not of a type(s) boolean")))
        }
    };
    let enabled = flag(&["enabled"], true)?;
    let url = match field(settings, &["url"]) {
        // Clients that switch a webhook off fill the field with any word.
        Some(Value::String(url)) if !enabled && !url.starts_with("http") => String::new(),
        Some(Value::String(url)) => url.clone(),
        _ => return Err(EvolutionError::Validation(format!("{path}url is not of a type(s) string"))),
    };
    let mut headers = headers(field(settings, &["headers"]), path)?;
    let jwt_key = headers.remove("jwt_key");
    let authorization_name = headers.keys().find(|name| name.eq_ignore_ascii_case("authorization")).cloned();
    let authorization = authorization_name.as_ref().and_then(|name| headers.remove(name));
    let wanted = events(field(settings, &["events"]), path, names)?;
    let events = if enabled { wanted } else { Vec::new() };
    let options = json!({
        "by_events": flag(&BY_EVENTS, false)?,
        "base64": flag(&BASE64, false)?,
        "jwt_key": jwt_key,
        "authorization_name": authorization_name,
    });
    Ok(NewWebhook {
        format: FORMAT,
        label: "default".to_owned(),
        enabled,
        url,
        headers,
        authorization,
        events,
        options: Some(options),
        lenient_headers: true,
        ..NewWebhook::default()
    })
}

fn headers(given: Option<&Value>, path: &str) -> Result<BTreeMap<String, String>, EvolutionError> {
    let Some(given) = given else { return Ok(BTreeMap::new()) };
    let Value::Object(given) = given else {
        return Err(EvolutionError::Validation(format!("{path}headers is not of a type(s) object")));
    };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Ok(given.iter().map(|(name, value)| (name.clone(), text(value))).collect())
}

/// Which names a filter may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// Those of [`EVENTS`].
    Known,
    /// Also those of other releases, which are kept and shown and never happen: the product's documents show them in a
    /// create and in a flat body.
    Any,
}

/// The events of a filter; none given or an empty list is all of them.
pub(super) fn events(given: Option<&Value>, path: &str, names: Names) -> Result<Vec<String>, EvolutionError> {
    let Some(given) = given else { return Ok(Vec::new()) };
    let Value::Array(given) = given else {
        return Err(EvolutionError::Validation(format!("{path}events is not of a type(s) array")));
    };
    let mut events = Vec::with_capacity(given.len());
    for (index, name) in given.iter().enumerate() {
        match name.as_str() {
            Some(name) if names == Names::Any || EVENTS.contains(&name) => events.push(name.to_owned()),
            None if names == Names::Any => {
                let problem = format!("{path}events[{index}] is not of a type(s) string");
                return Err(EvolutionError::Validation(problem));
            }
            _ => {
                return Err(EvolutionError::Validation(format!(
                    "{path}events[{index}] is not one of enum values: {}",
                    EVENTS.join(",")
                )));
            }
        }
    }
    Ok(events)
}

/// The events that a row shows: none while it is switched off, all of them if none were chosen.
pub(super) fn shown_events(enabled: bool, chosen: &[String]) -> Vec<String> {
    match (enabled, chosen.is_empty()) {
        (false, _) => Vec::new(),
        (true, true) => EVENTS.map(str::to_owned).into(),
        (true, false) => chosen.to_vec(),
    }
}

/// The webhook of an instance.
pub(super) fn present(record: &Record) -> Option<Webhook> {
    record.open_webhooks_of(FORMAT).into_iter().next()
}

/// A webhook's row, as `set` and `find` show it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WebhookRow {
    id: String,
    url: String,
    /// As they were given, with `authorization` and `jwt_key`.
    headers: BTreeMap<String, String>,
    enabled: bool,
    events: Vec<String>,
    webhook_by_events: bool,
    webhook_base64: bool,
    created_at: String,
    updated_at: String,
    /// The instance as a hyphenated UUID.
    instance_id: String,
}

impl WebhookRow {
    pub(super) fn of(record: &Record, webhook: &Webhook) -> Self {
        Self {
            id: ids::webhook(webhook.id),
            url: webhook.url.clone(),
            headers: shown_headers(webhook),
            enabled: webhook.enabled,
            events: shown_events(webhook.enabled, &webhook.events),
            webhook_by_events: option(webhook, "by_events"),
            webhook_base64: option(webhook, "base64"),
            created_at: iso_millis(webhook.created_at),
            updated_at: iso_millis(webhook.updated_at),
            instance_id: record.id.to_uuid().to_string(),
        }
    }
}

/// A webhook as a create shows it; `{}` if it made none.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "they are the product's")]
pub(super) struct CreatedWebhook {
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_headers: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_by_events: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_base64: Option<bool>,
}

impl CreatedWebhook {
    pub(super) fn of(webhook: &Webhook) -> Self {
        Self {
            webhook_url: Some(webhook.url.clone()),
            webhook_headers: Some(shown_headers(webhook)),
            webhook_by_events: Some(option(webhook, "by_events")),
            webhook_base64: Some(option(webhook, "base64")),
        }
    }
}

fn option(webhook: &Webhook, name: &str) -> bool {
    webhook
        .options
        .as_ref()
        .and_then(|options| options.get(name))
        .and_then(Value::as_bool)
        .unwrap_or_default()
}

/// The headers as they were given: with the authorization and the key of the JWT among them.
fn shown_headers(webhook: &Webhook) -> BTreeMap<String, String> {
    let mut headers = webhook.headers.clone();
    let text =
        |name: &str| webhook.options.as_ref().and_then(|options| options.get(name)).and_then(Value::as_str);
    if let Some(authorization) = &webhook.authorization {
        headers
            .insert(text("authorization_name").unwrap_or("authorization").to_owned(), authorization.clone());
    }
    if let Some(key) = text("jwt_key") {
        headers.insert("jwt_key".to_owned(), key.to_owned());
    }
    headers
}
