//! The CodeChat v2 dialect: `/api/v2/business/…`, `/api/v2/instance/…` and `/api/v2/admin/…`.
//!
//! An account is a business, its token the business token, the root key the admin token; an instance shows a
//! JWT. The product's error bodies are not published: ours have the shape of the framework that it is built
//! with, and say `400` where the page promises "an exception".

mod answers;
mod bodies;
mod business;
mod call;
mod error;
mod find;
pub(crate) mod openapi;
mod routes;
mod socket;
mod webhook;
mod words;

use axum::{
    Router,
    extract::Request,
    response::{IntoResponse, Response},
};

use self::error::CodeChatError;
pub(crate) use self::find::external_id;
use crate::{
    app::{App, KeyKind},
    http::cors::Cors,
};

/// What the `instanceId` in a path may be, in this order.
const ORDER: [KeyKind; 3] = [KeyKind::Id, KeyKind::Alias, KeyKind::Name];
/// The format of this dialect's webhook bodies, and the owner of its settings.
const FORMAT: &str = "codechat";
/// The format of the same bodies at the webhook of a business: the routes of instances neither show nor change it.
const BUSINESS_FORMAT: &str = berth_notices::formats::CODECHAT_BUSINESS;

/// What pages may send: the client that is published is one.
const CORS: Cors =
    Cors { methods: "GET, POST, PUT, PATCH, DELETE", headers: "Authorization, apikey, Content-Type" };

/// The routes of this dialect.
pub fn router(app: App) -> Router {
    routes::router(app)
}

/// Whether a path that no route has is one of this dialect.
pub(crate) fn owns(path: &str) -> bool {
    path == "/api/v2" || path.starts_with("/api/v2/")
}

/// The answer to a path of this dialect that it does not have.
pub async fn unknown_route(request: Request) -> Response {
    let unknown = async |request: Request| {
        CodeChatError::unknown_route(request.method(), request.uri()).into_response()
    };
    CORS.answered(request, unknown).await
}
