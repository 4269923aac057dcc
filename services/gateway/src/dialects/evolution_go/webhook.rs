//! The one webhook that an instance has in this dialect: a connect sets it, or a create.

use serde_json::{Map, Value};

use super::{FORMAT, error::GoError};
use crate::app::{NewWebhook, Record, Webhook};

/// Groups of events that an endpoint may be told.
pub(super) const EVENTS: [&str; 13] = [
    "MESSAGE",
    "SEND_MESSAGE",
    "READ_RECEIPT",
    "PRESENCE",
    "HISTORY_SYNC",
    "CHAT_PRESENCE",
    "CALL",
    "CONNECTION",
    "LABEL",
    "CONTACT",
    "GROUP",
    "NEWSLETTER",
    "QRCODE",
];
/// Stands for all of them.
pub(super) const ALL: &str = "ALL";
/// What an endpoint is told that nobody asked anything for.
const DEFAULT: &str = "MESSAGE";
/// The filter of an endpoint that wants nothing that there is.
const NOTHING: &str = "none";
/// Words in the place of a URL that switch the webhook off.
const OFF: [&str; 2] = ["disabled", "false"];

/// The webhook of an instance.
pub(super) fn present(record: &Record) -> Option<Webhook> {
    record.open_webhooks_of(FORMAT).into_iter().next()
}

/// The events of a list; none if it is left out or empty. Names that there are not are left out.
pub(super) fn events(name: &str, given: Option<&Value>) -> Result<Option<Vec<String>>, GoError> {
    let given = match given {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(given)) if given.is_empty() => return Ok(None),
        Some(Value::Array(given)) => given.iter().map(Value::as_str).collect::<Option<Vec<_>>>(),
        Some(_) => None,
    };
    let given = given.ok_or_else(|| GoError::field(name, "a list of texts is expected"))?;
    let is_wanted = |event: &&str| given.contains(&ALL) || given.contains(event);
    let mut events: Vec<String> = EVENTS.into_iter().filter(is_wanted).map(str::to_owned).collect();
    if events.is_empty() {
        events.push(NOTHING.to_owned());
    }
    Ok(Some(events))
}

/// The webhook that there shall be; none if nothing changes. What is not given stays as it is.
pub(super) fn wanted(
    present: Option<&Webhook>,
    url: Option<String>,
    events: Option<Vec<String>>,
) -> Option<NewWebhook> {
    if url.is_none() && events.is_none() {
        return None;
    }
    let mut wanted = present.map_or_else(fresh, of_present);
    if let Some(url) = url {
        wanted.enabled = !OFF.contains(&url.as_str());
        wanted.url = if wanted.enabled { url } else { String::new() };
    }
    if let Some(events) = events {
        wanted.events = events;
    }
    let is_as_it_was = |webhook: &Webhook| {
        (webhook.enabled, &webhook.url, &webhook.events) == (wanted.enabled, &wanted.url, &wanted.events)
    };
    (!present.is_some_and(is_as_it_was)).then_some(wanted)
}

fn fresh() -> NewWebhook {
    NewWebhook {
        format: FORMAT,
        label: "default".to_owned(),
        events: vec![DEFAULT.to_owned()],
        options: Some(options(None)),
        ..NewWebhook::default()
    }
}

/// The same endpoint, with what only the native API sets.
fn of_present(webhook: &Webhook) -> NewWebhook {
    NewWebhook {
        id: Some(webhook.id),
        format: FORMAT,
        label: webhook.label.clone(),
        enabled: webhook.enabled,
        url: webhook.url.clone(),
        headers: webhook.headers.clone(),
        authorization: webhook.authorization.clone(),
        events: webhook.events.clone(),
        after_logout_all: webhook.after_logout_all,
        options: Some(options(webhook.options.as_ref())),
        ..NewWebhook::default()
    }
}

/// Whoever configures a webhook here has asked for the token in its bodies, as the product has it.
fn options(present: Option<&Value>) -> Value {
    let mut options = present.and_then(Value::as_object).cloned().unwrap_or_else(Map::new);
    options.insert("token_in_body".to_owned(), Value::Bool(true));
    Value::Object(options)
}

/// The URL of a webhook that is switched on.
pub(super) fn shown_url(webhook: Option<&Webhook>) -> String {
    webhook.filter(|webhook| webhook.enabled).map(|webhook| webhook.url.clone()).unwrap_or_default()
}

/// The events of a webhook with commas between them.
pub(super) fn shown_events(webhook: Option<&Webhook>) -> String {
    match webhook {
        None => DEFAULT.to_owned(),
        Some(webhook) if webhook.events.is_empty() => EVENTS.join(","),
        Some(webhook) => {
            let known = webhook.events.iter().map(String::as_str).filter(|event| EVENTS.contains(event));
            known.collect::<Vec<_>>().join(",")
        }
    }
}
