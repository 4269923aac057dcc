//! The OpenAPI document of this dialect.

use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(info(
    title = "Berth as Evolution",
    description = "Evolution API, as releases 2.2 to 2.3.7 behave. The key goes into the header `apikey`."
))]
struct Document;

/// The OpenAPI document of this dialect.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}
