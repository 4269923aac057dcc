//! The body that most answers of this dialect have: every documented key, always.

use berth_proto::{Hash, InstanceId, Timestamp};
use serde_json::{Map, Value, json};

use super::{
    FORMAT,
    answers::{Auth, BusinessName, InstanceFound, WhatsApp},
    error::CodeChatError,
    webhook, words,
};
use crate::{
    app::{App, Principal, Record},
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
    external_id(record).unwrap_or_else(|| record.id.to_string())
}

/// The foreign id, which this dialect alone gives.
pub(crate) fn external_id(record: &Record) -> Option<String> {
    block(record).remove("external_id").and_then(|id| id.as_str().map(str::to_owned))
}

/// The instance of any business with this id or foreign id, for the operator; `field` names it in an error.
pub(super) async fn of_any_business(app: &App, id: &str, field: &str) -> Result<InstanceId, CodeChatError> {
    match app.moves.instances_of_id(&Principal::Root, id).await?.as_slice() {
        [] => Err(CodeChatError::NotFound),
        [one] => Ok(*one),
        _ => {
            let problem = "several businesses have an instance of this externalId";
            Err(CodeChatError::Invalid(format!("{field}: {problem}")))
        }
    }
}

/// The instance's JWT.
pub(super) fn jwt(app: &App, record: &Record) -> String {
    app.tokens.jwt(record, external_id(record).as_deref())
}

/// A row's id, made from ours, so that it is always the same.
pub(super) fn row_id(record: &Record, table: &str) -> String {
    let digest = Hash::over(b"berth.v1.codechat.row", &[record.id.as_bytes(), table.as_bytes()]).to_string();
    digest.chars().take(26).collect()
}

/// `active` or `inactive`.
pub(super) fn state(record: &Record) -> &'static str {
    if is_active(record) { "active" } else { "inactive" }
}

/// The `Auth` object.
pub(super) fn auth(app: &App, record: &Record) -> Auth {
    Auth {
        id: row_id(record, "auth"),
        jwt: jwt(app, record),
        created_at: iso_millis(record.state.created_at),
        updated_at: iso_millis(record.state.updated_at),
    }
}

/// The whole instance: `InstanceFindResponse`.
pub(super) async fn response(
    app: &App,
    record: &Record,
    deleted_at: Option<Timestamp>,
) -> Result<InstanceFound, CodeChatError> {
    let business = app.accounts.read(record.state.account).await?;
    Ok(with_business(app, record, deleted_at, &business.name))
}

/// The whole instance, when the name of its business is known.
pub(super) fn with_business(
    app: &App,
    record: &Record,
    deleted_at: Option<Timestamp>,
    business: &str,
) -> InstanceFound {
    let device = record.device().unwrap_or_default();
    InstanceFound {
        instance_id: shown_id(record),
        name: record.name.clone(),
        state: state(record),
        connection: words::stored(&record.state.phase),
        created_at: iso_millis(record.state.created_at),
        deleted_at: deleted_at.map(iso_millis),
        auth: auth(app, record),
        whats_app: WhatsApp {
            whatsapp_id: record.id,
            remote_jid: device.jid,
            picture_url: device.picture_url.unwrap_or_default(),
            push_name: device.push_name.unwrap_or_default(),
            created_at: iso_millis(record.state.created_at),
        },
        webhook: record.open_webhooks_of(FORMAT).iter().map(|it| webhook::shown(record, it)).collect(),
        business: BusinessName { business_id: record.state.account, name: business.to_owned() },
    }
}
