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
    pub async fn handle(&self, _request: Request) -> Response {
        let _ = &self.app;
        StatusCode::NOT_FOUND.into_response()
    }
}
