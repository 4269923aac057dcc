//! The routes of this dialect, one file each.

pub(super) mod connect;
pub(super) mod delete;
pub(super) mod get_settings;
pub(super) mod kept;
pub(super) mod list;
pub(super) mod live;
pub(super) mod logout;
pub(super) mod new;
pub(super) mod reconnect;
pub(super) mod settings;
pub(super) mod webhook_get;
pub(super) mod webhook_remove;
pub(super) mod webhook_set;
pub(super) mod websocket;

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{delete as on_delete, get, post},
};
use serde_json::{Map, Value};

use super::{error::RyzeError, limit};
use crate::app::App;

/// The answer to a method that a path does not have; also to `HEAD` of a `GET` that connects.
async fn no_such_method() -> RyzeError {
    RyzeError::UnknownRoute
}

pub(super) fn router(app: App) -> Router {
    Router::new()
        .route("/api/instance/new", post(new::handler))
        .route("/api/instance/list", get(list::handler))
        .route("/api/instance/connect/{name}", get(connect::handler).head(no_such_method))
        .route("/api/instance/reconnect/{name}", post(reconnect::handler))
        .route("/api/instance/logout/{name}", on_delete(logout::handler))
        .route("/api/instance/delete/{name}", on_delete(delete::handler))
        .route("/api/instance/getSettings/{name}", get(get_settings::handler))
        .route("/api/instance/settings/{name}", post(settings::handler))
        .route("/api/instance/getProxy/{name}", get(kept::get_proxy))
        .route("/api/instance/proxy/{name}", post(kept::set_proxy))
        .route("/api/instance/getS3/{name}", get(kept::get_s3))
        .route("/api/instance/s3/{name}", post(kept::set_s3))
        .route(
            "/api/events/webhook/{name}",
            post(webhook_set::handler).get(webhook_get::alias).delete(webhook_remove::handler),
        )
        .route("/api/events/getWebhook/{name}", get(webhook_get::handler))
        .route("/api/events/websocket/{name}", post(websocket::set))
        .route("/api/events/getWebsocket/{name}", get(websocket::get))
        .route("/ws/{name}", get(live::handler))
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn_with_state(app.clone(), limit::layer))
        .with_state(app)
}

/// A body that is a JSON object.
async fn object(request: axum::extract::Request) -> Result<Map<String, Value>, RyzeError> {
    let bytes = crate::http::body::read(request).await?;
    serde_json::from_slice(&bytes).map_err(|_| RyzeError::InvalidBody)
}
