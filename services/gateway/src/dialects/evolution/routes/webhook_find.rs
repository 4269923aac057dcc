//! `GET /webhook/find/{instance}`

use axum::Json;

use crate::dialects::evolution::{
    call::OnInstance,
    error::EvolutionError,
    webhook::{self, WebhookRow},
};

/// Shows the webhook; `null` if it was never set.
#[utoipa::path(
    get, operation_id = "find_webhook", path = "/webhook/find/{instance}", tag = "webhook",
    params(("instance" = String, Path, description = "Name, id or number")),
    responses((status = 200, body = Option<WebhookRow>))
)]
pub(super) async fn handler(on: OnInstance) -> Result<Json<Option<WebhookRow>>, EvolutionError> {
    let record = on.read().await?;
    Ok(Json(webhook::present(&record).map(|webhook| WebhookRow::of(&record, &webhook))))
}
