//! The OpenAPI document of this dialect.

use utoipa::{Modify, OpenApi};

use super::{
    kept::TRANSPORTS,
    routes::{
        connect, connection_state, create, delete, fetch, kept_find, kept_set, logout, presence, restart,
        root, settings_find, settings_set, webhook_find, webhook_set,
    },
};
use crate::docs::{self, AWAY, ApiKeyHeader, DAMAGED, GUESSED, TOO_LARGE, UNKNOWN, add_errors, operations};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Berth as Evolution API",
        description = "The instance routes of Evolution API, as releases 2.2 to 2.3.7 behave. The key, an account's or an instance's own, goes into the header `apikey`. Fields of a body that are not described are ignored."
    ),
    paths(
        root::welcome, root::verify_creds, create::handler, connect::handler, connection_state::handler,
        fetch::handler, restart::handler, restart::by_put, presence::handler, logout::handler, delete::handler,
        webhook_set::handler, webhook_find::handler, settings_set::handler, settings_find::handler,
        kept_set::proxy, kept_find::proxy, kept_set::transport, kept_find::transport
    ),
    modifiers(&ApiKeyHeader, &Transports, &Errors)
)]
struct Document;

/// The routes of a transport are those of each.
struct Transports;

impl Modify for Transports {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for verb in ["set", "find"] {
            let pattern = format!("/{{transport}}/{verb}/{{instance}}");
            let Some(item) = document.paths.paths.remove(&pattern) else { continue };
            for transport in TRANSPORTS {
                let mut item = item.clone();
                for operation in operations(&mut item) {
                    operation.operation_id = Some(format!("{verb}_{transport}"));
                }
                document.paths.paths.insert(format!("/{transport}/{verb}/{{instance}}"), item);
            }
        }
    }
}

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
            add_errors(
                operation,
                &[("401", "No key, a wrong one or another instance's."), GUESSED, DAMAGED, AWAY],
            );
            if path.contains("{instance}") {
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
