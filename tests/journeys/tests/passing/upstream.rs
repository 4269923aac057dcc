//! The upstream of the story: an Evolution API that does as it is told, and notes what was passed on to it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Query, Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::{delete, get, post},
};
use berth_journeys::eventually;
use bytes::Bytes;
use futures::{
    StreamExt as _,
    channel::mpsc::{self, Sender},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The token of the instance there, which its clients keep.
pub(super) const TOKEN: &str = "token-of-the-shop-0001";
pub(super) const MIB: usize = 1024 * 1024;

/// A piece of a body.
pub(super) type Piece = Result<Bytes, std::io::Error>;

/// A request that was passed on.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: HeaderMap,
}

#[derive(Debug)]
pub(super) struct Script {
    /// How the socket of each instance stands.
    pub(super) sockets: HashMap<String, &'static str>,
    seen: Vec<Seen>,
    /// Bytes of an upload so far.
    pub(super) counted: usize,
    /// Uploads that came whole.
    pub(super) whole: usize,
    /// Feeds the answer that is being given.
    pub(super) answering: Option<Sender<Piece>>,
}

/// An Evolution API that does as it is told; it stops when it is dropped.
pub(super) struct Scripted {
    pub(super) url: String,
    script: Shared,
    _stop: DropGuard,
}

type Shared = Arc<Mutex<Script>>;

impl Scripted {
    pub(super) async fn start() -> Self {
        let sockets = HashMap::from(["shop", "till"].map(|name| (name.to_owned(), "open")));
        let script = Script { sockets, seen: Vec::new(), counted: 0, whole: 0, answering: None };
        let script = Arc::new(Mutex::new(script));
        let router = Router::new()
            .route("/instance/connectionState/{name}", get(connection_state))
            .route("/instance/fetchInstances", get(fetch))
            .route("/instance/restart/{name}", post(connection_state))
            .route("/instance/logout/{name}", delete(logout))
            .route("/chat/fetchProfilePictureUrl/{name}", post(picture))
            .fallback(messaging)
            .with_state(Arc::clone(&script));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        #[expect(clippy::disallowed_methods, reason = "it ends with the guard")]
        tokio::spawn(async move { axum::serve(listener, router).with_graceful_shutdown(stopped).await });
        Self { url, script, _stop: stop.drop_guard() }
    }

    pub(super) fn script(&self) -> MutexGuard<'_, Script> {
        locked(&self.script)
    }

    /// What was passed on to it.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.script().seen.clone()
    }

    pub(super) fn targets(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.target).collect()
    }

    pub(super) async fn until_counted(&self, bytes: usize) {
        eventually("the upload arrives", async || {
            let counted = self.script().counted;
            if counted >= bytes { Ok(()) } else { Err(counted) }
        })
        .await;
    }
}

fn locked(script: &Shared) -> MutexGuard<'_, Script> {
    script.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn connection_state(State(script): State<Shared>, Path(name): Path<String>) -> Json<Value> {
    let state = locked(&script).sockets[&name];
    Json(json!({"instance": {"instanceName": name, "state": state}}))
}

async fn fetch(State(script): State<Shared>, Query(query): Query<HashMap<String, String>>) -> Json<Value> {
    let sockets = locked(&script).sockets.clone();
    let asked = sockets.into_iter().filter(|(name, _)| query.get("instanceName").is_none_or(|it| it == name));
    let row = |(name, socket): (String, &str)| {
        let token = if name == "shop" { TOKEN } else { "token-of-the-till-0001" };
        let code = (socket == "close").then_some(401);
        json!({"name": name, "token": token, "connectionStatus": socket, "integration": "WHATSAPP-BAILEYS",
            "ownerJid": "5511987654321@s.whatsapp.net", "disconnectionReasonCode": code})
    };
    Json(asked.map(row).collect())
}

/// What Berth asks of its own accord before a logout, to see that WhatsApp is heard: no request of a client.
async fn picture() -> Json<Value> {
    Json(json!({"profilePictureUrl": null}))
}

async fn logout(State(script): State<Shared>, Path(name): Path<String>) -> Json<Value> {
    locked(&script).sockets.insert(name, "close");
    Json(json!({"status": "SUCCESS", "error": false}))
}

async fn messaging(State(script): State<Shared>, request: Request) -> Response {
    let target = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let seen = Seen { method: request.method().to_string(), target, headers: request.headers().clone() };
    locked(&script).seen.push(seen);
    let verb = request.uri().path().split('/').nth(2).unwrap_or_default().to_owned();
    let body = request.into_body();
    match verb.as_str() {
        "sendText" => {
            let bytes = axum::body::to_bytes(body, MIB).await.expect("a body");
            let text: Value = serde_json::from_slice(&bytes).expect("JSON");
            let answer = json!({"key": {"id": "of-the-upstream"}, "text": text["text"]});
            (StatusCode::CREATED, [("set-cookie", "berth_session=another")], Json(answer)).into_response()
        }
        "sendMedia" => counted(&script, body).await,
        "getBase64FromMediaMessage" => {
            let (sender, pieces) = mpsc::channel(0);
            locked(&script).answering = Some(sender);
            Body::from_stream(pieces).into_response()
        }
        "redirect" => (StatusCode::FOUND, [("location", "http://127.0.0.1:9/elsewhere")]).into_response(),
        "refuse" => StatusCode::UNAUTHORIZED.into_response(),
        "hang" => std::future::pending().await,
        "huge" => (StatusCode::OK, vec![b' '; 52 * MIB]).into_response(),
        "fail" => (StatusCode::INTERNAL_SERVER_ERROR, "<h1>no</h1>").into_response(),
        _ => StatusCode::OK.into_response(),
    }
}

async fn counted(script: &Shared, body: Body) -> Response {
    locked(script).counted = 0;
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let Ok(piece) = piece else { return StatusCode::BAD_REQUEST.into_response() };
        locked(script).counted += piece.len();
    }
    let mut script = locked(script);
    script.whole += 1;
    (StatusCode::CREATED, script.counted.to_string()).into_response()
}
