//! `GET /proxy/find/{instance}` and `GET /<transport>/find/{instance}`

use axum::Json;

use crate::dialects::evolution::{
    call::OnInstance,
    error::EvolutionError,
    kept::{self, KeptRow},
};

/// Shows a way to send events; `null` if it was never set.
#[utoipa::path(
    get, operation_id = "find_transport", path = "/{transport}/find/{instance}", tag = "transports",
    params(("instance" = String, Path, description = "Name, id or number")),
    responses((status = 200, body = Option<KeptRow>))
)]
pub(super) async fn transport(
    name: &'static str,
    on: OnInstance,
) -> Result<Json<Option<KeptRow>>, EvolutionError> {
    let record = on.read().await?;
    Ok(Json(kept::row(&record, name)))
}

/// Shows the proxy without its password; `null` if it was never set.
#[utoipa::path(
    get, operation_id = "find_proxy", path = "/proxy/find/{instance}", tag = "settings",
    params(("instance" = String, Path, description = "Name, id or number")),
    responses((status = 200, body = Option<KeptRow>))
)]
pub(super) async fn proxy(on: OnInstance) -> Result<Json<Option<KeptRow>>, EvolutionError> {
    transport("proxy", on).await
}
