//! The routes of this dialect, one file each.

pub(super) mod connect;
pub(super) mod connection_state;
pub(super) mod create;
pub(super) mod delete;
pub(super) mod fetch;
pub(super) mod kept_find;
pub(super) mod kept_set;
pub(super) mod logout;
pub(super) mod presence;
pub(super) mod restart;
pub(super) mod root;
pub(super) mod settings_find;
pub(super) mod settings_set;
pub(super) mod webhook_find;
pub(super) mod webhook_set;

use axum::{
    Router,
    extract::Request,
    http::{Method, Uri},
    middleware::{Next, from_fn},
    routing::{delete as on_delete, get, post},
};

use super::{CORS, error::EvolutionError, kept::TRANSPORTS};
use crate::app::App;

/// The answer to a method that a path does not have; also to `HEAD` of a `GET` that connects.
async fn no_such_method(method: Method, uri: Uri) -> EvolutionError {
    EvolutionError::unknown_route(&method, &uri)
}

pub(super) fn router(app: App) -> Router {
    let mut router = Router::new()
        .route("/", get(root::welcome))
        .route("/verify-creds", post(root::verify_creds))
        .route("/instance/create", post(create::handler))
        .route("/instance/connect/{instance}", get(connect::handler).head(no_such_method))
        .route("/instance/connectionState/{instance}", get(connection_state::handler))
        .route("/instance/fetchInstances", get(fetch::handler))
        .route("/instance/restart/{instance}", post(restart::handler).put(restart::by_put))
        .route("/instance/setPresence/{instance}", post(presence::handler))
        .route("/instance/logout/{instance}", on_delete(logout::handler))
        .route("/instance/delete/{instance}", on_delete(delete::handler))
        .route("/webhook/set/{instance}", post(webhook_set::handler))
        .route("/webhook/find/{instance}", get(webhook_find::handler))
        .route("/settings/set/{instance}", post(settings_set::handler))
        .route("/settings/find/{instance}", get(settings_find::handler))
        .route("/proxy/set/{instance}", post(kept_set::proxy))
        .route("/proxy/find/{instance}", get(kept_find::proxy));
    for transport in TRANSPORTS {
        router = router
            .route(
                &format!("/{transport}/set/{{instance}}"),
                post(move |on, request| kept_set::transport(transport, on, request)),
            )
            .route(
                &format!("/{transport}/find/{{instance}}"),
                get(move |on| kept_find::transport(transport, on)),
            );
    }
    router
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn(|request: Request, next: Next| CORS.answered(request, |request| next.run(request))))
        .with_state(app)
}
