//! The routes of this dialect, one file each.

pub(super) mod all;
pub(super) mod connect;
pub(super) mod create;
pub(super) mod delete;
pub(super) mod disconnect;
pub(super) mod info;
pub(super) mod logout;
pub(super) mod pair;
pub(super) mod qr;
pub(super) mod reconnect;
pub(super) mod server;
pub(super) mod settings;
pub(super) mod status;

use axum::{
    Router,
    extract::Request,
    middleware::{Next, from_fn},
    routing::{delete as on_delete, get, post},
};

use super::{CORS, error::GoError};
use crate::app::App;

/// The answer to a method that a path does not have; also to `HEAD` of a `GET` that connects.
async fn no_such_method() -> GoError {
    GoError::UnknownRoute
}

pub(super) fn router(app: App) -> Router {
    Router::new()
        .route("/evolution-go/server/ok", get(server::handler))
        .route("/evolution-go/instance/create", post(create::handler))
        .route("/evolution-go/instance/all", get(all::handler))
        .route("/evolution-go/instance/info/{instanceId}", get(info::handler))
        .route("/evolution-go/instance/delete/{instanceId}", on_delete(delete::handler))
        .route("/evolution-go/instance/connect", post(connect::handler))
        .route("/evolution-go/instance/status", get(status::handler))
        .route("/evolution-go/instance/qr", get(qr::handler).head(no_such_method))
        .route("/evolution-go/instance/pair", post(pair::handler))
        .route("/evolution-go/instance/disconnect", post(disconnect::handler))
        .route("/evolution-go/instance/reconnect", post(reconnect::handler))
        .route("/evolution-go/instance/logout", on_delete(logout::handler))
        .route(
            "/evolution-go/instance/{instanceId}/advanced-settings",
            get(settings::find).put(settings::set),
        )
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn(|request: Request, next: Next| CORS.answered(request, |request| next.run(request))))
        .with_state(app)
}
