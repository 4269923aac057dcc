//! What this dialect keeps as given: settings, transports, a proxy and the number of the create.
//!
//! All of it belongs to messaging and has no other effect here. It is one sealed block, `evolution`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{
    FORMAT,
    call::{field, text},
    error::EvolutionError,
    ids,
    webhook::{self, Names},
};
use crate::{app::Record, http::time::iso_millis};

/// The settings: name, the spelling of release 1, and whether it is a text.
const SETTINGS: [(&str, &str, bool); 8] = [
    ("rejectCall", "reject_call", false),
    ("msgCall", "msg_call", true),
    ("groupsIgnore", "groups_ignore", false),
    ("alwaysOnline", "always_online", false),
    ("readMessages", "read_messages", false),
    ("readStatus", "read_status", false),
    ("syncFullHistory", "sync_full_history", false),
    ("wavoipToken", "wavoip_token", true),
];

/// Other ways to send events, kept and shown.
pub(super) const TRANSPORTS: [&str; 6] = ["websocket", "rabbitmq", "nats", "pusher", "sqs", "kafka"];

/// The block of this dialect.
pub(super) fn block(record: &Record) -> Map<String, Value> {
    match record.settings(FORMAT) {
        Some(Value::Object(block)) => block,
        _ => Map::new(),
    }
}

/// The settings that a body gives, in either spelling.
pub(super) fn given_settings(body: &Map<String, Value>) -> Result<Map<String, Value>, EvolutionError> {
    let mut given = Map::new();
    for (name, old, is_text) in SETTINGS {
        let Some(value) = field(body, &[name, old]) else { continue };
        if is_text && !value.is_string() {
            return Err(EvolutionError::Validation(format!("{name} is not of a type(s) string")));
        }
        if !is_text && !value.is_boolean() {
            return Err(EvolutionError::Validation(format!("{name} is not of a type(s) boolean")));
        }
        given.insert(name.to_owned(), value.clone());
    }
    Ok(given)
}

/// Checks a transport: whether it is switched on, and which events it wants.
pub(super) fn check_transport(name: &str, given: &Map<String, Value>) -> Result<(), EvolutionError> {
    check_enabled(name, given)?;
    webhook::events(field(given, &["events"]), &format!("{name}."), Names::Known)?;
    Ok(())
}

/// A transport of a create: as in the product it is switched on by being there, whatever its `enabled` says.
pub(super) fn created_transport(
    name: &str,
    given: &Map<String, Value>,
) -> Result<Map<String, Value>, EvolutionError> {
    let mut given = given.clone();
    if field(&given, &["enabled"]).is_none_or(Value::is_boolean) {
        given.insert("enabled".to_owned(), json!(true));
    }
    check_transport(name, &given)?;
    Ok(given)
}

/// Checks a proxy.
pub(super) fn check_proxy(given: &Map<String, Value>) -> Result<(), EvolutionError> {
    if !given.contains_key("enabled") {
        return Err(EvolutionError::Validation("instance requires property \"enabled\"".to_owned()));
    }
    check_enabled("proxy", given)?;
    for name in ["host", "port", "protocol", "username", "password"] {
        text(given, name)?;
    }
    Ok(())
}

fn check_enabled(name: &str, given: &Map<String, Value>) -> Result<(), EvolutionError> {
    match given.get("enabled") {
        Some(Value::Bool(_)) => Ok(()),
        _ => Err(EvolutionError::Validation(format!("{name}.enabled is not of a type(s) boolean"))),
    }
}

/// The settings of an instance; what was never given is off or empty.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "they are the product's")]
pub(super) struct Settings {
    #[schema(required)]
    reject_call: bool,
    /// What callers are told.
    #[schema(required)]
    msg_call: String,
    #[schema(required)]
    groups_ignore: bool,
    #[schema(required)]
    always_online: bool,
    #[schema(required)]
    read_messages: bool,
    #[schema(required)]
    read_status: bool,
    #[schema(required)]
    sync_full_history: bool,
    #[schema(required)]
    wavoip_token: String,
}

/// The settings of an instance.
pub(super) fn settings(record: &Record) -> Settings {
    let kept = block(record).remove("settings").unwrap_or_default();
    serde_json::from_value(kept).unwrap_or_default()
}

/// A transport's or the proxy's row: what was given without its secrets, and the columns of every row.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeptRow {
    id: String,
    /// What was given, such as `events` or `host`; no password and no secret.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    given: Map<String, Value>,
    created_at: String,
    updated_at: String,
    /// The instance as a hyphenated UUID.
    instance_id: String,
}

/// Columns that are ours to fill, and those that are never shown: the proxy's and Pusher's secrets.
const NOT_GIVEN: [&str; 6] = ["id", "createdAt", "updatedAt", "instanceId", "password", "secret"];

impl KeptRow {
    /// Whether it is switched on.
    pub(super) fn is_enabled(&self) -> bool {
        self.given.get("enabled") == Some(&Value::Bool(true))
    }
}

/// A transport's or the proxy's row; none if it was never set.
pub(super) fn row(record: &Record, table: &str) -> Option<KeptRow> {
    let Some(Value::Object(mut given)) = block(record).remove(table) else { return None };
    given.retain(|name, _| !NOT_GIVEN.contains(&name.as_str()));
    if TRANSPORTS.contains(&table) {
        let enabled = given.get("enabled") == Some(&Value::Bool(true));
        let chosen = webhook::events(field(&given, &["events"]), "", Names::Known).unwrap_or_default();
        given.insert("events".to_owned(), json!(webhook::shown_events(enabled, &chosen)));
    }
    Some(KeptRow {
        id: ids::row(record.id, table),
        given,
        created_at: iso_millis(record.state.created_at),
        updated_at: iso_millis(record.state.updated_at),
        instance_id: record.id.to_uuid().to_string(),
    })
}
