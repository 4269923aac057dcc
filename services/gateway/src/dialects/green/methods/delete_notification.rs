//! `deleteNotification`

use axum::extract::Request;
use serde_json::{Value, json};

use crate::{
    dialects::green::{call::OnInstance, error::GreenError},
    http::body,
};

/// Deletes a notice that was received. The receipt stands behind the token or, as one SDK sends it, alone in the
/// body.
pub(super) async fn run(on: &OnInstance, request: Request) -> Result<Value, GreenError> {
    let receipt = match &on.path.rest {
        Some(text) => text.parse().ok(),
        None => serde_json::from_slice(&body::read(request).await?).ok(),
    };
    let receipt: u64 =
        receipt.ok_or_else(|| GreenError::Validation("Parameter receiptId must be a Number".to_owned()))?;
    on.read().await?;
    let deleted = on.app.delete_notification(on.instance, receipt).await?;
    Ok(json!({"result": deleted}))
}
