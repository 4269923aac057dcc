//! `GET /ws/{name}`: a WebSocket with one JSON text frame for each event.

use std::time::Duration;

use axum::{
    extract::ws::{Message, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    http::{HeaderMap, Uri},
    response::Response,
};
use serde_json::{Map, Value};
use tokio::time::{interval, sleep, timeout};

use super::websocket;
use crate::{
    app::{Failure, Live},
    dialects::ryze::{
        FORMAT,
        call::{OnInstance, token},
        error::{ErrorBody, RyzeError},
    },
    http::metrics::OpenStream,
};

const WHAT: &str = "Failed to get instance";
/// Bytes of a client's frame. Nothing is expected of a client, so that more than a ping is not needed.
const FRAME_BYTES_MAX: usize = 64 * 1024;
/// How often an idle socket is pinged, so that nobody on the way takes it for dead.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// How long a client may take to take a frame.
const SEND_MAX: Duration = Duration::from_secs(10);
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
    let upgrade = upgrade
        .map_err(|_| RyzeError::Invalid("A WebSocket upgrade is expected".to_owned()))?
        .max_message_size(FRAME_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX);
    let mut options = Map::new();
    // Who is here has shown a token of this instance.
    options.insert("token_in_body".to_owned(), Value::Bool(true));
    let live = on.app.listen(on.call.principal, &record, FORMAT, options, websocket::filter).await;
    let live = live.map_err(|failure| RyzeError::of(WHAT, failure))?;
    Ok(upgrade.on_upgrade(move |socket| tell(live, socket)))
}

/// Sends frames until the client leaves, or the instance or its token is no more.
async fn tell(mut live: Live, mut socket: WebSocket) {
    let _open = OpenStream::of("ryze");
    let mut heartbeat = interval(HEARTBEAT);
    loop {
        let told = {
            let mut next = Box::pin(live.next());
            loop {
                tokio::select! {
                    told = &mut next => break told,
                    // What a client says means nothing; a ping is answered by reading it.
                    heard = socket.recv() => match heard {
                        None | Some(Err(_) | Ok(Message::Close(_))) => return,
                        Some(Ok(_)) => {}
                    },
                    _ = heartbeat.tick() => if !send(&mut socket, Message::Ping(bytes::Bytes::new())).await {
                        return;
                    },
                }
            }
        };
        match told {
            Ok(frames) => {
                for frame in frames {
                    if !send(&mut socket, Message::text(frame)).await {
                        return;
                    }
                }
            }
            Err(failure @ Failure::Unavailable { .. }) => {
                crate::http::log_unavailable(&failure);
                sleep(PAUSE).await;
            }
            Err(_) => {
                send(&mut socket, Message::Close(None)).await;
                return;
            }
        }
    }
}

async fn send(socket: &mut WebSocket, message: Message) -> bool {
    matches!(timeout(SEND_MAX, socket.send(message)).await, Ok(Ok(())))
}
