//! A real HTTP server that records every request and answers as it is told.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
    serve::ListenerExt,
};
use berth_runtime::Lifecycle;
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch};

use super::DEADLINE;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Hit {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
    pub(crate) body: Value,
}

impl Hit {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap().to_str().unwrap()
    }

    /// The id of the notice.
    pub(crate) fn id(&self) -> &str {
        self.header("webhook-id")
    }

    /// What it says it is, whatever the format.
    pub(crate) fn word(&self) -> &str {
        ["type", "event", "typeWebhook", "messageType"]
            .iter()
            .find_map(|key| self.body.get(*key)?.as_str())
            .unwrap()
    }
}

/// A status, headers and a body.
type Answer = (u16, Vec<(&'static str, String)>, String);

#[derive(Debug)]
struct Inner {
    hits: watch::Sender<Vec<Hit>>,
    /// Answers to the next requests; then `usual`.
    next: Mutex<VecDeque<Answer>>,
    usual: Mutex<u16>,
    /// Requests wait while this is `true`.
    held: watch::Sender<bool>,
    /// Connections that were opened.
    connections: AtomicUsize,
}

/// The server; see the module.
#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    inner: Arc<Inner>,
    _lifecycle: Lifecycle,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner {
            hits: watch::Sender::new(Vec::new()),
            next: Mutex::default(),
            usual: Mutex::new(200),
            held: watch::Sender::new(false),
            connections: AtomicUsize::new(0),
        });
        let lifecycle = Lifecycle::new();
        let router = Router::new().fallback(record).with_state(inner.clone());
        let counts = Arc::clone(&inner);
        let listener = listener.tap_io(move |_| {
            counts.connections.fetch_add(1, Ordering::Relaxed);
        });
        lifecycle.spawn(async move { axum::serve(listener, router).await });
        Self { address, inner, _lifecycle: lifecycle }
    }

    /// What every request is answered from now on.
    pub(crate) fn answer(&self, status: u16) {
        *self.inner.usual.lock().unwrap() = status;
    }

    /// What one request is answered, before the usual.
    pub(crate) fn answer_once(&self, status: u16, headers: &[(&'static str, &str)]) {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.inner.next.lock().unwrap().push_back((status, headers, String::new()));
    }

    /// What one request is answered with a body, before the usual.
    pub(crate) fn say_once(&self, status: u16, body: &str) {
        self.inner.next.lock().unwrap().push_back((status, Vec::new(), body.to_owned()));
    }

    /// Lets requests wait for their answer, or lets them go.
    pub(crate) fn hold(&self, hold: bool) {
        self.inner.held.send_replace(hold);
    }

    /// How many connections were opened to it, since it began.
    pub(crate) fn connections(&self) -> usize {
        self.inner.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn hits(&self) -> Vec<Hit> {
        self.inner.hits.borrow().clone()
    }

    pub(crate) fn words(&self) -> Vec<String> {
        self.hits().iter().map(|hit| hit.word().to_owned()).collect()
    }

    /// Waits until this many requests have come.
    pub(crate) async fn received(&self, count: usize) -> Vec<Hit> {
        let mut hits = self.inner.hits.subscribe();
        let reached = tokio::time::timeout(DEADLINE, hits.wait_for(|hits| hits.len() >= count)).await;
        assert!(reached.is_ok(), "{count} requests are awaited, there are {:?}", self.words());
        self.hits()
    }
}

async fn record(State(inner): State<Arc<Inner>>, uri: Uri, headers: HeaderMap, bytes: Bytes) -> Response {
    let body = serde_json::from_slice(&bytes).unwrap();
    let hit = Hit { path: uri.path().to_owned(), headers, bytes, body };
    inner.hits.send_modify(|hits| hits.push(hit));
    let _ = inner.held.subscribe().wait_for(|held| !held).await;
    let usual = || (*inner.usual.lock().unwrap(), Vec::new(), String::new());
    let (status, headers, body) = inner.next.lock().unwrap().pop_front().unwrap_or_else(usual);
    let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
    for (name, value) in headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}
