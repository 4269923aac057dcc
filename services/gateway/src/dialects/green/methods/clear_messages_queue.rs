//! `clearMessagesQueue`

use serde::Serialize;
use utoipa::ToSchema;

use crate::dialects::green::{call::OnInstance, error::GreenError};

/// That the queue is empty.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClearedMessages {
    /// True.
    is_cleared: bool,
}

/// Deletes the messages that wait to be sent, of which there are none. Notices that wait are left alone.
#[utoipa::path(
    get, operation_id = "clearMessagesQueue", tag = "queues",
    path = "/waInstance{idInstance}/clearMessagesQueue/{apiTokenInstance}",
    responses((status = 200, body = ClearedMessages))
)]
pub(super) async fn run(on: &OnInstance) -> Result<ClearedMessages, GreenError> {
    on.read().await?;
    Ok(ClearedMessages { is_cleared: true })
}
