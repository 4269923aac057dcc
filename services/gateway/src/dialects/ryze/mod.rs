//! The ryze dialect.

use axum::{
    Router,
    extract::Request,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use crate::app::App;

/// The routes of this dialect.
pub fn router(app: App) -> Router {
    Router::new().with_state(app)
}

/// The answer to a path of this dialect that it does not have.
pub fn unknown_route(_request: &Request) -> Response {
    StatusCode::NOT_FOUND.into_response()
}
