//! `GET /proxy/find/{instance}` and `GET /<transport>/find/{instance}`

use axum::Json;
use serde_json::Value;

use crate::dialects::evolution::{call::OnInstance, error::EvolutionError, kept};

/// Shows a way to send events; `null` if it was never set.
pub(super) async fn transport(
    name: &'static str,
    on: OnInstance,
) -> Result<Json<Option<Value>>, EvolutionError> {
    let record = on.read().await?;
    Ok(Json(kept::row(&record, name)))
}

/// Shows the proxy without its password; `null` if it was never set.
pub(super) async fn proxy(on: OnInstance) -> Result<Json<Option<Value>>, EvolutionError> {
    transport("proxy", on).await
}
