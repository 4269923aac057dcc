//! The Evolution API dialect, as releases 2.2 to 2.3.7 behave: `/instance/…`, `/webhook/…`, `/settings/…`.
//!
//! One header, `apikey`, carries an account's or an instance's own token. The key is checked before anything
//! else, so nobody without one learns which names exist, and the name in the path always wins over the query.

mod bodies;
mod call;
mod error;
mod ids;
mod kept;
pub(crate) mod openapi;
mod passed;
mod paths;
mod routes;
mod webhook;
mod words;

use axum::{
    Router,
    extract::Request,
    response::{IntoResponse, Response},
};

use self::error::EvolutionError;
pub(crate) use self::paths::owns;
use crate::{
    app::{App, KeyKind},
    http::{body::BodyError, cors::Cors},
};

/// What the name in a path may be, in this order.
const ORDER: [KeyKind; 4] = [KeyKind::Name, KeyKind::Uuid, KeyKind::Id, KeyKind::Number];
/// The format of this dialect's webhook bodies, and the owner of its settings.
const FORMAT: &str = "evolution";
/// What pages may send.
const CORS: Cors = Cors { methods: "GET, POST, PUT, DELETE", headers: "apikey, Content-Type" };
/// The release whose contract this is; clients read it.
const VERSION: &str = "2.3.7";

/// The routes of this dialect.
pub fn router(app: App) -> Router {
    routes::router(app)
}

/// The answer to a request whose body cannot be read.
pub(crate) async fn unreadable(request: Request, error: BodyError) -> Response {
    CORS.answered(request, |_| async move { EvolutionError::from(error).into_response() }).await
}

/// The answer to a path of this dialect that it does not have: its upstream's, for an instance that is on one.
pub async fn unknown_route(app: &App, request: Request) -> Response {
    CORS.answered(request, |request| passed::answer(app, request)).await
}
