//! A fast receiver of webhooks, in the benchmark's own process: it answers at once and notes when what came.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use tokio::{
    net::TcpSocket,
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{Outcome, latency::Latencies};

/// How often the arrivals are counted while the benchmark waits for them.
const PAUSE: Duration = Duration::from_millis(5);
/// Connections that may wait to be accepted: one that finds no room comes again a second later, and that is the receiver's fault.
const BACKLOG: u32 = 4_096;

/// The receiver; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Sink {
    port: u16,
    shared: Shared,
    _serving: JoinSet<()>,
}

/// What its handler works with.
#[derive(Debug, Clone)]
struct Shared {
    arrivals: Arc<Mutex<Vec<Arrival>>>,
    /// While it says so nothing is answered.
    held: watch::Sender<bool>,
}

/// A notice.
#[derive(Debug, Clone)]
struct Arrival {
    instance: String,
    at: Instant,
}

/// What became of the notices of a burst.
#[derive(Debug)]
pub(crate) struct Delivered {
    /// Those that came, repeats included.
    pub(crate) count: usize,
    /// From the logout's answer to the notice.
    pub(crate) lag: Latencies,
    /// When the last one came.
    pub(crate) last: Option<Instant>,
}

impl Sink {
    pub(crate) fn start() -> Outcome<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(([127, 0, 0, 1], 0).into())?;
        let listener = socket.listen(BACKLOG)?;
        let port = listener.local_addr()?.port();
        let shared = Shared { arrivals: Arc::default(), held: watch::Sender::new(false) };
        let router = Router::new().route("/{endpoint}", post(receive)).with_state(shared.clone());
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            // It serves until it is dropped; then nobody asks how it ended.
            let _ended = axum::serve(listener, router).await;
        });
        Ok(Self { port, shared, _serving: serving })
    }

    /// The URL of one endpoint.
    pub(crate) fn url(&self, endpoint: usize) -> String {
        format!("http://127.0.0.1:{}/{endpoint}", self.port)
    }

    /// Leaves what comes without an answer, or answers again.
    pub(crate) fn hold(&self, held: bool) {
        self.shared.held.send_replace(held);
    }

    /// Forgets what has come.
    pub(crate) fn forget(&self) {
        self.arrivals().clear();
    }

    /// Waits until `expected` notices have come, but not longer than `longest`; gives what came and forgets it.
    /// `ended` are the moments at which logouts were answered, by instance.
    pub(crate) async fn delivered(
        &self,
        expected: usize,
        ended: &HashMap<String, Instant>,
        longest: Duration,
    ) -> Outcome<Delivered> {
        let deadline = Instant::now() + longest;
        while self.arrivals().len() < expected && Instant::now() < deadline {
            sleep(PAUSE).await;
        }
        let arrivals = std::mem::take(&mut *self.arrivals());
        let mut lag = Latencies::new()?;
        for arrival in &arrivals {
            // A notice may come before its logout's answer does.
            if let Some(ended) = ended.get(&arrival.instance) {
                lag.record(arrival.at.saturating_duration_since(*ended));
            }
        }
        let last = arrivals.iter().map(|arrival| arrival.at).max();
        Ok(Delivered { count: arrivals.len(), lag, last })
    }

    fn arrivals(&self) -> MutexGuard<'_, Vec<Arrival>> {
        self.shared.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn receive(State(shared): State<Shared>, body: Bytes) -> StatusCode {
    if *shared.held.borrow() {
        let mut held = shared.held.subscribe();
        drop(held.wait_for(|held| !held).await);
    }
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let instance = body.pointer("/data/instance").and_then(serde_json::Value::as_str).unwrap_or_default();
    let arrival = Arrival { instance: instance.to_owned(), at: Instant::now() };
    shared.arrivals.lock().unwrap_or_else(PoisonError::into_inner).push(arrival);
    StatusCode::NO_CONTENT
}
