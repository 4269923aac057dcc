//! Where webhooks of stories are sent: records every request and answers 200.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, Uri},
};
use berth_runtime::Lifecycle;
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch, time::timeout};

/// How long a story waits for deliveries.
const PATIENCE: Duration = Duration::from_secs(20);

/// A delivery as it came.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

/// The receiver; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Receiver {
    address: SocketAddr,
    came: watch::Receiver<Vec<Delivery>>,
    _lifecycle: Lifecycle,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, came) = watch::channel(Vec::new());
        let lifecycle = Lifecycle::new();
        let router = Router::new().fallback(record).with_state(tell);
        lifecycle.spawn(async move { axum::serve(listener, router).await });
        Self { address, came, _lifecycle: lifecycle }
    }

    /// The URL of a path here.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Waits until so many deliveries came, and gives them in the order in which they came.
    pub(crate) async fn received(&self, count: usize) -> Vec<Delivery> {
        let mut came = self.came.clone();
        let reached = timeout(PATIENCE, came.wait_for(|all| all.len() >= count)).await.is_ok();
        let all = self.came.borrow().clone();
        let paths: Vec<_> = all.iter().map(|delivery| (&delivery.path, &delivery.body)).collect();
        assert!(reached, "{count} deliveries are awaited, there are {paths:?}");
        all
    }
}

async fn record(
    State(tell): State<watch::Sender<Vec<Delivery>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) {
    let path = uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let body = serde_json::from_slice(&body).unwrap_or_default();
    tell.send_modify(|all| all.push(Delivery { method, path, headers, body }));
}
