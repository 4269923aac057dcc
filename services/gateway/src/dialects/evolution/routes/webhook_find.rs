//! `GET /webhook/find/{instance}`

use axum::Json;
use serde_json::Value;

use crate::dialects::evolution::{call::OnInstance, error::EvolutionError, webhook};

/// Shows the webhook; `null` if it was never set.
pub(super) async fn handler(on: OnInstance) -> Result<Json<Option<Value>>, EvolutionError> {
    let record = on.read().await?;
    Ok(Json(webhook::present(&record).map(|webhook| webhook::row(&record, &webhook))))
}
