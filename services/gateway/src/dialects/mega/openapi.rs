//! The OpenAPI document of this dialect.

use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(info(
    title = "Berth as Mega API",
    description = "Mega API. The token goes into `Authorization: Bearer`."
))]
struct Document;

/// The OpenAPI document of this dialect.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}
