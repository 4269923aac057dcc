//! The Mega API dialect: `/rest/…`, bearer tokens, `{"error": bool, "message": string, …}`.
//!
//! Reads have the verb before the key (`/rest/instance/qrcode/{key}`), changes after it
//! (`/rest/instance/{key}/logout`), and `logout` and `restart` are `DELETE`. Clients look at the status, at
//! `error`, or at both, so a failure sets both. A JSON body is tolerated on every `GET` and `DELETE`.

mod call;
mod error;
pub(crate) mod openapi;
mod routes;
mod said;
mod words;

use axum::{
    Router,
    extract::Request,
    response::{IntoResponse, Response},
};

use crate::{
    app::{App, KeyKind},
    http::first_segment,
};

/// What the key in a path may be, in this order.
const ORDER: [KeyKind; 3] = [KeyKind::Name, KeyKind::Id, KeyKind::Number];
/// The format of this dialect's webhook bodies, and the owner of its settings.
const FORMAT: &str = "mega";

/// The routes of this dialect.
pub fn router(app: App) -> Router {
    routes::router(app)
}

/// The template that a path of this dialect is counted under if no route has it.
pub(crate) fn template_of(path: &str) -> Option<&'static str> {
    (first_segment(path) == "rest").then_some("/rest/{group}/{rest}")
}

/// The answer to a path of this dialect that no route has: it may be a messaging method's.
pub async fn unknown_route(app: &App, request: Request) -> Response {
    routes::messaging::handler(app, request).await.into_response()
}
