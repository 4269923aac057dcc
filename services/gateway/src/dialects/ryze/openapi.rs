//! The OpenAPI document of this dialect.

use utoipa::{
    Modify, OpenApi,
    openapi::{
        Components, HeaderBuilder, ObjectBuilder, RefOr, Required, Type,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use super::routes::{
    connect, delete, get_settings, kept, list, live, logout, new, reconnect, settings, webhook_get,
    webhook_remove, webhook_set, websocket,
};
use crate::docs::{AWAY, UNKNOWN, add_errors, operations};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Berth as RyzeAPI",
        description = "The instance and event routes of RyzeAPI. The token, an account's or an instance's own, goes into the header `token`, into `Authorization: Bearer` or into `?token=`. A token may ask 100 times a minute and create 20 instances a minute; every answer says how much of that is left, more often is answered with 429."
    ),
    paths(
        new::handler, list::handler, connect::handler, reconnect::handler, logout::handler, delete::handler,
        get_settings::handler, settings::handler, kept::get_proxy, kept::set_proxy, kept::get_s3, kept::set_s3,
        webhook_set::handler, webhook_get::handler, webhook_get::alias, webhook_remove::handler, websocket::set,
        websocket::get, live::handler
    ),
    modifiers(&Token, &Errors, &Limits)
)]
struct Document;

/// Every route wants a token, in one of three places.
struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_with(Components::new);
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let schemes = [
            ("token", SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("token")))),
            ("bearer", SecurityScheme::Http(bearer)),
            ("query", SecurityScheme::ApiKey(ApiKey::Query(ApiKeyValue::new("token")))),
        ];
        let mut any = Vec::new();
        for (name, scheme) in schemes {
            components.add_security_scheme(name, scheme);
            any.push(SecurityRequirement::new(name, Vec::<String>::new()));
        }
        document.security = Some(any);
    }
}

/// What any route can answer: what its token and its path alone can be wrong in, and what is ours; and which body
/// may be left out.
struct Errors;

impl Modify for Errors {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        // The body of a removal may be left out; that of a change may not, even if it needs no field.
        let removals = document.paths.paths.values_mut().filter_map(|item| item.delete.as_mut());
        for body in removals.filter_map(|operation| operation.request_body.as_mut()) {
            if let RefOr::T(body) = body {
                body.required = Some(Required::False);
            }
        }
        let all = document.paths.paths.iter_mut();
        for (path, operation) in all.flat_map(|(path, item)| operations(item).map(move |it| (path, it))) {
            let banned = "The number is banned, no code came in time, or the history is damaged.";
            let limited = ("429", "More often than the limit.");
            add_errors(operation, &[("401", "No token or a wrong one."), limited, ("500", banned), AWAY]);
            if path.contains('{') {
                add_errors(operation, &[("403", "Another instance's token."), UNKNOWN]);
            }
        }
    }
}

/// The rate limit is told in every answer; one that could not be counted lacks it.
struct Limits;

impl Modify for Limits {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let told = [
            ("X-RateLimit-Limit", "Requests in a minute."),
            ("X-RateLimit-Remaining", "Requests that are left of them."),
            ("X-RateLimit-Reset", "When the minute ends, in Unix seconds."),
        ];
        let responses = document
            .paths
            .paths
            .values_mut()
            .flat_map(operations)
            .flat_map(|operation| &mut operation.responses.responses)
            .filter(|(status, _)| matches!(status.as_str(), "200" | "201" | "429"));
        for (_, response) in responses {
            let RefOr::T(response) = response else { continue };
            for (name, description) in told {
                let header = HeaderBuilder::new()
                    .schema(Some(ObjectBuilder::new().schema_type(Type::Integer)))
                    .description(Some(description));
                response.headers.insert(name.to_owned(), header.build().into());
            }
        }
    }
}

/// The OpenAPI document of this dialect.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}
