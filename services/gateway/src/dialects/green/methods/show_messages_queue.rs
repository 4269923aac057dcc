//! `showMessagesQueue`

use serde::Serialize;
use utoipa::ToSchema;

use crate::dialects::green::{call::OnInstance, error::GreenError};

/// A message that waits to be sent: there is none, since messages are not handled here.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct QueuedMessage {}

/// Shows the messages that wait to be sent: always none.
#[utoipa::path(
    get, operation_id = "showMessagesQueue", tag = "queues",
    path = "/waInstance{idInstance}/showMessagesQueue/{apiTokenInstance}",
    responses((status = 200, body = Vec<QueuedMessage>))
)]
pub(super) async fn run(on: &OnInstance) -> Result<Vec<QueuedMessage>, GreenError> {
    on.read().await?;
    Ok(Vec::new())
}
