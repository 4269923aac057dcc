//! The routes for whoever operates the process. They need no token and tell no secret.

use axum::{
    Json, Router,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use metrics::{Unit, describe_gauge, gauge};
use serde_json::{Map, json};

use super::{Check, Readiness};
use crate::{lifecycle::Lifecycle, telemetry::Metrics};

/// The paths of these routes.
pub(super) const ROUTES: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

const READY: &str = "berth_ready";

/// What a process tells whoever operates it.
#[derive(Debug, Clone)]
pub struct Ops {
    readiness: Readiness,
    metrics: Metrics,
}

// === impl Ops ===

impl Ops {
    /// Tells of these, and that the process is not ready when it drains.
    pub fn new(readiness: Readiness, metrics: Metrics, lifecycle: &Lifecycle) -> Self {
        let stop = lifecycle.stop().clone();
        readiness.register("lifecycle", move || {
            if stop.is_cancelled() { Check::waiting("draining") } else { Check::ready("running") }
        });
        Self { readiness, metrics }
    }

    /// `/healthz` (the process answers) and `/readyz` (it may be sent work; 503 when not, or when it drains).
    pub fn probes(&self) -> Router {
        let readiness = self.readiness.clone();
        Router::new()
            .route("/healthz", get(|| async { Json(json!({ "status": "ok" })) }))
            .route("/readyz", get(move || async move { readyz(&readiness) }))
    }

    /// These and `/metrics`.
    pub fn all(&self) -> Router {
        describe_gauge!(READY, Unit::Count, "1 if the process is ready, as /readyz says it");
        let ops = self.clone();
        self.probes().route("/metrics", get(move || async move { ops.render() }))
    }

    fn render(&self) -> Response {
        gauge!(READY).set(f64::from(u8::from(self.readiness.is_ready())));
        let text = self.metrics.render();
        ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
    }
}

fn readyz(readiness: &Readiness) -> Response {
    let asked = readiness.ask();
    let ready = asked.iter().all(|(_, check)| check.ready);
    let checks: Map<_, _> = asked.into_iter().map(|(name, check)| (name.to_owned(), json!(check))).collect();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": ready, "checks": checks }))).into_response()
}
