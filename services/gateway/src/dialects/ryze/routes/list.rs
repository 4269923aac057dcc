//! `GET /api/instance/list`

use axum::{Json, extract::State, http::Extensions};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    app::{App, Failure, ListQuery, Principal, Record},
    dialects::ryze::{FORMAT, ORDER, call::caller, error::RyzeError, settings, webhook, words},
    http::query::LenientQuery,
};

const WHAT: &str = "Failed to list instances";
/// Instances in one answer, since this dialect has no pages.
const INSTANCES_MAX: usize = 10_000;
/// Names in a filter.
const NAMES_MAX: usize = 100;

/// The query of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Filter {
    instance_name: Option<String>,
}

/// Lists the account's instances, or those whose names are given; an instance's token sees its own.
pub(super) async fn handler(
    State(app): State<App>,
    extensions: Extensions,
    LenientQuery(filter): LenientQuery<Filter>,
) -> Result<Json<Value>, RyzeError> {
    let call = caller(&extensions)?;
    let names = filter.instance_name.unwrap_or_default();
    let names: Vec<&str> =
        names.split(',').map(str::trim).filter(|name| !name.is_empty()).take(NAMES_MAX).collect();
    let records = match call.principal {
        Principal::Instance { .. } => app.read_own(&call.principal).await.map(|record| vec![record]),
        _ if names.is_empty() => everything(&app, &call.principal).await,
        _ => named(&app, &call.principal, &names).await,
    };
    let records = records.map_err(|failure| RyzeError::of(WHAT, failure))?;
    let message = if records.len() == 1 {
        "1 Instance found".to_owned()
    } else {
        format!("{} Instances found", records.len())
    };
    let rows: Vec<Value> = records.iter().map(row).collect();
    Ok(Json(json!({"success": true, "message": message, "instances": rows})))
}

async fn everything(app: &App, principal: &Principal) -> Result<Vec<Record>, Failure> {
    let account = principal.account().ok_or(Failure::Unauthorized)?;
    app.list_all(account, ListQuery::default(), INSTANCES_MAX).await
}

/// A single name that is unknown is an error; of several, the unknown ones are left out.
async fn named(app: &App, principal: &Principal, names: &[&str]) -> Result<Vec<Record>, Failure> {
    let mut records = Vec::new();
    for name in names {
        match app.find(principal, name, &ORDER).await {
            Ok(record) => records.push(record),
            Err(Failure::NotFound) if names.len() > 1 => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(records)
}

fn websocket(record: &Record) -> Value {
    let off = || json!({"enabled": false, "events": [], "mediaBase64": false});
    super::websocket::shown(record).unwrap_or_else(off)
}

fn row(record: &Record) -> Value {
    let state = words::state(record);
    let device = record.device.as_ref();
    let business = device.and_then(|device| device.business_name.clone());
    let webhooks = record.open_webhooks_of(FORMAT);
    let default = webhooks.iter().find(|webhook| webhook.label == "default");
    json!({
        "name": record.name,
        "token": record.token,
        "status": state,
        "connection": {
            "state": state,
            "numberJid": device.map(|device| device.jid.as_str()),
            "presenceStatus": if state == "connected" { "available" } else { "unavailable" },
            "displayStatus": words::display(state),
        },
        "profile": {
            "name": device.and_then(|device| device.push_name.clone()).unwrap_or_default(),
            "pictureUrl": device.and_then(|device| device.picture_url.clone()).unwrap_or_default(),
            "isBusiness": business.is_some(),
            "businessName": business.unwrap_or_default(),
        },
        "integrations": {
            "webhook": default.map_or_else(|| json!({"label": "default", "enabled": false}), webhook::shown),
            "websocket": websocket(record),
            "chatwoot": settings::beside(record, "chatwoot"),
            "proxy": settings::beside(record, "proxy"),
            "s3": settings::beside(record, "s3"),
        },
        "settings": settings::seven(record),
    })
}
