//! `POST /api/events/websocket/{name}` and `GET /api/events/getWebsocket/{name}`

use axum::{Json, extract::Request};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::object;
use crate::{
    app::{Record, merge_part},
    dialects::ryze::{
        FORMAT, bodies,
        call::OnInstance,
        error::{ErrorBody, RyzeError},
        settings, webhook,
    },
};

const WHAT: &str = "Failed to get instance";

/// The WebSocket.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WebsocketAnswer {
    /// `true`.
    success: bool,
    message: &'static str,
    websocket: WebsocketRow,
}

/// The WebSocket itself.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WebsocketRow {
    enabled: bool,
    /// All that it is told; none while it is disabled.
    events: Vec<String>,
    media_base64: bool,
}

/// Sets the WebSocket; a disabled one keeps nothing else.
#[utoipa::path(
    post, operation_id = "set_websocket", path = "/api/events/websocket/{instance}", tag = "events",
    params(("instance" = String, Path, description = "Name, id or number")),
    request_body = bodies::SetWebsocket,
    responses((status = 200, body = WebsocketAnswer), (status = 400, body = ErrorBody))
)]
pub(super) async fn set(on: OnInstance, request: Request) -> Result<Json<WebsocketAnswer>, RyzeError> {
    let record = on.read(WHAT).await?;
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
    let merge = |present| merge_part(present, "websocket", &wanted, true);
    let result = on.app.blocks.change(&on.call, &record, FORMAT, merge).await;
    let answer = on.own(WHAT, result).await?;
    let websocket = shown(&answer.record).unwrap_or_default();
    Ok(Json(WebsocketAnswer { success: true, message: "WebSocket configured successfully", websocket }))
}

/// Shows the WebSocket; one that was never set is an error.
#[utoipa::path(
    get, operation_id = "get_websocket", path = "/api/events/getWebsocket/{instance}", tag = "events",
    params(("instance" = String, Path, description = "Name, id or number")),
    responses((status = 200, body = WebsocketAnswer))
)]
pub(super) async fn get(on: OnInstance) -> Result<Json<WebsocketAnswer>, RyzeError> {
    let record = on.read(WHAT).await?;
    let websocket = shown(&record).ok_or(RyzeError::WebSocketNotConfigured)?;
    Ok(Json(WebsocketAnswer { success: true, message: "WebSocket configuration retrieved", websocket }))
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
pub(super) fn shown(record: &Record) -> Option<WebsocketRow> {
    let kept = settings::block(record).remove("websocket")?;
    let enabled = kept.get("enabled").and_then(Value::as_bool).unwrap_or_default();
    let events: Vec<String> =
        kept.get("events").and_then(|events| serde_json::from_value(events.clone()).ok()).unwrap_or_default();
    let events = if enabled { webhook::shown_events(&events) } else { Vec::new() };
    let media_base64 = kept.get("mediaBase64").and_then(Value::as_bool).unwrap_or_default();
    Some(WebsocketRow { enabled, events, media_base64 })
}
