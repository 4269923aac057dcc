//! What this dialect keeps as given: an id of the client's own, settings and switches of other transports. The last two belong
//! to messaging and have no other effect here. It is one sealed block, `evolution-go`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{FORMAT, error::GoError};
use crate::app::{Record, as_uuid};

/// The settings, and whether each is a text.
const SETTINGS: [(&str, bool); 6] = [
    ("alwaysOnline", false),
    ("rejectCall", false),
    ("msgRejectCall", true),
    ("readMessages", false),
    ("ignoreGroups", false),
    ("ignoreStatus", false),
];
/// Other ways to send events, as a connect switches them.
pub(super) const TRANSPORTS: [&str; 3] = ["rabbitmqEnable", "websocketEnable", "natsEnable"];
/// The field with the id of the client's own.
pub(super) const OWN_ID: &str = "instance_id";

/// The settings of an instance; what was never given is off or empty.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "they are the product's")]
pub(super) struct AdvancedSettings {
    #[schema(required)]
    always_online: bool,
    #[schema(required)]
    reject_call: bool,
    /// What callers are told.
    #[schema(required)]
    msg_reject_call: String,
    #[schema(required)]
    read_messages: bool,
    #[schema(required)]
    ignore_groups: bool,
    #[schema(required)]
    ignore_status: bool,
}

/// The id that the client gave an instance with its create.
pub(crate) fn own_id(record: &Record) -> Option<String> {
    block(record).remove(OWN_ID).and_then(|id| id.as_str().map(str::to_owned))
}

/// The id of an instance here: the client's own, or ours as a hyphenated UUID.
pub(super) fn id(record: &Record) -> String {
    own_id(record).unwrap_or_else(|| record.id.to_uuid().to_string())
}

/// Whether an instance was made here, or has settings of this dialect.
pub(super) fn is_known(record: &Record) -> bool {
    record.settings(FORMAT).is_some()
}

/// The settings of an instance.
pub(super) fn settings(record: &Record) -> AdvancedSettings {
    let kept = block(record).remove("settings").unwrap_or_default();
    serde_json::from_value(kept).unwrap_or_default()
}

/// How a transport was switched; empty if it never was.
pub(super) fn transport(record: &Record, name: &str) -> String {
    let kept = block(record).remove("transports");
    let switch = kept.as_ref().and_then(|kept| kept.get(name)).and_then(Value::as_str);
    switch.unwrap_or_default().to_owned()
}

/// The settings that an object gives.
pub(super) fn given_settings(object: &Map<String, Value>) -> Result<Map<String, Value>, GoError> {
    let mut given = Map::new();
    for (name, is_text) in SETTINGS {
        let Some(value) = object.get(name).filter(|value| !value.is_null()) else { continue };
        let fits = if is_text { value.is_string() } else { value.is_boolean() };
        if !fits {
            let problem = if is_text { "a text is expected" } else { "true or false is expected" };
            return Err(GoError::field(name, problem));
        }
        given.insert(name.to_owned(), value.clone());
    }
    Ok(given)
}

/// An id of the client's own, if the body has one: a UUID that no other instance of the account has.
pub(super) fn given_id(id: Option<String>) -> Result<Option<String>, GoError> {
    let parsed = id.map(|id| as_uuid(&id).ok_or_else(|| GoError::field("instanceId", "a UUID is expected")));
    Ok(parsed.transpose()?.map(|id| id.hyphenated().to_string()))
}

fn block(record: &Record) -> Map<String, Value> {
    match record.settings(FORMAT) {
        Some(Value::Object(block)) => block,
        _ => Map::new(),
    }
}
