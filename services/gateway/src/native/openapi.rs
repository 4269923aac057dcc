//! The OpenAPI document of the native API.

use utoipa::{
    Modify, OpenApi,
    openapi::{
        Components, RefOr,
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use super::routes::{
    accounts, connect, create, delete, events, get, lifecycle, list, logout, qr, simulate, stream, verify,
    webhook, webhooks,
};

use crate::docs;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Berth",
        description = "Session state of WhatsApp-gateway instances. Tokens go into `Authorization: Bearer`; errors are problem details (RFC 9457) with a stable `code`."
    ),
    paths(
        create::handler, list::handler, get::handler, delete::handler, connect::handler, qr::handler,
        lifecycle::reconnect, lifecycle::restart, lifecycle::disconnect, logout::handler, events::handler,
        stream::handler, verify::handler, webhooks::create, webhooks::list, webhook::get, webhook::patch,
        webhook::delete, simulate::handler, accounts::create, accounts::list, accounts::rotate_token,
        docs::index, docs::page, docs::native_json, docs::json
    ),
    modifiers(&Bearer, &Problems)
)]
struct Document;

/// Every route wants a bearer token.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        document.components.get_or_insert_with(Components::new).add_security_scheme("bearer", scheme);
        document.security = Some(vec![SecurityRequirement::new("bearer", Vec::<String>::new())]);
    }
}

/// Errors are problem details, whatever the operation.
struct Problems;

impl Modify for Problems {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let operations = document.paths.paths.values_mut().flat_map(|path| {
            [&mut path.get, &mut path.post, &mut path.patch, &mut path.delete].into_iter().flatten()
        });
        for operation in operations {
            for (status, response) in &mut operation.responses.responses {
                let RefOr::T(response) = response else { continue };
                if status.starts_with('4') || status.starts_with('5') {
                    let content = std::mem::take(&mut response.content);
                    let renamed =
                        content.into_values().map(|media| ("application/problem+json".to_owned(), media));
                    response.content = renamed.collect();
                }
            }
        }
    }
}

/// The OpenAPI document of the native API.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}
