//! The OpenAPI document of this dialect.

use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(info(
    title = "Berth as RyzeAPI",
    description = "RyzeAPI. The token goes into the header `token`, into `Authorization: Bearer` or into `?token=`."
))]
struct Document;

/// The OpenAPI document of this dialect.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}
