//! `POST /webhook/set/{instance}`

use axum::{Json, extract::Request, http::StatusCode};
use serde_json::Value;

use crate::dialects::evolution::{
    call::{OnInstance, object},
    error::EvolutionError,
    webhook,
};

/// Sets the one webhook of the instance.
pub(super) async fn handler(
    on: OnInstance,
    request: Request,
) -> Result<(StatusCode, Json<Value>), EvolutionError> {
    let record = on.read().await?;
    let wanted = webhook::of_set(&object(request).await?)?;
    let (answer, stored, _) = on.map(on.app.configure_webhook(&on.call, &record, &wanted, true, 0).await)?;
    Ok((StatusCode::CREATED, Json(webhook::row(&answer.record, &stored))))
}
