//! `scanqrcode`: a WebSocket that shows codes until one is scanned.

use std::time::Duration;

use axum::{
    extract::{
        FromRequestParts, Request,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    response::Response,
};
use berth_proto::instance::PhaseV1;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::qr;
use crate::{
    app::{Connected, Failure, Record},
    dialects::green::{
        call::OnInstance,
        error::{ErrorBody, GreenError},
        settings,
    },
    http::metrics::OpenStream,
};

/// Bytes of a client's frame. Nothing is expected of a client, so that more than a ping is not needed.
const FRAME_BYTES_MAX: usize = 64 * 1024;
/// How long a client has to scan.
const SCAN_MAX: Duration = Duration::from_secs(100);
/// How long to wait for the first code.
const WAIT: Duration = Duration::from_secs(20);

/// A WebSocket with a JSON object a frame, told apart by `type`: `qrCode` and `error` with a `message`, and at the end
/// `accountData` of the linked account, `alreadyLogged`, `timeoutExpired` or `error`. Without an upgrade there is no
/// such method.
#[utoipa::path(
    get, operation_id = "scanqrcode", tag = "account",
    path = "/waInstance{idInstance}/scanqrcode/{apiTokenInstance}",
    responses((status = 101, description = "The WebSocket is open"), (status = 404, body = ErrorBody))
)]
pub(super) async fn run(on: OnInstance, request: Request) -> Result<Response, GreenError> {
    let (mut parts, _body) = request.into_parts();
    let upgrade =
        WebSocketUpgrade::from_request_parts(&mut parts, &()).await.map_err(|_| GreenError::NotFound)?;
    let upgrade = upgrade.max_message_size(FRAME_BYTES_MAX).max_frame_size(FRAME_BYTES_MAX);
    Ok(upgrade.on_upgrade(move |socket| show(on, socket)))
}

/// Sends frames until one is the last or the client leaves. Only the first look starts an attempt: one that was ended
/// meanwhile, by a logout for example, stays ended.
async fn show(on: OnInstance, mut socket: WebSocket) {
    let _open = OpenStream::of("green");
    let deadline = Instant::now() + SCAN_MAX;
    let mut seen = on.app.connect(&on.call, on.instance, None, WAIT).await;
    let mut shown = None;
    for looks in 0_u32.. {
        let connected = match seen {
            Ok(connected) => connected,
            Err(failure) if super::is_refusal(&failure) => {
                return end(&mut socket, json!(qr::refused())).await;
            }
            Err(_) => return end(&mut socket, unavailable()).await,
        };
        match next(&connected, looks > 0, &mut shown) {
            Step::Last(frame) => return end(&mut socket, frame).await,
            Step::Show(frame) => {
                if socket.send(Message::text(frame.to_string())).await.is_err() {
                    return;
                }
            }
            Step::Wait => {}
        }
        let version = connected.record.version;
        let changed = tokio::select! {
            changed = on.app.wait_for(&connected.record, deadline, |now| now.version > version) => changed,
            () = left(&mut socket) => return,
        };
        seen = match changed {
            Ok(Some(_)) => look(&on).await,
            Ok(None) if on.app.is_stopping() => return end(&mut socket, unavailable()).await,
            Ok(None) => return end(&mut socket, expired()).await,
            Err(failure) => Err(failure),
        };
    }
}

/// The instance and its live code, for whoever still may.
async fn look(on: &OnInstance) -> Result<Connected, Failure> {
    let record = on.app.read(&on.call.principal, on.instance).await?;
    let codes = on.app.live_codes(&record).await?;
    Ok(Connected { record, codes, replayed: false })
}

fn expired() -> Value {
    json!({"type": "timeoutExpired", "message": "timeoutExpired"})
}

fn unavailable() -> Value {
    json!({"type": "error", "message": "The service is not available"})
}

/// Sends the last frame and closes the socket.
async fn end(socket: &mut WebSocket, frame: Value) {
    if socket.send(Message::text(frame.to_string())).await.is_ok() {
        let _closed = socket.send(Message::Close(None)).await;
    }
}

/// Until the client leaves; what it says means nothing.
async fn left(socket: &mut WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if matches!(message, Message::Close(_)) {
            return;
        }
    }
}

/// What to do about what was seen.
enum Step {
    /// Send it and go on.
    Show(Value),
    /// Send it and close the socket.
    Last(Value),
    /// There is nothing new.
    Wait,
}

fn next(connected: &Connected, started: bool, shown: &mut Option<u32>) -> Step {
    let code = connected.codes.qr.as_ref().map(|code| code.index);
    match &connected.record.state.phase {
        PhaseV1::Linked(_) if started => Step::Last(account_data(&connected.record)),
        PhaseV1::Connecting(_) | PhaseV1::Pairing(_) if code.is_none() || code == *shown => Step::Wait,
        PhaseV1::Connecting(_) | PhaseV1::Pairing(_) => {
            *shown = code;
            Step::Show(json!(qr::shown(connected)))
        }
        PhaseV1::Linked(_) | PhaseV1::Paused(_) => Step::Last(json!(qr::shown(connected))),
        // The attempt ended, by its codes or by a logout.
        PhaseV1::Created | PhaseV1::LoggedOut { .. } | PhaseV1::Deleted { .. } => Step::Last(expired()),
    }
}

fn account_data(record: &Record) -> Value {
    let device = record.device.clone().unwrap_or_default();
    let url = settings::block(record).remove("webhookUrl").unwrap_or_else(|| json!(""));
    json!({
        "type": "accountData",
        "wid": format!("{}@c.us", device.phone),
        "pushname": device.push_name.unwrap_or_default(),
        "proxy": "",
        "webhookUrl": url,
    })
}
