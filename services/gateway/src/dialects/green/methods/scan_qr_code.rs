//! `scanqrcode`: a WebSocket that shows codes until one is scanned.

use std::time::Duration;

use axum::{
    extract::{FromRequestParts, Request, ws::WebSocketUpgrade},
    response::Response,
};
use berth_proto::instance::PhaseV1;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::qr;
use crate::{
    app::{Codes, Connected, Failure, Permission, Record, Turn},
    dialects::green::{
        call::OnInstance,
        error::{ErrorBody, GreenError},
        settings,
    },
    http::socket::{self, Socket},
};

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
    let allowance = socket::allowance(&parts.extensions);
    let opened = move |opened| show(on, Socket::new(opened, "green", allowance));
    Ok(socket::bounded(upgrade).on_upgrade(opened))
}

/// Sends frames until one is the last, the client leaves or the permission ends. Only the first look starts an attempt:
/// one that was ended meanwhile, by a logout for example, stays ended.
async fn show(on: OnInstance, mut socket: Socket) {
    let deadline = Instant::now() + SCAN_MAX;
    let started = on.app.codes.connect(&on.call, on.instance, None, WAIT).await;
    let follow = on.app.follows.follow(on.call.principal, on.instance).await;
    let mut follow = match started.and(follow) {
        Ok(follow) => follow,
        Err(failure) if super::is_refusal(&failure) => return end(socket, json!(qr::refused())).await,
        Err(failure) => return fail(socket, &failure).await,
    };
    let mut shown = None;
    for looks in 0_u32.. {
        // Also after the first wait: the token may have ended in it.
        let connected = match live_code(&on.app.codes, follow.permission()).await {
            Ok(connected) => connected,
            Err(failure) => return fail(socket, &failure).await,
        };
        match next(&connected, looks > 0, &mut shown).await {
            Turning::Last(frame) => return end(socket, frame).await,
            Turning::Show(frame) => {
                if !socket.send_text(frame.to_string()).await {
                    return;
                }
            }
            Turning::Wait => {}
        }
        let turn = tokio::select! {
            turn = timeout_at(deadline, follow.more(connected.record.version)) => turn,
            () = socket.left() => return,
        };
        match turn {
            Ok(Ok(Turn::More(_))) => {}
            Ok(Ok(Turn::Stopping)) => return end(socket, unavailable()).await,
            Ok(Err(failure)) => return fail(socket, &failure).await,
            Err(_) => return end(socket, expired()).await,
        }
    }
}

/// The instance and its live code, for whoever still may.
async fn live_code(codes: &Codes, permission: &Permission) -> Result<Connected, Failure> {
    let record = permission.ask().await?;
    if record.is_deleted() {
        return Err(Failure::NotFound);
    }
    let codes = codes.live_codes(&record).await?;
    Ok(Connected { record, codes, replayed: false })
}

fn expired() -> Value {
    json!({"type": "timeoutExpired", "message": "timeoutExpired"})
}

fn unavailable() -> Value {
    json!({"type": "error", "message": "The service is not available"})
}

/// Sends the last frame and closes the socket.
async fn end(mut socket: Socket, frame: Value) {
    if socket.send_text(frame.to_string()).await {
        socket.end().await;
    }
}

/// Ends the socket for a reason that is none of the session's.
async fn fail(mut socket: Socket, failure: &Failure) {
    let frame = match failure {
        Failure::Unauthorized | Failure::Forbidden | Failure::NotFound => {
            json!({"type": "error", "message": "Unauthorized"})
        }
        _ => unavailable(),
    };
    if socket.send_text(frame.to_string()).await {
        socket.end_of(failure).await;
    }
}

/// What to do about what was seen.
enum Turning {
    /// Send it and go on.
    Show(Value),
    /// Send it and close the socket.
    Last(Value),
    /// There is nothing new.
    Wait,
}

async fn next(connected: &Connected, started: bool, shown: &mut Option<u32>) -> Turning {
    let code = connected.codes.qr.as_ref().map(|code| code.index);
    match &connected.record.state.phase {
        PhaseV1::Linked(_) if started => Turning::Last(account_data(&connected.record)),
        PhaseV1::Connecting(_) | PhaseV1::Pairing(_) if code.is_none() || code == *shown => Turning::Wait,
        PhaseV1::Connecting(_) | PhaseV1::Pairing(_) => {
            *shown = code;
            Turning::Show(json!(qr::shown(connected).await))
        }
        PhaseV1::Linked(_) | PhaseV1::Paused(_) => Turning::Last(json!(qr::shown(connected).await)),
        // The attempt ended, by its codes or by a logout.
        PhaseV1::Created | PhaseV1::LoggedOut { .. } | PhaseV1::Deleted { .. } => Turning::Last(expired()),
    }
}

fn account_data(record: &Record) -> Value {
    let device = record.device().unwrap_or_default();
    let url = settings::block(record).remove("webhookUrl").unwrap_or_else(|| json!(""));
    json!({
        "type": "accountData",
        "wid": format!("{}@c.us", device.phone),
        "pushname": device.push_name.unwrap_or_default(),
        "proxy": "",
        "webhookUrl": url,
    })
}
