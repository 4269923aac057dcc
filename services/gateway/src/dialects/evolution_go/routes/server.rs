//! `GET /server/ok`

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// Says that the API works.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ServerOk {
    /// `ok`.
    status: &'static str,
}

/// Says that the API works; clients use it as a health probe.
#[utoipa::path(
    get, operation_id = "server_ok", path = "/evolution-go/server/ok", tag = "server", security(()),
    responses((status = 200, body = ServerOk))
)]
pub(super) async fn handler() -> Json<ServerOk> {
    Json(ServerOk { status: "ok" })
}
