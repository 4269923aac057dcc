//! The OpenAPI document of this dialect.

use utoipa::{
    Modify, OpenApi, PartialSchema,
    openapi::{
        Components,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use super::routes::{
    admin, business, business_webhook, connect, connected, connection_state, create, delete, find_one, list,
    logout, move_instance, move_whatsapp, proxy, refresh_token, restart, search, socket, toggle_activate,
    webhooks,
};
use crate::docs::{self, AWAY, DAMAGED, GUESSED, TOO_LARGE, add_errors, add_in_path, operations};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Berth as CodeChat",
        description = "The instance routes of CodeChat v2. An account is a business, its token the business token, the root key the admin token; an instance shows a JWT. Tokens go into `Authorization: Bearer` or into the header `apikey`. Fields of a body that are not described are ignored."
    ),
    paths(
        create::handler, search::handler, connected::handler, delete::by_query, delete::by_path, delete::by_instance, list::handler,
        refresh_token::handler, toggle_activate::handler, move_whatsapp::handler, business_webhook::find,
        business_webhook::set, business_webhook::change, business_webhook::remove, find_one::handler, connect::connect,
        connect::qrcode, connection_state::handler, connection_state::status, restart::handler, restart::reload, proxy::handler, logout::handler, socket::create, socket::find, socket::change, socket::remove,
        webhooks::create, webhooks::list, webhooks::update, webhooks::find, webhooks::remove, webhooks::update_events, admin::create, admin::list,
        admin::find, admin::change, admin::delete, admin::refresh_token, admin::regenerate_token, business::find, business::change, business::regenerate_token,
        move_instance::handler
    ),
    modifiers(&Tokens, &Paths, &Errors)
)]
struct Document;

/// Whose token each route wants, and in which header.
struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_with(Components::new);
        for (name, description) in [
            ("admin", "The root key"),
            ("business", "The account's token"),
            ("instance", "The instance's JWT, or its own token"),
        ] {
            let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description));
            components.add_security_scheme(name, SecurityScheme::Http(bearer.build()));
        }
        let header = ApiKeyValue::with_description("apikey", "Any of the others, in this header");
        components.add_security_scheme("apikey", SecurityScheme::ApiKey(ApiKey::Header(header)));
        for (path, item) in &mut document.paths.paths {
            let schemes: &[&str] = if path.starts_with("/api/v2/admin/") {
                &["admin", "apikey"]
            } else if path.starts_with("/api/v2/business/") {
                &["business", "admin", "apikey"]
            } else {
                &["instance", "business", "admin", "apikey"]
            };
            let wanted: Vec<_> =
                schemes.iter().map(|name| SecurityRequirement::new(*name, Vec::<String>::new())).collect();
            for operation in operations(item) {
                operation.security = Some(wanted.clone());
            }
        }
    }
}

/// What stands in the paths.
struct Paths;

impl Modify for Paths {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for (path, item) in &mut document.paths.paths {
            for (name, description) in [
                ("webhookId", "The webhook's id"),
                ("instanceId", "The instance's id, its `externalId` or its name"),
                ("businessId", "The account's id"),
            ] {
                if !path.contains(&format!("{{{name}}}")) {
                    continue;
                }
                for operation in operations(item) {
                    add_in_path(operation, name, description, String::schema());
                }
            }
        }
    }
}

/// What any route can answer: what its token, its path and its body alone can be wrong in, and what is ours.
struct Errors;

impl Modify for Errors {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        docs::free_bodies(document);
        for (path, item) in &mut document.paths.paths {
            for operation in operations(item) {
                let other = ("403", "A valid token of somebody else, or an instance that is switched off.");
                add_errors(operation, &[("401", "No token, a wrong one or one that ended."), other]);
                let names_one = ["{instanceId}", "{businessId}", "/admin/business/"]
                    .iter()
                    .any(|part| path.contains(part));
                if names_one {
                    add_errors(operation, &[("404", "No such instance, business or webhook.")]);
                }
                if operation.request_body.is_some() {
                    add_errors(operation, &[TOO_LARGE]);
                }
                if operation.responses.responses.contains_key("501") {
                    continue;
                }
                add_errors(operation, &[GUESSED, DAMAGED]);
            }
            for operation in operations(item) {
                add_errors(operation, &[AWAY]);
            }
        }
    }
}

/// The OpenAPI document of this dialect.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}
