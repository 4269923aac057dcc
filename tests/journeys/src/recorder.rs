//! A receiver of webhooks that records everything and answers as it is told.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
};
use bytes::Bytes;
use serde_json::Value;
use tokio::{net::TcpListener, time::Instant};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::wait::eventually;

/// Bytes of a body that are read.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// When.
    pub at: Instant,
    /// Its method.
    pub method: String,
    /// Its path and query.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body as it came: what a signature is over.
    pub bytes: Bytes,
    /// Its body as JSON; null if it is none.
    pub body: Value,
    /// The status that it was answered with.
    pub answered: u16,
}

/// How a request is answered.
#[derive(Debug, Clone)]
pub struct Reply {
    status: StatusCode,
    headers: Vec<(&'static str, String)>,
    after: Duration,
}

#[derive(Debug, Default)]
struct Shared {
    received: Vec<Received>,
    /// Answers of the next requests, in their order.
    next: VecDeque<Reply>,
    /// The answer of all others.
    always: Reply,
}

/// The receiver; it stops listening when it is dropped.
#[derive(Debug)]
pub struct Recorder {
    address: String,
    shared: Arc<Mutex<Shared>>,
    _stop: DropGuard,
}

impl Default for Reply {
    fn default() -> Self {
        Self::status(200)
    }
}

impl Reply {
    /// With this status and no body.
    ///
    /// # Panics
    /// When it is no HTTP status.
    pub fn status(status: u16) -> Self {
        let status = StatusCode::from_u16(status).expect("an HTTP status");
        Self { status, headers: Vec::new(), after: Duration::ZERO }
    }

    /// With this header too.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Only after this long.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.after = delay;
        self
    }
}

impl Recorder {
    /// Listens on a free port of the loopback interface, and answers 200 to everything.
    ///
    /// # Panics
    /// When it cannot listen.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let shared = Arc::new(Mutex::new(Shared::default()));
        let stop = CancellationToken::new();
        let router = Router::new().fallback(record).with_state(Arc::clone(&shared));
        let stopped = stop.clone().cancelled_owned();
        #[allow(clippy::disallowed_methods, reason = "the test's own server; it ends with the guard")]
        tokio::spawn(async move { axum::serve(listener, router).with_graceful_shutdown(stopped).await });
        Self { address, shared, _stop: stop.drop_guard() }
    }

    /// The URL of a path here.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// Answers the next requests like this, one each, in this order.
    pub fn next(&self, replies: impl IntoIterator<Item = Reply>) {
        self.shared().next.extend(replies);
    }

    /// Answers every request from now on like this, after those of [`Self::next`].
    pub fn always(&self, reply: Reply) {
        self.shared().always = reply;
    }

    /// Everything so far, in the order of arrival.
    pub fn received(&self) -> Vec<Received> {
        self.shared().received.clone()
    }

    /// Everything but the first so many, in the order of arrival.
    pub fn received_after(&self, first: usize) -> Vec<Received> {
        self.shared().received.get(first..).unwrap_or_default().to_vec()
    }

    /// Forgets everything so far.
    pub fn clear(&self) {
        self.shared().received.clear();
    }

    /// Waits until `enough` says so of everything received, and gives it.
    ///
    /// # Panics
    /// When that does not happen; the message shows what came.
    pub async fn wait(&self, what: &str, enough: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        eventually(what, async || {
            let received = self.received();
            if enough(&received) {
                Ok(received)
            } else {
                Err(received
                    .iter()
                    .map(|request| (request.path.clone(), request.body.clone()))
                    .collect::<Vec<_>>())
            }
        })
        .await
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn record(State(shared): State<Arc<Mutex<Shared>>>, request: Request) -> (StatusCode, HeaderMap) {
    let (parts, body) = request.into_parts();
    let at = Instant::now();
    let bytes = to_bytes(body, BODY_BYTES_MAX).await.unwrap_or_default();
    let reply = {
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let reply = shared.next.pop_front().unwrap_or_else(|| shared.always.clone());
        shared.received.push(Received {
            at,
            method: parts.method.to_string(),
            path: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
            bytes,
            answered: reply.status.as_u16(),
        });
        reply
    };
    tokio::time::sleep(reply.after).await;
    let headers = reply.headers.into_iter().filter_map(|(name, value)| {
        Some((HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?))
    });
    (reply.status, headers.collect())
}
