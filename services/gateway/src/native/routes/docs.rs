//! `GET /openapi.json` and `GET /docs`

use axum::{
    Json,
    response::{Html, IntoResponse},
};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Components,
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use super::{
    accounts, connect, create, delete, events, get, lifecycle, list, logout, qr, simulate, stream, verify,
    webhook, webhooks,
};

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
        webhook::delete, simulate::handler, accounts::create, accounts::list, accounts::rotate_token
    ),
    modifiers(&Bearer)
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

/// The OpenAPI document of the native API.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

pub(super) async fn document() -> impl IntoResponse {
    Json(openapi())
}

/// A page without any asset from elsewhere: it renders the document in the browser.
pub(super) async fn page() -> impl IntoResponse {
    Html(include_str!("docs.html"))
}
