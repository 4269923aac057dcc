//! `GET /instance/fetchInstances`

use axum::Json;
use berth_notices::formats::{disconnection_object, pause_code};
use berth_proto::{
    instance::{EndCauseV1, PhaseV1},
    query::InstanceQueryV1,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::{Failure, KeyKind, Principal, Record},
    dialects::evolution::{
        call::Caller,
        error::{ErrorBody, EvolutionError},
        ids,
        kept::{self, KeptRow, Settings},
        words,
    },
    http::{query::LenientQuery, time::iso_millis},
};

/// Instances in one answer, since this dialect has no pages.
const INSTANCES_MAX: usize = 10_000;

/// The filters; the id and the number win over the name.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct Filters {
    instance_name: Option<String>,
    instance_id: Option<String>,
    /// The linked phone, or the number that the create gave.
    number: Option<String>,
}

/// Lists the account's instances; an instance's token sees its own.
#[utoipa::path(
    get, operation_id = "fetch_instances", path = "/instance/fetchInstances", tag = "instance",
    params(Filters),
    responses((status = 200, body = Vec<InstanceRow>), (status = 404, body = ErrorBody))
)]
pub(super) async fn handler(
    caller: Caller,
    LenientQuery(filters): LenientQuery<Filters>,
) -> Result<Json<Vec<InstanceRow>>, EvolutionError> {
    let records = match caller.call.principal {
        Principal::Instance { .. } => {
            let own = caller.app.records.read_own(&caller.call.principal).await;
            let own = own.map_err(|failure| EvolutionError::of("", failure))?;
            if excluded(&own, &filters) {
                return Err(EvolutionError::Unauthorized);
            }
            vec![own]
        }
        Principal::Root | Principal::Operator { .. } | Principal::Account { .. } => {
            filtered(&caller, filters).await?
        }
    };
    Ok(Json(records.iter().map(InstanceRow::of).collect()))
}

/// Whether a filter of an instance's own token asks for another instance.
fn excluded(own: &Record, filters: &Filters) -> bool {
    let present = |filter: &Option<String>| filter.clone().filter(|text| !text.is_empty());
    present(&filters.instance_name).is_some_and(|name| name != own.name)
        || present(&filters.instance_id)
            .is_some_and(|id| id != own.id.to_uuid().to_string() && id != own.id.to_string())
        || filters.number.as_ref().is_some_and(|number| !has_number(own, number))
}

async fn filtered(caller: &Caller, filters: Filters) -> Result<Vec<Record>, EvolutionError> {
    let present = |text: Option<String>| text.filter(|text| !text.is_empty());
    let principal = &caller.call.principal;
    let one = |text: String, order: &'static [KeyKind]| async move {
        caller.app.finder.find(principal, &text, order).await.map(|record| vec![record]).map_err(|failure| {
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
    let all = caller.app.lists.all(account, InstanceQueryV1::default(), INSTANCES_MAX).await;
    let mut records = all.map_err(|failure| EvolutionError::of("", failure))?;
    if let Some(number) = number {
        records.retain(|record| has_number(record, &number));
    }
    Ok(records)
}

/// Whether a number is the linked phone or the one that the create gave.
fn has_number(record: &Record, number: &str) -> bool {
    record.device().is_some_and(|device| device.phone == number)
        || kept::block(record).get("number").and_then(Value::as_str) == Some(number)
}

/// An instance, as a row of the product's database.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct InstanceRow {
    /// A hyphenated UUID.
    id: String,
    name: String,
    /// `open`, `connecting` or `close`.
    connection_status: &'static str,
    owner_jid: Option<String>,
    profile_name: Option<String>,
    profile_pic_url: Option<String>,
    integration: String,
    /// The number that the create gave.
    number: Option<String>,
    business_id: Option<String>,
    /// The instance's token.
    token: String,
    client_name: &'static str,
    /// How the last session ended, while there is no new one.
    disconnection_reason_code: Option<u16>,
    /// JSON in a string.
    disconnection_object: Option<String>,
    disconnection_at: Option<String>,
    created_at: String,
    updated_at: String,
    /// Null: there is no Chatwoot here.
    #[serde(rename = "Chatwoot")]
    chatwoot: Option<String>,
    #[serde(rename = "Proxy")]
    proxy: Option<KeptRow>,
    #[serde(rename = "Rabbitmq")]
    rabbitmq: Option<KeptRow>,
    #[serde(rename = "Nats")]
    nats: Option<KeptRow>,
    #[serde(rename = "Sqs")]
    sqs: Option<KeptRow>,
    #[serde(rename = "Websocket")]
    websocket: Option<KeptRow>,
    #[serde(rename = "Setting")]
    setting: SettingRow,
    #[serde(rename = "_count")]
    count: Counts,
}

/// The settings of an instance as a row.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SettingRow {
    id: String,
    #[serde(flatten)]
    settings: Settings,
    created_at: String,
    updated_at: String,
    /// The instance as a hyphenated UUID.
    instance_id: String,
}

/// What messaging would count: zeros.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct Counts {
    message: u32,
    contact: u32,
    chat: u32,
}

impl InstanceRow {
    fn of(record: &Record) -> Self {
        let block = kept::block(record);
        let given = |name: &str| block.get(name).and_then(Value::as_str).map(str::to_owned);
        let ended = ended(record);
        let linked = record.device();
        let device = linked.as_ref();
        let created_at = iso_millis(record.state.created_at);
        let updated_at = iso_millis(record.state.updated_at);
        Self {
            id: record.id.to_uuid().to_string(),
            name: record.name.clone(),
            connection_status: words::state(&record.state.phase),
            owner_jid: device.map(|device| device.jid.clone()),
            profile_name: device.and_then(|device| device.push_name.clone()),
            profile_pic_url: device.and_then(|device| device.picture_url.clone()),
            integration: given("integration").unwrap_or_else(|| "WHATSAPP-BAILEYS".to_owned()),
            number: given("number"),
            business_id: given("businessId"),
            token: record.token(),
            client_name: "evolution_exchange",
            disconnection_reason_code: ended.as_ref().map(|ended| ended.code),
            disconnection_object: ended.as_ref().map(|ended| ended.object.clone()),
            disconnection_at: ended.map(|ended| ended.at),
            chatwoot: None,
            proxy: kept::row(record, "proxy"),
            rabbitmq: kept::row(record, "rabbitmq"),
            nats: kept::row(record, "nats"),
            sqs: kept::row(record, "sqs"),
            websocket: kept::row(record, "websocket"),
            setting: SettingRow {
                id: ids::row(record.id, "setting"),
                settings: kept::settings(record),
                created_at: created_at.clone(),
                updated_at: updated_at.clone(),
                instance_id: record.id.to_uuid().to_string(),
            },
            count: Counts::default(),
            created_at,
            updated_at,
        }
    }
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
    let code = match &record.state.phase {
        PhaseV1::Paused(paused) => pause_code(paused.reason, end.code),
        _ => end.code,
    };
    Some(Ended { code, at: iso_millis(end.at), object: disconnection_object(code, end.at) })
}
