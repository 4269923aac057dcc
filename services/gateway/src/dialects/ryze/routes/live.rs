//! `GET /ws/{name}`: a WebSocket with one JSON text frame for each event.

use std::time::Duration;

use axum::{
    extract::ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    http::{Extensions, HeaderMap, Uri},
    response::Response,
};
use serde_json::Map;
use tokio::time::sleep;

use super::websocket;
use crate::{
    app::{Failure, Live},
    dialects::ryze::{
        FORMAT,
        call::{OnInstance, token},
        error::{ErrorBody, RyzeError},
    },
    http::socket::{self, Socket},
};

const WHAT: &str = "Failed to get instance";
/// How long to wait before the log is asked again when it did not answer.
const PAUSE: Duration = Duration::from_millis(500);

/// Everything is refused before the upgrade, as a plain answer.
#[utoipa::path(
    get, operation_id = "websocket", path = "/ws/{instance}", tag = "events",
    params(("instance" = String, Path, description = "Name, id or number")),
    responses(
        (status = 101, description = "The WebSocket is open."),
        (status = 400, body = ErrorBody, description = "It is not enabled, or this is no upgrade.")
    )
)]
pub(super) async fn handler(
    headers: HeaderMap,
    uri: Uri,
    extensions: Extensions,
    on: Result<OnInstance, RyzeError>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, RyzeError> {
    let on = match on {
        Err(RyzeError::Unauthorized) if token(&headers, &uri).is_none() => {
            return Err(RyzeError::MissingToken);
        }
        on => on?,
    };
    let record = on.read(WHAT).await?;
    if websocket::filter(&record).is_none() {
        return Err(RyzeError::Invalid(format!(
            "WebSocket is not enabled for this instance. Configure it first using POST /api/events/websocket/{}",
            on.name
        )));
    }
    let upgrade = upgrade.map_err(|_| RyzeError::Invalid("A WebSocket upgrade is expected".to_owned()))?;
    let live =
        on.app.listeners.listen(on.call.principal, &record, FORMAT, Map::new(), websocket::filter).await;
    let live = live.map_err(|failure| RyzeError::of(WHAT, failure))?;
    let allowance = socket::allowance(&extensions);
    let opened = move |opened| send_notices(live, Socket::new(opened, "ryze", allowance));
    Ok(socket::bounded(upgrade).on_upgrade(opened))
}

/// Sends frames until the client leaves, or the instance or the permission is no more.
async fn send_notices(mut live: Live, mut socket: Socket) {
    loop {
        let told = tokio::select! {
            told = live.next() => told,
            () = socket.left() => return,
        };
        match told {
            Ok(Some(frame)) => {
                if !socket.send_text(frame).await {
                    return;
                }
            }
            Ok(None) => return socket.end_of_stop().await,
            Err(failure @ Failure::Unavailable { .. }) => {
                crate::http::log_unavailable(&failure);
                sleep(PAUSE).await;
            }
            Err(failure) => return socket.end_of(&failure).await,
        }
    }
}
