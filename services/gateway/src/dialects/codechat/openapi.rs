//! The OpenAPI document of this dialect.

use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(info(
    title = "Berth as CodeChat",
    description = "CodeChat v2. Tokens and instance JWTs go into `Authorization: Bearer`."
))]
struct Document;

/// The OpenAPI document of this dialect.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}
