//! The routes for whoever operates the process. They need no token and tell no secret.

use axum::{
    Json, Router,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Map, json};

use super::{Check, Readiness};
use crate::{lifecycle::Lifecycle, telemetry::Metrics};

/// The paths of these routes.
pub(super) const ROUTES: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// `/healthz` (the process answers), `/readyz` (it may be sent work; 503 when not, or when it drains) and
/// `/metrics`.
pub fn ops_router(readiness: Readiness, metrics: Metrics, lifecycle: &Lifecycle) -> Router {
    let stop = lifecycle.stop().clone();
    readiness.register("lifecycle", move || {
        if stop.is_cancelled() { Check::waiting("draining") } else { Check::ready("running") }
    });
    Router::new()
        .route("/healthz", get(|| async { Json(json!({ "status": "ok" })) }))
        .route("/readyz", get(move || async move { readyz(&readiness) }))
        .route("/metrics", get(move || async move { render(&metrics) }))
}

fn readyz(readiness: &Readiness) -> Response {
    let asked = readiness.ask();
    let ready = asked.iter().all(|(_, check)| check.ready);
    let checks: Map<_, _> = asked.into_iter().map(|(name, check)| (name.to_owned(), json!(check))).collect();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": ready, "checks": checks }))).into_response()
}

fn render(metrics: &Metrics) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.render()).into_response()
}
