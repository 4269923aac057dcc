//! `GET /rest/instance/list`

use axum::Json;
use serde_json::{Value, json};

use crate::{
    app::{ListQuery, Record},
    dialects::mega::{call::OnHost, error::MegaError, words},
};

/// Instances in one answer, since this dialect has no pages.
const INSTANCES_MAX: usize = 10_000;

/// Lists the instances of the host.
pub(super) async fn handler(on: OnHost) -> Result<Json<Value>, MegaError> {
    let account = on.call.principal.account().ok_or(MegaError::Unauthorized)?;
    let records = on.app.list_all(account, ListQuery::default(), INSTANCES_MAX).await?;
    let data: Vec<Value> = records.iter().map(row).collect();
    Ok(Json(json!({"error": false, "message": "Instances fetched", "data": data})))
}

fn row(record: &Record) -> Value {
    json!({
        "instance_key": record.name,
        "token": record.token,
        "status": words::status(&record.state.phase),
        "jid": record.device.as_ref().map(|device| device.jid.as_str()),
    })
}
