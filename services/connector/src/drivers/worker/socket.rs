//! The door that workers come in by over a WebSocket.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{
    Extension, Router,
    extract::{
        State,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code},
    },
    http::{
        HeaderMap, StatusCode,
        header::{AUTHORIZATION, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
    routing::any,
};
use berth_proto::worker::{FromWorker, MESSAGE_BYTES_MAX, MessageError, PATH, ToWorker};
use berth_runtime::http::Allowance;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{
    pool::Pool,
    session::{End, SEND_MAX, Session, Wire, invalid},
};

/// Bytes of a frame that are read at all: one that is a little too long can be told so.
const FRAME_BYTES_MAX: usize = 4 * MESSAGE_BYTES_MAX;
/// Bytes that wait for a worker that does not read, beside one frame.
const BUFFER_BYTES_MAX: usize = 1024 * 1024;
/// How often each side says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(10);

#[derive(Clone)]
struct Door {
    pool: Arc<Pool>,
    token: Arc<SecretString>,
    stop: CancellationToken,
}

pub(super) fn router(pool: &Arc<Pool>, token: &Arc<SecretString>, stop: CancellationToken) -> Router {
    let door = Door { pool: Arc::clone(pool), token: Arc::clone(token), stop };
    Router::new().route(PATH, any(connect)).with_state(door)
}

async fn connect(
    State(door): State<Door>,
    allowance: Option<Extension<Allowance>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !shows(&headers, &door.token) {
        let said = "A worker shows its token: `Authorization: Bearer` and the value of `worker_token`.\n";
        return (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")], said).into_response();
    }
    let allowance = allowance.map(|Extension(allowance)| allowance).unwrap_or_default();
    let upgrade = upgrade
        .max_message_size(FRAME_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX)
        .max_write_buffer_size(BUFFER_BYTES_MAX);
    upgrade.on_upgrade(move |socket| Session(Socket { socket, allowance }).serve(door.pool, door.stop))
}

fn shows(headers: &HeaderMap, token: &SecretString) -> bool {
    let shown = headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    shown.is_some_and(|shown| shown.ct_eq(token.expose_secret().as_bytes()).into())
}

/// A worker's connection.
struct Socket {
    socket: WebSocket,
    /// What the worker may still send until the next heartbeat.
    allowance: Allowance,
}

#[async_trait]
impl Wire for Socket {
    fn heartbeat(&self) -> Duration {
        HEARTBEAT
    }

    fn allow(&mut self, bytes: u64) {
        self.allowance.set(bytes);
    }

    async fn hear(&mut self) -> Result<FromWorker, End> {
        loop {
            let heard = match self.socket.recv().await {
                Some(Err(_)) if self.allowance.is_used_up() => return Err(invalid(MessageError::TooLong)),
                // An error is most often a connection that broke; whoever sends what is far too long hears nothing more.
                None | Some(Ok(Message::Close(_)) | Err(_)) => return Err(End::Left),
                Some(Ok(heard)) => heard,
            };
            match heard {
                Message::Text(text) => return FromWorker::read(text.as_bytes()).map_err(invalid),
                Message::Binary(bytes) => return FromWorker::read(&bytes).map_err(invalid),
                Message::Ping(_) | Message::Pong(_) | Message::Close(_) => {}
            }
        }
    }

    async fn say(&mut self, said: &ToWorker) -> bool {
        let sent = timeout(SEND_MAX, self.socket.send(Message::text(said.write()))).await;
        matches!(sent, Ok(Ok(())))
    }

    async fn close(&mut self) {
        let frame = CloseFrame { code: close_code::NORMAL, reason: Utf8Bytes::from_static("") };
        let _gone = timeout(SEND_MAX, self.socket.send(Message::Close(Some(frame)))).await;
    }
}
