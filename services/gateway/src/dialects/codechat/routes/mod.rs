//! The routes of this dialect, one file each.

mod admin;
mod connect;
mod connected;
mod connection_state;
mod create;
mod delete;
mod find_one;
mod logout;
mod move_whatsapp;
mod not_here;
mod refresh_token;
mod restart;
mod search;
mod socket;
mod toggle_activate;
mod webhooks;

use axum::{
    Router,
    http::{Method, Uri},
    routing::{delete as on_delete, get, patch, post, put},
};

use super::error::CodeChatError;
use crate::app::App;

pub(super) fn router(app: App) -> Router {
    Router::new()
        .route("/api/v2/business/{b}/instance", post(create::handler).delete(delete::by_query))
        .route("/api/v2/business/{b}/instance/search", post(search::handler))
        .route("/api/v2/business/{b}/instance/connected", get(connected::handler))
        .route("/api/v2/business/{b}/instance/move-whatsapp", patch(move_whatsapp::handler))
        .route("/api/v2/business/{b}/instance/{i}", on_delete(delete::by_path))
        .route("/api/v2/business/{b}/instance/{i}/refresh-token", patch(refresh_token::handler))
        .route("/api/v2/business/{b}/instance/{i}/toggle-activate", patch(toggle_activate::handler))
        .route(
            "/api/v2/business/{b}/webhook",
            get(not_here::business_webhook)
                .post(not_here::set_business_webhook)
                .put(not_here::set_business_webhook),
        )
        .route("/api/v2/instance/{i}", get(find_one::handler))
        .route("/api/v2/instance/{i}/connect", get(connect::connect))
        .route("/api/v2/instance/{i}/qrcode", get(connect::qrcode))
        .route("/api/v2/instance/{i}/connection-state", get(connection_state::handler))
        .route("/api/v2/instance/{i}/restart", put(restart::handler))
        .route("/api/v2/instance/{i}/logout", on_delete(logout::handler))
        .route("/api/v2/instance/{i}/socket", post(socket::handler))
        .route("/api/v2/instance/{i}/webhook", post(webhooks::create).get(webhooks::list))
        .route("/api/v2/instance/{i}/webhook/{w}", put(webhooks::update))
        .route("/api/v2/instance/{i}/webhook/{w}/events", patch(webhooks::update_events))
        .route("/api/v2/admin/business", post(admin::create).get(admin::list))
        .route("/api/v2/admin/business/move-instance", patch(not_here::move_instance))
        .route(
            "/api/v2/admin/business/{b}",
            get(admin::find).put(not_here::change_business).delete(not_here::change_business),
        )
        .route("/api/v2/admin/business/{b}/refresh-token", patch(admin::refresh_token))
        .method_not_allowed_fallback(async |method: Method, uri: Uri| {
            CodeChatError::unknown_route(&method, &uri)
        })
        .with_state(app)
}
