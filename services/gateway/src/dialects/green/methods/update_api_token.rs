//! `updateApiToken`

use serde_json::{Value, json};

use crate::dialects::green::{call::OnInstance, error::GreenError};

/// Gives the instance another token; the old one ends at once.
pub(super) async fn run(on: &OnInstance) -> Result<Value, GreenError> {
    let record = on.read().await?;
    let answer = on.app.rotate_token(&on.call, &record).await?;
    Ok(json!({"apiTokenInstance": answer.record.token}))
}
