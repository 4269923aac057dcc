//! The OpenAPI document of this dialect.

use utoipa::{Modify, OpenApi};

use super::routes::{
    all, connect, create, delete, disconnect, info, logout, pair, qr, reconnect, server, settings, status,
};
use crate::docs::{self, AWAY, ApiKeyHeader, DAMAGED, GUESSED, TOO_LARGE, UNKNOWN, add_errors, operations};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Berth as Evolution Go",
        description = "The instance routes of Evolution Go, as releases 0.6 and 0.7 behave. The key goes into the header `apikey`: an account's token for `create`, `all`, `info` and `delete`, an instance's own for the others. Each path may be written without `/evolution-go` and without a slash at its end. Fields of a body that are not described are ignored."
    ),
    paths(
        create::handler, all::handler, info::handler, delete::handler, connect::handler, status::handler,
        qr::handler, pair::handler, disconnect::handler, reconnect::handler, logout::handler, settings::find,
        settings::set, server::handler
    ),
    modifiers(&ApiKeyHeader, &Errors)
)]
struct Document;

/// What any route can answer: what its key, its path and its body alone can be wrong in, and what is ours.
struct Errors;

impl Modify for Errors {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        docs::free_bodies(document);
        let all = document.paths.paths.iter_mut();
        for (path, operation) in all.flat_map(|(path, item)| operations(item).map(move |it| (path, it))) {
            if operation.security.is_some() {
                continue;
            }
            let refused = ("401", "No key, a wrong one or one that is not for this route.");
            add_errors(operation, &[refused, GUESSED, DAMAGED, AWAY]);
            if path.contains("{instanceId}") {
                add_errors(operation, &[UNKNOWN]);
            }
            if operation.request_body.is_some() {
                add_errors(operation, &[TOO_LARGE]);
            }
        }
    }
}

/// The OpenAPI document of this dialect.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}
