//! `GET /instance/fetchInstances`

use axum::Json;
use berth_proto::instance::{EndCauseV1, PhaseV1};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    app::{Failure, KeyKind, ListQuery, Principal, Record},
    dialects::evolution::{call::Caller, error::EvolutionError, ids, kept, words},
    http::{query::LenientQuery, time::iso_millis},
};

/// Instances in one answer, since this dialect has no pages.
const INSTANCES_MAX: usize = 10_000;

/// The filters; the id and the number win over the name.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Filters {
    instance_name: Option<String>,
    instance_id: Option<String>,
    number: Option<String>,
}

/// Lists the account's instances; an instance's token sees its own.
pub(super) async fn handler(
    caller: Caller,
    LenientQuery(filters): LenientQuery<Filters>,
) -> Result<Json<Value>, EvolutionError> {
    let records = match caller.call.principal {
        Principal::Instance { instance, .. } => {
            let own = caller.app.read(&caller.call.principal, instance).await;
            let own = own.map_err(|failure| EvolutionError::of("", failure))?;
            if excluded(&own, &filters) {
                return Err(EvolutionError::Unauthorized);
            }
            vec![own]
        }
        Principal::Root | Principal::Account { .. } => filtered(&caller, filters).await?,
    };
    Ok(Json(records.iter().map(row).collect()))
}

/// Whether a filter of an instance's own token asks for another instance.
fn excluded(own: &Record, filters: &Filters) -> bool {
    filters.instance_name.as_ref().is_some_and(|name| *name != own.name)
        || filters
            .instance_id
            .as_ref()
            .is_some_and(|id| *id != own.id.to_uuid().to_string() && *id != own.id.to_string())
}

async fn filtered(caller: &Caller, filters: Filters) -> Result<Vec<Record>, EvolutionError> {
    let present = |text: Option<String>| text.filter(|text| !text.is_empty());
    let principal = &caller.call.principal;
    let one = |text: String, order: &'static [KeyKind]| async move {
        caller.app.find(principal, &text, order).await.map(|record| vec![record]).map_err(|failure| {
            match failure {
                Failure::NotFound => EvolutionError::NotFound(format!("Instance \"{text}\" not found")),
                other => EvolutionError::of(&text, other),
            }
        })
    };
    if let Some(id) = present(filters.instance_id) {
        return one(id, &[KeyKind::Uuid, KeyKind::Id]).await;
    }
    let number = present(filters.number);
    if let (None, Some(name)) = (&number, present(filters.instance_name)) {
        return one(name, &[KeyKind::Name]).await;
    }
    let account = principal.account().ok_or(EvolutionError::Unauthorized)?;
    let all = caller.app.list_all(account, ListQuery::default(), INSTANCES_MAX).await;
    let mut records = all.map_err(|failure| EvolutionError::of("", failure))?;
    if let Some(number) = number {
        records.retain(|record| has_number(record, &number));
    }
    Ok(records)
}

/// Whether a number is the linked phone or the one that the create gave.
fn has_number(record: &Record, number: &str) -> bool {
    record.device.as_ref().is_some_and(|device| device.phone == number)
        || kept::block(record).get("number").and_then(Value::as_str) == Some(number)
}

fn row(record: &Record) -> Value {
    let block = kept::block(record);
    let shown = |name: &str| block.get(name).cloned().unwrap_or_default();
    let device = record.device.as_ref();
    let ended = ended(record);
    let mut setting = Map::new();
    setting.insert("id".to_owned(), json!(ids::row(record.id, "setting")));
    setting.extend(kept::settings(record));
    setting.insert("createdAt".to_owned(), json!(iso_millis(record.state.created_at)));
    setting.insert("updatedAt".to_owned(), json!(iso_millis(record.state.updated_at)));
    setting.insert("instanceId".to_owned(), json!(record.id.to_uuid().to_string()));
    let integration = block.get("integration").cloned().unwrap_or_else(|| json!("WHATSAPP-BAILEYS"));
    json!({
        "id": record.id.to_uuid().to_string(),
        "name": record.name,
        "connectionStatus": words::state(&record.state.phase),
        "ownerJid": device.map(|device| device.jid.as_str()),
        "profileName": device.and_then(|device| device.push_name.as_deref()),
        "profilePicUrl": device.and_then(|device| device.picture_url.as_deref()),
        "integration": integration,
        "number": shown("number"),
        "businessId": shown("businessId"),
        "token": record.token,
        "clientName": "evolution_exchange",
        "disconnectionReasonCode": ended.as_ref().map(|ended| ended.code),
        "disconnectionObject": ended.as_ref().map(|ended| ended.object.as_str()),
        "disconnectionAt": ended.as_ref().map(|ended| ended.at.as_str()),
        "createdAt": iso_millis(record.state.created_at),
        "updatedAt": iso_millis(record.state.updated_at),
        "Chatwoot": null,
        "Proxy": kept::row(record, "proxy"),
        "Rabbitmq": kept::row(record, "rabbitmq"),
        "Nats": kept::row(record, "nats"),
        "Sqs": kept::row(record, "sqs"),
        "Websocket": kept::row(record, "websocket"),
        "Setting": setting,
        "_count": {"Message": 0, "Contact": 0, "Chat": 0},
    })
}

/// How the last session ended.
struct Ended {
    code: u16,
    at: String,
    object: String,
}

/// The end of the last session, while there is no new one.
fn ended(record: &Record) -> Option<Ended> {
    if matches!(record.state.phase, PhaseV1::Linked(_)) {
        return None;
    }
    let end = record.state.last_end.as_ref().filter(|end| end.cause != EndCauseV1::Attempt)?;
    let at = iso_millis(end.at);
    let object = json!({
        "error": {
            "data": null,
            "isBoom": true,
            "isServer": false,
            "output": {
                "statusCode": end.code,
                "payload": {"statusCode": end.code, "error": "Unauthorized", "message": "Intentional Logout"},
                "headers": {},
            },
        },
        "date": at,
    });
    Some(Ended { code: end.code, at, object: object.to_string() })
}
