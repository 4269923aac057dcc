//! `GET /rest/instance/{key}`

use axum::Json;
use serde_json::{Map, Value, json};

use crate::dialects::mega::{call::OnInstance, error::MegaError, words};

/// Shows the state of the connection; `user` stands there while a device is linked.
pub(super) async fn handler(on: OnInstance) -> Result<Json<Value>, MegaError> {
    let record = on.read().await?;
    let status = words::status(&record.state.phase);
    let mut instance = Map::new();
    instance.insert("key".to_owned(), json!(record.name));
    instance.insert("status".to_owned(), json!(status));
    if status == "connected"
        && let Some(device) = &record.device
    {
        let name = device.push_name.as_deref().or(device.business_name.as_deref()).unwrap_or_default();
        instance.insert("user".to_owned(), json!({"id": device.jid, "name": name}));
    }
    Ok(Json(json!({"error": false, "message": "Instance data fetched", "instance": instance})))
}
