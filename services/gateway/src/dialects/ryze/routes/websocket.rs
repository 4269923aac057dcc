//! `POST /api/events/websocket/{name}` and `GET /api/events/getWebsocket/{name}`

use axum::{Json, extract::Request};
use serde_json::{Map, Value, json};

use super::object;
use crate::{
    app::{Record, merge_part},
    dialects::ryze::{FORMAT, call::OnInstance, error::RyzeError, settings, webhook},
};

const WHAT: &str = "Failed to get instance";

/// Sets the WebSocket; a disabled one keeps nothing else.
pub(super) async fn set(on: OnInstance, request: Request) -> Result<Json<Value>, RyzeError> {
    let body = object(request).await?;
    let Some(Value::Bool(enabled)) = body.get("enabled") else { return Err(RyzeError::InvalidBody) };
    let mut wanted = Map::new();
    wanted.insert("enabled".to_owned(), json!(enabled));
    if *enabled {
        let media = match body.get("mediaBase64") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(media)) => *media,
            Some(_) => return Err(RyzeError::InvalidBody),
        };
        wanted.insert("events".to_owned(), json!(webhook::events(body.get("events"))?));
        wanted.insert("mediaBase64".to_owned(), json!(media));
    }
    let record = on.read(WHAT).await?;
    let merge = |present| merge_part(present, "websocket", &wanted, true);
    let result = on.app.change_settings(&on.call, &record, FORMAT, merge).await;
    let answer = on.own(WHAT, result).await?;
    let shown = shown(&answer.record).unwrap_or_default();
    Ok(Json(json!({"success": true, "message": "WebSocket configured successfully", "websocket": shown})))
}

/// Shows the WebSocket; one that was never set is an error.
pub(super) async fn get(on: OnInstance) -> Result<Json<Value>, RyzeError> {
    let record = on.read(WHAT).await?;
    let shown = shown(&record).ok_or(RyzeError::WebSocketNotConfigured)?;
    Ok(Json(json!({"success": true, "message": "WebSocket configuration retrieved", "websocket": shown})))
}

/// The events that the WebSocket is configured for, an empty list for all; none while it is not enabled. A socket
/// that was opened before it was disabled stays open and is told nothing.
pub(super) fn filter(record: &Record) -> Option<Vec<String>> {
    let kept = settings::block(record).remove("websocket")?;
    let enabled = kept.get("enabled").and_then(Value::as_bool).unwrap_or_default();
    let events = || kept.get("events").and_then(|events| serde_json::from_value(events.clone()).ok());
    enabled.then(|| events().unwrap_or_default())
}

/// The WebSocket as this dialect shows it; none if it was never set.
pub(super) fn shown(record: &Record) -> Option<Value> {
    let kept = settings::block(record).remove("websocket")?;
    let enabled = kept.get("enabled").and_then(Value::as_bool).unwrap_or_default();
    let events: Vec<String> =
        kept.get("events").and_then(|events| serde_json::from_value(events.clone()).ok()).unwrap_or_default();
    let events = if enabled { webhook::shown_events(&events) } else { Vec::new() };
    let media = kept.get("mediaBase64").and_then(Value::as_bool).unwrap_or_default();
    Some(json!({"enabled": enabled, "events": events, "mediaBase64": media}))
}
