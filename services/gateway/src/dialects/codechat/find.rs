//! The body that most answers of this dialect have: every documented key, always.

use berth_proto::{Hash, Timestamp};
use serde_json::{Map, Value, json};

use super::{FORMAT, error::CodeChatError, webhook, words};
use crate::{
    app::{App, Record},
    http::time::iso_millis,
};

/// The kept block of this dialect: the foreign id and whether the instance is switched on.
pub(super) fn block(record: &Record) -> Map<String, Value> {
    match record.settings(FORMAT) {
        Some(Value::Object(block)) => block,
        _ => Map::new(),
    }
}

/// Whether the instance is switched on; the link does not care.
pub(super) fn is_active(record: &Record) -> bool {
    block(record).get("active") != Some(&json!(false))
}

/// The id that is shown everywhere: the foreign one if there is one.
pub(super) fn shown_id(record: &Record) -> String {
    let external = block(record).remove("external_id").and_then(|id| id.as_str().map(str::to_owned));
    external.unwrap_or_else(|| record.id.to_string())
}

/// The instance's JWT.
pub(super) fn jwt(app: &App, record: &Record) -> String {
    let claims = [
        ("I_ID", json!(shown_id(record))),
        ("B_ID", json!(record.state.account)),
        ("A_N", json!("codechat_api")),
        ("sub", json!("I_T")),
    ];
    app.jwt(record, &claims)
}

/// A row's id, made from ours, so that it is always the same.
pub(super) fn row_id(record: &Record, table: &str) -> String {
    let digest = Hash::over(b"berth.v1.codechat.row", &[record.id.as_bytes(), table.as_bytes()]).to_string();
    digest.chars().take(26).collect()
}

/// An instance without what hangs on it.
pub(super) fn head(record: &Record, deleted_at: Option<Timestamp>) -> Map<String, Value> {
    let mut head = Map::new();
    head.insert("instanceId".to_owned(), json!(shown_id(record)));
    head.insert("name".to_owned(), json!(record.name));
    head.insert("state".to_owned(), json!(if is_active(record) { "active" } else { "inactive" }));
    head.insert("connection".to_owned(), json!(words::stored(&record.state.phase)));
    head.insert("createdAt".to_owned(), json!(iso_millis(record.state.created_at)));
    head.insert("deletedAt".to_owned(), json!(deleted_at.map(iso_millis)));
    head
}

/// The `Auth` object.
pub(super) fn auth(app: &App, record: &Record) -> Value {
    json!({
        "authId": row_id(record, "auth"),
        "jwt": jwt(app, record),
        "createdAt": iso_millis(record.state.created_at),
        "updatedAt": iso_millis(record.state.updated_at),
    })
}

/// The whole instance: `InstanceFindResponse`.
pub(super) async fn response(
    app: &App,
    record: &Record,
    deleted_at: Option<Timestamp>,
) -> Result<Value, CodeChatError> {
    let business = app.account(record.state.account).await?;
    Ok(with_business(app, record, deleted_at, &business.name))
}

/// The whole instance, when the name of its business is known.
pub(super) fn with_business(
    app: &App,
    record: &Record,
    deleted_at: Option<Timestamp>,
    business: &str,
) -> Value {
    let device = record.device.clone().unwrap_or_default();
    let webhooks: Vec<Value> =
        record.open_webhooks_of(FORMAT).iter().map(|webhook| webhook::shown(record, webhook)).collect();
    let mut body = head(record, deleted_at);
    body.insert("Auth".to_owned(), auth(app, record));
    body.insert(
        "WhatsApp".to_owned(),
        json!({
            "whatsappId": record.id,
            "remoteJid": device.jid,
            "pictureUrl": device.picture_url.unwrap_or_default(),
            "pushName": device.push_name.unwrap_or_default(),
            "createdAt": iso_millis(record.state.created_at),
        }),
    );
    body.insert("Webhook".to_owned(), json!(webhooks));
    body.insert("Business".to_owned(), json!({"businessId": record.state.account, "name": business}));
    Value::Object(body)
}
