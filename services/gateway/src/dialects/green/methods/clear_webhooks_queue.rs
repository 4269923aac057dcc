//! `clearWebhooksQueue`

use serde_json::{Value, json};

use crate::{
    app::Rate,
    dialects::green::{call::OnInstance, error::GreenError},
};

/// A queue may be cleared once a minute.
const RATE: Rate = Rate { requests: 1, window_seconds: 60 };

/// Deletes everything that waits, pushed or pulled. Too often is not an error here.
pub(super) async fn run(on: &OnInstance) -> Result<Value, GreenError> {
    on.read().await?;
    let allowance = on.app.count("green-clear", &on.instance.to_string(), RATE).await?;
    if !allowance.allowed {
        let left = allowance.reset_at_seconds - on.app.now().seconds();
        return Ok(json!({"isCleared": false, "reason": "Too many requests", "leftTime": left.max(1)}));
    }
    on.app.clear_notifications(on.instance).await?;
    Ok(json!({"isCleared": true, "reason": ""}))
}
