//! The routes of the native API, one file each.

mod accounts;
mod connect;
mod create;
mod delete;
mod docs;
mod events;
mod get;
mod lifecycle;
mod list;
mod logout;
mod qr;
mod simulate;
mod stream;
mod verify;
mod webhook;
mod webhooks;

use axum::{
    Router,
    http::StatusCode,
    routing::{get, post},
};

pub use docs::openapi;

use super::problem::Problem;
use crate::app::App;

pub(super) fn router(app: App) -> Router {
    Router::new()
        .route("/v1/instances", post(create::handler).get(list::handler))
        .route("/v1/instances/{i}", get(get::handler).delete(delete::handler))
        .route("/v1/instances/{i}/connect", post(connect::handler))
        .route("/v1/instances/{i}/qr", get(qr::handler))
        .route("/v1/instances/{i}/reconnect", post(lifecycle::reconnect))
        .route("/v1/instances/{i}/restart", post(lifecycle::restart))
        .route("/v1/instances/{i}/disconnect", post(lifecycle::disconnect))
        .route("/v1/instances/{i}/logout", post(logout::handler))
        .route("/v1/instances/{i}/events", get(events::handler))
        .route("/v1/instances/{i}/events/stream", get(stream::handler))
        .route("/v1/instances/{i}/verify", get(verify::handler))
        .route("/v1/instances/{i}/webhooks", post(webhooks::create).get(webhooks::list))
        .route(
            "/v1/instances/{i}/webhooks/{w}",
            get(webhook::get).patch(webhook::patch).delete(webhook::delete),
        )
        .route("/v1/instances/{i}/simulate", post(simulate::handler))
        .route("/v1/accounts", post(accounts::create).get(accounts::list))
        .route("/v1/accounts/{a}/token", post(accounts::rotate_token))
        .route("/openapi.json", get(docs::document))
        .route("/docs", get(docs::page))
        .method_not_allowed_fallback(async || {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "This route has no such method.",
            )
        })
        .with_state(app)
}
