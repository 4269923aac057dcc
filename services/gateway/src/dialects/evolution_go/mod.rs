//! The Evolution Go dialect, as releases 0.6 and 0.7 behave: `/instance/…` with and without `/evolution-go` before it.
//!
//! The header `apikey` carries the account's token on the routes that make, list, show and delete instances, and an instance's own on
//! the others, whose paths name no instance. What was done is `{"message": "success", "data": …}`, an error is `{"error": …}`.
//!
//! The product's paths begin as those of Evolution API, and two are the same with the same method. So each route has a
//! prefix of its own, under which nothing else is, and `claims.rs` says which requests without it are meant for this dialect.

mod answer;
mod bodies;
mod call;
mod claims;
mod error;
mod kept;
pub(crate) mod openapi;
mod routes;
mod row;
mod webhook;

use axum::{
    Router,
    extract::Request,
    response::{IntoResponse, Response},
};

use self::error::GoError;
pub(crate) use self::{
    claims::{Claim, claim, is_meant, prefixed},
    kept::own_id,
};
use crate::{
    app::App,
    http::{cors::Cors, first_segment},
};

/// The name of this door in receipts, the format of its webhook bodies, and the owner of its settings.
const FORMAT: &str = berth_notices::formats::EVOLUTION_GO;
/// What stands before each path.
const PREFIX: &str = "/evolution-go";
/// What pages may send.
const CORS: Cors = Cors { methods: "GET, POST, PUT, DELETE", headers: "apikey, Content-Type" };

/// The routes of this dialect.
pub fn router(app: App) -> Router {
    routes::router(app)
}

/// Whether a path that no route has is one of this dialect.
pub(crate) fn owns(path: &str) -> bool {
    first_segment(path) == FORMAT
}

/// The answer to a path of this dialect that it does not have.
pub async fn unknown_route(request: Request) -> Response {
    CORS.answered(request, |_| async { GoError::UnknownRoute.into_response() }).await
}
