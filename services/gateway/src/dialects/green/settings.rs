//! The settings of an instance: strings `yes` and `no`, two numbers and the webhook.
//!
//! They belong to messaging and are kept as given, but for the webhook's URL and token and for the switches of
//! state notices, which say what this service sends.

use serde_json::{Map, Value, json};

use super::{FORMAT, error::GreenError};
use crate::app::{NewWebhook, Record};

/// Switches that a client may set.
const SWITCHES: [&str; 17] = [
    "markIncomingMessagesReaded",
    "markIncomingMessagesReadedOnReply",
    "sharedSession",
    "outgoingWebhook",
    "outgoingMessageWebhook",
    "outgoingAPIMessageWebhook",
    "incomingWebhook",
    "deviceWebhook",
    "statusInstanceWebhook",
    "stateWebhook",
    "enableMessagesHistory",
    "keepOnlineStatus",
    "pollMessageWebhook",
    "incomingBlockWebhook",
    "incomingCallWebhook",
    "editedMessageWebhook",
    "deletedMessageWebhook",
];
/// Bounds of the pause between messages, in milliseconds.
const DELAY_MILLIS: std::ops::RangeInclusive<i64> = 500..=600_000;

/// The kept block of this dialect.
pub(super) fn block(record: &Record) -> Map<String, Value> {
    match record.settings(FORMAT) {
        Some(Value::Object(block)) => block,
        _ => Map::new(),
    }
}

/// The settings among the fields of a body; unknown fields are ignored, wrong values are not.
pub(super) fn given(body: &Map<String, Value>) -> Result<Map<String, Value>, GreenError> {
    let invalid = |name: &str, expected: &str| GreenError::Validation(format!("'{name}' must be {expected}"));
    let mut given = Map::new();
    for name in SWITCHES {
        match body.get(name) {
            None => {}
            Some(Value::String(word)) if word == "yes" || word == "no" => {
                given.insert(name.to_owned(), json!(word));
            }
            Some(_) => return Err(invalid(name, "'yes' or 'no'")),
        }
    }
    for name in ["webhookUrl", "webhookUrlToken"] {
        match body.get(name) {
            None => {}
            Some(Value::String(text)) => {
                given.insert(name.to_owned(), json!(text));
            }
            Some(_) => return Err(invalid(name, "a string")),
        }
    }
    if let Some(delay) = body.get("delaySendMessagesMilliseconds") {
        let delay = delay.as_i64().filter(|delay| DELAY_MILLIS.contains(delay));
        let delay = delay.ok_or_else(|| invalid("delaySendMessagesMilliseconds", "from 500 to 600000"))?;
        given.insert("delaySendMessagesMilliseconds".to_owned(), json!(delay));
    }
    Ok(given)
}

/// All settings of an instance, with the defaults of those that were never given: a new instance has
/// everything off.
pub(super) fn shown(record: &Record) -> Value {
    let block = block(record);
    let open = super::words::state(&record.state.phase) == "authorized";
    let wid = record.device.as_ref().filter(|_| open).map(|device| format!("{}@c.us", device.phone));
    let kept = |name: &str, default: Value| block.get(name).cloned().unwrap_or(default);
    let mut shown = Map::new();
    shown.insert("wid".to_owned(), json!(wid.unwrap_or_default()));
    shown.insert("countryInstance".to_owned(), json!(""));
    shown.insert("typeAccount".to_owned(), json!(""));
    shown.insert("webhookUrl".to_owned(), kept("webhookUrl", json!("")));
    shown.insert("webhookUrlToken".to_owned(), kept("webhookUrlToken", json!("")));
    shown.insert(
        "delaySendMessagesMilliseconds".to_owned(),
        kept("delaySendMessagesMilliseconds", json!(500)),
    );
    for name in SWITCHES {
        shown.insert(name.to_owned(), kept(name, json!("no")));
    }
    Value::Object(shown)
}

/// The endpoint that the settings ask for: with a URL notices are pushed, without one they are kept for pulling.
/// Without state notices there is nothing to tell, so it is off.
pub(super) fn endpoint(settings: &Map<String, Value>) -> NewWebhook {
    let text = |name: &str| settings.get(name).and_then(Value::as_str).unwrap_or_default();
    let is_on = |name: &str| text(name) == "yes";
    let token = text("webhookUrlToken");
    NewWebhook {
        format: FORMAT,
        label: "default".to_owned(),
        enabled: is_on("stateWebhook"),
        url: text("webhookUrl").to_owned(),
        authorization: (!token.is_empty()).then(|| token.to_owned()),
        options: Some(json!({"state_webhook": is_on("stateWebhook")})),
        ..NewWebhook::default()
    }
}
