//! What this dialect keeps as given: settings, transports, a proxy and the number of the create.
//!
//! All of it belongs to messaging and has no other effect here. It is one sealed block, `evolution`.

use serde_json::{Map, Value, json};

use super::{FORMAT, call::field, error::EvolutionError, ids};
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

/// All settings of an instance, with the defaults of those that were never given.
pub(super) fn settings(record: &Record) -> Map<String, Value> {
    let kept = match block(record).remove("settings") {
        Some(Value::Object(kept)) => kept,
        _ => Map::new(),
    };
    let default = |is_text: bool| if is_text { json!("") } else { json!(false) };
    SETTINGS
        .iter()
        .map(|(name, _, is_text)| {
            ((*name).to_owned(), kept.get(*name).cloned().unwrap_or_else(|| default(*is_text)))
        })
        .collect()
}

/// A transport's or the proxy's row, without its secrets; none if it was never set.
pub(super) fn row(record: &Record, table: &str) -> Option<Value> {
    let Some(Value::Object(kept)) = block(record).remove(table) else { return None };
    let mut row = Map::new();
    row.insert("id".to_owned(), json!(ids::row(record.id, table)));
    for (name, value) in kept {
        if name != "password" {
            row.insert(name, value);
        }
    }
    row.insert("createdAt".to_owned(), json!(iso_millis(record.state.created_at)));
    row.insert("updatedAt".to_owned(), json!(iso_millis(record.state.updated_at)));
    row.insert("instanceId".to_owned(), json!(record.id.to_uuid().to_string()));
    Some(Value::Object(row))
}
