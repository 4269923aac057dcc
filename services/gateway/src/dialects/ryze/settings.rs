//! The seven settings and the blocks that are kept beside them: proxy, S3, Chatwoot, WebSocket.
//!
//! They belong to messaging: they are kept as given and shown again, and have no other effect here.

use serde_json::{Map, Value, json};

use super::{FORMAT, error::RyzeError};
use crate::app::Record;

/// The settings with their defaults, in the order in which they are shown.
fn defaults() -> Map<String, Value> {
    let defaults = json!({
        "autoRejectCalls": false,
        "callRejectMessage": "",
        "ignoreGroupMessages": false,
        "keepOnlineStatus": false,
        "autoReadMessages": false,
        "disableHistorySync": true,
        "ignoreStatus": false,
    });
    match defaults {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// The block of this dialect, as it is kept.
pub(super) fn block(record: &Record) -> Map<String, Value> {
    match record.settings(FORMAT) {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// The seven settings of an instance.
pub(super) fn seven(record: &Record) -> Value {
    let mut settings = defaults();
    if let Some(Value::Object(kept)) = block(record).remove("settings") {
        for (name, value) in kept {
            settings.insert(name, value);
        }
    }
    Value::Object(settings)
}

/// The settings among the fields of a body; unknown fields are ignored, wrong types are not.
pub(super) fn given(body: &Map<String, Value>) -> Result<Map<String, Value>, RyzeError> {
    let mut given = Map::new();
    for (name, default) in defaults() {
        if let Some(value) = body.get(&name) {
            let fits = if default.is_string() { value.is_string() } else { value.is_boolean() };
            if !fits {
                return Err(RyzeError::InvalidBody);
            }
            given.insert(name, value.clone());
        }
    }
    Ok(given)
}

/// A block that is kept beside the settings, for example `proxy`; without its secrets. Never set, it is off.
pub(super) fn beside(record: &Record, name: &str) -> Value {
    let Some(Value::Object(mut kept)) = block(record).remove(name) else {
        return json!({"enabled": false});
    };
    for secret in ["password", "secretKey", "apiToken", "accessKey"] {
        kept.remove(secret);
    }
    Value::Object(kept)
}
