//! An upstream: as much of an Evolution API as Berth asks for, whose instances are all open, and which takes messages and uploads.

use axum::{
    Json, Router,
    body::to_bytes,
    extract::{Path, Query, Request},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::get,
    serve::ListenerExt,
};
use berth_test_support::free_port;
use futures::StreamExt as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    Outcome,
    process::{self, Process},
};

/// The verb of its messages, and that of its uploads.
pub(crate) const MESSAGE: &str = "sendText";
pub(crate) const UPLOAD: &str = "sendMedia";
/// Its key.
pub(crate) const KEY: &str = "bench-upstream-key";
/// Bytes of a message.
const MESSAGE_BYTES_MAX: usize = 1024 * 1024;

/// The process of the upstream.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) port: u16,
    _process: Process,
}

#[derive(Debug, Deserialize)]
struct Asked {
    #[serde(rename = "instanceName")]
    name: Option<String>,
}

impl Upstream {
    pub(crate) async fn start() -> Outcome<Self> {
        let port = free_port();
        let mut process = process::own(&["upstream", &port.to_string()])?;
        process.answers(port, "/").await?;
        Ok(Self { port, _process: process })
    }

    /// How Berth finds it.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("BERTH_UPSTREAM_BENCH_URL", format!("http://127.0.0.1:{}", self.port)),
            ("BERTH_UPSTREAM_BENCH_KEY", KEY.to_owned()),
            ("BERTH_UPSTREAM_BENCH_POLL_MS", "500".to_owned()),
        ]
    }
}

/// The hidden subcommand.
pub(crate) async fn serve(port: u16) -> Outcome<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?.tap_io(|stream| {
        let _kept = stream.set_nodelay(true);
    });
    let router = Router::new()
        .route("/", get(async || Json(json!({"version": "2.3.7"}))))
        .route("/instance/connectionState/{name}", get(connection_state))
        .route("/instance/fetchInstances", get(fetch))
        .fallback(take);
    Ok(axum::serve(listener, router).await?)
}

async fn connection_state(Path(name): Path<String>) -> Json<Value> {
    Json(json!({"instance": {"instanceName": name, "state": "open"}}))
}

async fn fetch(Query(asked): Query<Asked>) -> Json<Value> {
    let row = |name| {
        json!({"name": name, "token": "", "connectionStatus": "open", "integration": "WHATSAPP-BAILEYS",
            "ownerJid": "5511987654321@s.whatsapp.net"})
    };
    Json(asked.name.into_iter().map(row).collect())
}

/// Takes a message or an upload, and says that it did.
async fn take(request: Request) -> Response {
    let is_upload = request.uri().path().contains(UPLOAD);
    let body = request.into_body();
    if is_upload {
        let mut pieces = body.into_data_stream();
        while let Some(piece) = pieces.next().await {
            if piece.is_err() {
                return StatusCode::BAD_REQUEST.into_response();
            }
        }
    } else if to_bytes(body, MESSAGE_BYTES_MAX).await.is_err() {
        return StatusCode::BAD_REQUEST.into_response();
    }
    (StatusCode::CREATED, Json(json!({"key": {"id": "of-the-upstream"}, "status": "PENDING"})))
        .into_response()
}
