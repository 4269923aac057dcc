//! Connections over a bound: each may ask once how the process is, and is closed.

use std::time::Duration;

use axum::{
    Router,
    http::{Request, StatusCode, header::CONNECTION},
    response::{IntoResponse, Response},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tower::ServiceExt;

use super::{READ_AHEAD_BYTES_MAX, ops::ROUTES};

/// How long the head of its request may take: whoever holds one keeps others out.
const HEAD_MAX: Duration = Duration::from_secs(1);
/// How long all of it may take.
const PROBE_MAX: Duration = Duration::from_secs(5);

/// Answers one request. One for something else is refused, and `refuse` is told.
pub(super) async fn serve<C>(client: C, router: Router, refuse: impl Fn() + Send + Sync)
where
    C: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let refuse = &refuse;
    let service = service_fn(move |request: Request<Incoming>| {
        let router = router.clone();
        async move {
            if ROUTES.contains(&request.uri().path()) {
                return router.oneshot(request).await;
            }
            refuse();
            Ok(too_many())
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .max_buf_size(READ_AHEAD_BYTES_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(client), service);
    // How it ends is the client's business.
    let _ended = timeout(PROBE_MAX, serving).await;
}

fn too_many() -> Response {
    let said = "There are too many connections: come back later.";
    (StatusCode::SERVICE_UNAVAILABLE, [(CONNECTION, "close")], said).into_response()
}
