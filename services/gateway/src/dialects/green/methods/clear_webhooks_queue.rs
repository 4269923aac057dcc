//! `clearWebhooksQueue`

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::Rate,
    dialects::green::{call::OnInstance, error::GreenError},
};

/// A queue may be cleared once a minute.
const RATE: Rate = Rate { requests: 1, window_seconds: 60 };

/// Whether the queue was cleared.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Clearing {
    is_cleared: bool,
    /// Why not.
    reason: &'static str,
    /// Seconds until it can be cleared again.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_time: Option<i64>,
}

/// Deletes everything that waits, pushed or pulled. Too often is not an error here.
#[utoipa::path(
    delete, operation_id = "clearWebhooksQueue", tag = "notifications",
    path = "/waInstance{idInstance}/clearWebhooksQueue/{apiTokenInstance}",
    responses((status = 200, body = Clearing))
)]
pub(super) async fn run(on: &OnInstance) -> Result<Clearing, GreenError> {
    on.read().await?;
    let allowance = on.app.counters.count("green-clear", &on.instance.to_string(), RATE).await?;
    if !allowance.allowed {
        let left = allowance.reset_at_seconds - on.app.now().seconds();
        return Ok(Clearing { is_cleared: false, reason: "Too many requests", left_time: Some(left.max(1)) });
    }
    on.app.notifications.clear(on.instance).await?;
    Ok(Clearing { is_cleared: true, reason: "", left_time: None })
}
