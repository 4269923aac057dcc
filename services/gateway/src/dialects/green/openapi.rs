//! The OpenAPI document of this dialect.

use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(info(
    title = "Berth as GREEN-API",
    description = "GREEN-API. The token stands in the path, after the method."
))]
struct Document;

/// The OpenAPI document of this dialect.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}
