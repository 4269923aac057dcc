//! The settings of an instance: strings `yes` and `no`, two numbers and the webhook.
//!
//! They belong to messaging and are kept as given, but for the webhook's URL and token and for the switches of
//! state notices, which say what this service sends.

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};

use super::{FORMAT, error::GreenError, words::StateInstance};
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
/// The pause between messages.
const DELAY: &str = "delaySendMessagesMilliseconds";
/// Bounds of it.
const DELAY_MILLIS: std::ops::RangeInclusive<i64> = 500..=600_000;

/// All settings of an instance.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Settings(Map<String, Value>);

/// The settings that a client may set, for the document.
#[derive(Debug)]
pub(super) struct Settable;

impl ToSchema for Settings {}
impl ToSchema for Settable {}

impl PartialSchema for Settings {
    fn schema() -> RefOr<Schema> {
        let text = |object: ObjectBuilder, name: &str| object.property(name, String::schema()).required(name);
        let object = ["wid", "countryInstance", "typeAccount"].into_iter().fold(settable(), text);
        let given = ["webhookUrl", "webhookUrlToken", DELAY].into_iter().chain(SWITCHES);
        given.fold(object, ObjectBuilder::required).into()
    }
}

impl PartialSchema for Settable {
    fn schema() -> RefOr<Schema> {
        settable().into()
    }
}

/// The settings that a client may set, none of which is required.
pub(super) fn settable() -> ObjectBuilder {
    let switch = || ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["yes", "no"]));
    let delay = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .description(Some("Milliseconds between two messages"))
        .minimum(Some(*DELAY_MILLIS.start()))
        .maximum(Some(*DELAY_MILLIS.end()));
    let object = ObjectBuilder::new()
        .property("webhookUrl", String::schema())
        .property("webhookUrlToken", String::schema())
        .property(DELAY, delay);
    SWITCHES.into_iter().fold(object, |object, name| object.property(name, switch()))
}

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
    if let Some(delay) = body.get(DELAY) {
        let delay = delay.as_i64().filter(|delay| DELAY_MILLIS.contains(delay));
        let delay = delay.ok_or_else(|| invalid(DELAY, "from 500 to 600000"))?;
        given.insert(DELAY.to_owned(), json!(delay));
    }
    Ok(given)
}

/// All settings of an instance, with the defaults of those that were never given: a new instance has
/// everything off.
pub(super) fn shown(record: &Record) -> Settings {
    let block = block(record);
    let open = super::words::state(&record.state.phase) == StateInstance::Authorized;
    let wid = record.device().filter(|_| open).map(|device| format!("{}@c.us", device.phone));
    let kept = |name: &str, default: Value| block.get(name).cloned().unwrap_or(default);
    let mut shown = Map::new();
    shown.insert("wid".to_owned(), json!(wid.unwrap_or_default()));
    shown.insert("countryInstance".to_owned(), json!(""));
    shown.insert("typeAccount".to_owned(), json!(""));
    shown.insert("webhookUrl".to_owned(), kept("webhookUrl", json!("")));
    shown.insert("webhookUrlToken".to_owned(), kept("webhookUrlToken", json!("")));
    shown.insert(DELAY.to_owned(), kept(DELAY, json!(DELAY_MILLIS.start())));
    for name in SWITCHES {
        shown.insert(name.to_owned(), kept(name, json!("no")));
    }
    Settings(shown)
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
