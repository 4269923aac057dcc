//! The door that workers come in by.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{State, ws::WebSocketUpgrade},
    http::{
        HeaderMap, StatusCode,
        header::{AUTHORIZATION, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
    routing::any,
};
use berth_proto::worker::{MESSAGE_BYTES_MAX, PATH};
use berth_runtime::http::Allowance;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use tokio_util::sync::CancellationToken;

use super::{pool::Pool, session::Session};

/// Bytes of a frame that are read at all: one that is a little too long can be told so.
const FRAME_BYTES_MAX: usize = 4 * MESSAGE_BYTES_MAX;
/// Bytes that wait for a worker that does not read, beside one frame.
const BUFFER_BYTES_MAX: usize = 1024 * 1024;

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
    upgrade.on_upgrade(move |socket| Session { socket, allowance }.serve(door.pool, door.stop))
}

fn shows(headers: &HeaderMap, token: &SecretString) -> bool {
    let shown = headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    shown.is_some_and(|shown| shown.ct_eq(token.expose_secret().as_bytes()).into())
}
