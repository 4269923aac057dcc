//! The OpenAPI document of this dialect.

use utoipa::{Modify, OpenApi};

use super::routes::{
    delete, init, list, logout, messaging, pairing_code, qrcode, qrcode_base64, restart, status,
    webhook_configure, webhook_read,
};
use crate::docs::{self, AWAY, Bearer, DAMAGED, GUESSED, TOO_LARGE, UNKNOWN, add_errors, operations};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Berth as Mega API",
        description = "The instance and webhook routes of Mega API. The token, an account's or an instance's own, goes into `Authorization: Bearer`. Every answer has `error`; a QR or pairing code that cannot be had is told with status 200 and `error: true`. A body is tolerated everywhere."
    ),
    paths(
        init::handler, list::handler, status::handler, qrcode::handler, qrcode_base64::handler,
        pairing_code::handler, logout::handler, restart::handler, delete::handler, webhook_read::handler,
        webhook_configure::handler, messaging::handler
    ),
    modifiers(&Bearer, &EachMethod, &Errors)
)]
struct Document;

/// A messaging method has any HTTP method; an operation's id is its own.
struct EachMethod;

impl Modify for EachMethod {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let Some(item) = document.paths.paths.get_mut("/rest/{group}/{rest}") else { return };
        let methods = [
            ("get", &mut item.get),
            ("post", &mut item.post),
            ("put", &mut item.put),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ];
        for (name, operation) in methods {
            if let Some(operation) = operation {
                operation.operation_id = Some(format!("messaging_by_{name}"));
            }
        }
    }
}

/// What any route can answer: what its token, its path and its body alone can be wrong in, and what is ours.
struct Errors;

impl Modify for Errors {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        docs::free_bodies(document);
        let all = document.paths.paths.iter_mut();
        for (path, operation) in all.flat_map(|(path, item)| operations(item).map(move |it| (path, it))) {
            add_errors(
                operation,
                &[("401", "No token, a wrong one or another instance's."), GUESSED, DAMAGED, AWAY],
            );
            if path.contains('{') {
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
