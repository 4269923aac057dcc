//! The seven settings and the blocks that are kept beside them: proxy, S3, Chatwoot, WebSocket.
//!
//! They belong to messaging: they are kept as given and shown again, and have no other effect here.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::AdditionalProperties},
};

use super::{FORMAT, error::RyzeError};
use crate::app::Record;

/// The settings that are flags.
const FLAGS: [&str; 6] = [
    "autoRejectCalls",
    "ignoreGroupMessages",
    "keepOnlineStatus",
    "autoReadMessages",
    "disableHistorySync",
    "ignoreStatus",
];
/// The setting that is a text.
const TEXT: &str = "callRejectMessage";
/// What is kept of a block and never shown.
const SECRETS: [&str; 4] = ["password", "secretKey", "apiToken", "accessKey"];

/// Fields of a body that belong to a block, and their names there.
pub(super) type Fields = &'static [(&'static str, &'static str)];

pub(super) const WEBHOOK: Fields = &[
    ("webhookEnabled", "enabled"),
    ("webhookURL", "url"),
    ("webhookAuthorization", "authorization"),
    ("webhookByEvents", "byEvents"),
    ("webhookEvents", "events"),
    ("webhookMediaBase64", "mediaBase64"),
];
pub(super) const WEBSOCKET: Fields = &[
    ("websocketEnabled", "enabled"),
    ("websocketEvents", "events"),
    ("websocketMediaBase64", "mediaBase64"),
];
pub(super) const PROXY: Fields = &[
    ("proxyEnabled", "enabled"),
    ("proxyHost", "host"),
    ("proxyPort", "port"),
    ("proxyProtocol", "protocol"),
    ("proxyUsername", "username"),
    ("proxyPassword", "password"),
];
pub(super) const CHATWOOT: Fields = &[
    ("chatwootEnabled", "enabled"),
    ("chatwootBaseUrl", "baseUrl"),
    ("chatwootAccountId", "accountId"),
    ("chatwootApiToken", "apiToken"),
    ("chatwootInboxName", "inboxName"),
    ("chatwootSignMessages", "signMessages"),
    ("chatwootIgnoreGroups", "ignoreGroups"),
    ("chatwootStartAsPending", "startAsPending"),
    ("chatwootReopenResolved", "reopenResolved"),
];
pub(super) const S3: Fields = &[
    ("s3Enabled", "enabled"),
    ("s3Region", "region"),
    ("s3Bucket", "bucket"),
    ("s3AccessKey", "accessKey"),
    ("s3SecretKey", "secretKey"),
    ("s3Endpoint", "endpoint"),
    ("s3PathPrefix", "pathPrefix"),
];

/// The seven settings.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
#[expect(clippy::struct_excessive_bools, reason = "the settings of the product")]
pub(super) struct Settings {
    auto_reject_calls: bool,
    call_reject_message: String,
    ignore_group_messages: bool,
    keep_online_status: bool,
    auto_read_messages: bool,
    disable_history_sync: bool,
    ignore_status: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            auto_reject_calls: false,
            call_reject_message: String::new(),
            ignore_group_messages: false,
            keep_online_status: false,
            auto_read_messages: false,
            disable_history_sync: true,
            ignore_status: false,
        }
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
pub(super) fn seven(record: &Record) -> Settings {
    let kept = block(record).remove("settings").unwrap_or_default();
    serde_json::from_value(kept).unwrap_or_default()
}

/// The settings among the fields of a body; unknown fields and null are ignored, wrong
/// types are not.
pub(super) fn given(body: &Map<String, Value>) -> Result<Map<String, Value>, RyzeError> {
    let mut given = Map::new();
    for name in FLAGS.into_iter().chain([TEXT]) {
        if let Some(value) = body.get(name).filter(|value| !value.is_null()) {
            let fits = if name == TEXT { value.is_string() } else { value.is_boolean() };
            if !fits {
                return Err(RyzeError::InvalidBody);
            }
            given.insert(name.to_owned(), value.clone());
        }
    }
    Ok(given)
}

/// What the body of a create gives of a block, by the names there.
pub(super) fn long(body: &Map<String, Value>, fields: Fields) -> Result<Map<String, Value>, RyzeError> {
    part(fields.iter().map(|(long, name)| (*name, body.get(*long))))
}

/// What a body gives of a block, by the names there or by those of a create.
pub(super) fn short(body: &Map<String, Value>, fields: Fields) -> Result<Map<String, Value>, RyzeError> {
    part(fields.iter().map(|(long, name)| (*name, body.get(*name).or_else(|| body.get(*long)))))
}

/// Null is absent, and a field of a wrong type is refused.
fn part<'b>(
    fields: impl Iterator<Item = (&'static str, Option<&'b Value>)>,
) -> Result<Map<String, Value>, RyzeError> {
    let given = fields.filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_null())?)));
    given.map(|(name, value)| Ok((name.to_owned(), typed(name, value)?.clone()))).collect()
}

fn typed<'b>(name: &str, value: &'b Value) -> Result<&'b Value, RyzeError> {
    let fits = match name {
        "enabled" | "byEvents" | "mediaBase64" | "signMessages" | "ignoreGroups" | "startAsPending"
        | "reopenResolved" => value.is_boolean(),
        "accountId" => value.is_number(),
        "events" => value.as_array().is_some_and(|events| events.iter().all(Value::is_string)),
        _ => value.is_string(),
    };
    fits.then_some(value).ok_or(RyzeError::InvalidBody)
}

/// A block that is shown as it was given, without its secrets.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Kept(Map<String, Value>);

impl Kept {
    /// A block that is kept beside the settings, for example `proxy`. Never set, it is off.
    pub(super) fn of(record: &Record, name: &str) -> Self {
        let Some(Value::Object(mut kept)) = block(record).remove(name) else {
            return Self(Map::from_iter([("enabled".to_owned(), Value::Bool(false))]));
        };
        kept.retain(|name, _| !SECRETS.contains(&name.as_str()));
        kept.entry("enabled").or_insert(Value::Bool(false));
        Self(kept)
    }
}

impl PartialSchema for Kept {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .description(Some(
                "What was given, without its secrets; `{\"enabled\": false}` if nothing ever was.",
            ))
            .additional_properties(Some(AdditionalProperties::FreeForm(true)))
            .into()
    }
}

impl ToSchema for Kept {}
