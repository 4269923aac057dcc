//! The routes of this dialect, one file each.

pub(super) mod admin;
pub(super) mod business;
pub(super) mod business_webhook;
pub(super) mod connect;
pub(super) mod connected;
pub(super) mod connection_state;
pub(super) mod create;
pub(super) mod delete;
pub(super) mod find_one;
pub(super) mod list;
pub(super) mod logout;
pub(super) mod move_instance;
pub(super) mod move_whatsapp;
pub(super) mod proxy;
pub(super) mod refresh_token;
pub(super) mod restart;
pub(super) mod search;
pub(super) mod socket;
pub(super) mod toggle_activate;
pub(super) mod webhooks;

use axum::{
    Router,
    extract::Request,
    http::{Method, Uri},
    middleware::{Next, from_fn},
    routing::{delete as on_delete, get, patch, post, put},
};

use super::{CORS, error::CodeChatError};
use crate::app::App;

/// The answer to a method that a path does not have; also to `HEAD` of a `GET` that connects.
async fn no_such_method(method: Method, uri: Uri) -> CodeChatError {
    CodeChatError::unknown_route(&method, &uri)
}

pub(super) fn router(app: App) -> Router {
    Router::new()
        .route("/api/v2/business/{businessId}", get(business::find).put(business::change))
        .route(
            "/api/v2/business/{businessId}/instance",
            get(list::handler).post(create::handler).delete(delete::by_query),
        )
        .route("/api/v2/business/{businessId}/instance/search", post(search::handler))
        .route("/api/v2/business/{businessId}/instance/connected", get(connected::handler))
        .route("/api/v2/business/{businessId}/instance/move-whatsapp", patch(move_whatsapp::handler))
        .route("/api/v2/business/{businessId}/instance/{instanceId}", on_delete(delete::by_path))
        .route(
            "/api/v2/business/{businessId}/instance/{instanceId}/refresh-token",
            patch(refresh_token::handler),
        )
        .route(
            "/api/v2/business/{businessId}/instance/{instanceId}/toggle-activate",
            patch(toggle_activate::handler),
        )
        .route(
            "/api/v2/business/{businessId}/webhook",
            get(business_webhook::find)
                .post(business_webhook::set)
                .put(business_webhook::change)
                .delete(business_webhook::remove),
        )
        .route("/api/v2/business/{businessId}/token/regenerate", post(business::regenerate_token))
        .route("/api/v2/instance/{instanceId}", get(find_one::handler).delete(delete::by_instance))
        .route("/api/v2/instance/{instanceId}/connect", get(connect::connect).head(no_such_method))
        .route("/api/v2/instance/{instanceId}/qrcode", get(connect::qrcode).head(no_such_method))
        .route("/api/v2/instance/{instanceId}/connection-state", get(connection_state::handler))
        .route("/api/v2/instance/{instanceId}/status", get(connection_state::status))
        .route("/api/v2/instance/{instanceId}/restart", put(restart::handler))
        .route("/api/v2/instance/{instanceId}/logout", on_delete(logout::handler))
        .route("/api/v2/instance/{instanceId}/reload", patch(restart::reload))
        .route("/api/v2/instance/{instanceId}/proxy", patch(proxy::handler))
        .route(
            "/api/v2/instance/{instanceId}/socket",
            post(socket::create).get(socket::find).put(socket::change).delete(socket::remove),
        )
        .route("/api/v2/instance/{instanceId}/webhook", post(webhooks::create).get(webhooks::list))
        .route(
            "/api/v2/instance/{instanceId}/webhook/{webhookId}",
            put(webhooks::update).get(webhooks::find).delete(webhooks::remove),
        )
        .route("/api/v2/instance/{instanceId}/webhook/{webhookId}/events", patch(webhooks::update_events))
        .route("/api/v2/admin/business", post(admin::create).get(admin::list))
        .route("/api/v2/admin/business/move-instance", patch(move_instance::handler))
        .route(
            "/api/v2/admin/business/{businessId}",
            get(admin::find).put(admin::change).delete(admin::delete),
        )
        .route("/api/v2/admin/business/{businessId}/refresh-token", patch(admin::refresh_token))
        .route("/api/v2/admin/business/{businessId}/token", post(admin::regenerate_token))
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn(|request: Request, next: Next| CORS.answered(request, |request| next.run(request))))
        .with_state(app)
}
