//! The routes of this dialect, one file each.

pub(super) mod delete;
pub(super) mod init;
pub(super) mod list;
pub(super) mod logout;
pub(super) mod messaging;
pub(super) mod pairing_code;
pub(super) mod qrcode;
pub(super) mod qrcode_base64;
pub(super) mod restart;
pub(super) mod status;
pub(super) mod webhook_configure;
pub(super) mod webhook_read;

use axum::{
    Router,
    routing::{delete as on_delete, get, post},
};

use super::error::MegaError;
use crate::app::App;

/// The answer to a method that a path does not have; also to `HEAD` of a `GET` that connects.
async fn no_such_method() -> MegaError {
    MegaError::UnknownRoute
}

pub(super) fn router(app: App) -> Router {
    Router::new()
        .route("/rest/instance/init", post(init::handler))
        .route("/rest/instance/list", get(list::handler))
        .route("/rest/instance/qrcode/{key}", get(qrcode::handler).head(no_such_method))
        .route("/rest/instance/qrcode_base64/{key}", get(qrcode_base64::handler).head(no_such_method))
        .route("/rest/instance/pairingCode/{key}", get(pairing_code::handler).head(no_such_method))
        .route("/rest/instance/{key}", get(status::handler))
        .route("/rest/instance/{key}/logout", on_delete(logout::handler))
        .route("/rest/instance/{key}/restart", on_delete(restart::handler))
        .route("/rest/instance/{key}/delete", on_delete(delete::handler))
        .route("/rest/webhook/{key}", get(webhook_read::handler))
        .route("/rest/webhook/{key}/configWebhook", post(webhook_configure::handler))
        .method_not_allowed_fallback(no_such_method)
        .with_state(app)
}
