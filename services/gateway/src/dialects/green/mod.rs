//! The GREEN-API dialect.

use axum::{
    extract::Request,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use crate::app::App;

/// Answers requests to `/waInstance…` and `/partner/…`, whose paths no ordinary router can hold.
#[derive(Debug, Clone)]
pub struct Entry {
    app: App,
}

/// The entry of this dialect.
pub fn router(app: App) -> Entry {
    Entry { app }
}

impl Entry {
    /// Answers one request.
    pub fn handle(&self, _request: Request) -> impl Future<Output = Response> + Send + use<> {
        let _ = &self.app;
        std::future::ready(StatusCode::NOT_FOUND.into_response())
    }
}
