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
};

/// How long a client has to scan.
const SCAN_MAX: Duration = Duration::from_secs(100);
/// How long one wait for a code or a change lasts.
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
    Ok(upgrade.on_upgrade(move |socket| show(on, socket)))
}

/// Sends frames until one is the last.
async fn show(on: OnInstance, mut socket: WebSocket) {
    let deadline = Instant::now() + SCAN_MAX;
    let mut started = false;
    let mut shown = None;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let (frame, last, record) = if left.is_zero() {
            (Some(expired()), true, None)
        } else {
            match look(&on, started, WAIT.min(left)).await {
                Ok(connected) => next(&connected, started, &mut shown),
                Err(failure) if super::is_refusal(&failure) => (Some(json!(qr::refused())), true, None),
                Err(_) => {
                    (Some(json!({"type": "error", "message": "The service is not available"})), true, None)
                }
            }
        };
        started = true;
        if let Some(frame) = frame
            && socket.send(Message::text(frame.to_string())).await.is_err()
        {
            return;
        }
        if last {
            let _closed = socket.send(Message::Close(None)).await;
            return;
        }
        if let Some(record) = record {
            let version = record.version;
            let until = deadline.min(Instant::now() + WAIT);
            let _changed = on.app.wait_for(&record, until, |now| now.version > version).await;
        }
    }
}

/// The instance and its live code. Only the first look connects: whoever logs the instance out meanwhile must not
/// find it connecting again since somebody still has this page open.
async fn look(on: &OnInstance, started: bool, wait: Duration) -> Result<Connected, Failure> {
    if !started {
        return on.app.connect(&on.call, on.instance, None, wait).await;
    }
    let record = on.app.read(&on.call.principal, on.instance).await?;
    let codes = on.app.live_codes(&record).await?;
    Ok(Connected { record, codes, replayed: false })
}

/// The next frame, whether it is the last, and the record whose change to wait for.
fn next(
    connected: &Connected,
    started: bool,
    shown: &mut Option<u32>,
) -> (Option<Value>, bool, Option<Record>) {
    let record = &connected.record;
    match &record.state.phase {
        PhaseV1::Linked(_) if started => (Some(account_data(record)), true, None),
        PhaseV1::Linked(_) | PhaseV1::Paused(_) => (Some(json!(qr::shown(connected))), true, None),
        // The attempt ended, by its codes or by a logout.
        PhaseV1::Created | PhaseV1::LoggedOut { .. } | PhaseV1::Deleted { .. } => {
            (Some(expired()), true, None)
        }
        _ => {
            let index = connected.codes.qr.as_ref().map(|code| code.index);
            if index.is_none() || index == *shown {
                return (None, false, Some(record.clone()));
            }
            *shown = index;
            (Some(json!(qr::shown(connected))), false, Some(record.clone()))
        }
    }
}

fn expired() -> Value {
    json!({"type": "timeoutExpired", "message": "timeoutExpired"})
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
