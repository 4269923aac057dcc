//! `getStatusInstance`

use serde::Serialize;
use utoipa::ToSchema;

use crate::dialects::green::{
    call::OnInstance,
    error::GreenError,
    words::{self, StatusInstance},
};

/// The state of a socket.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    status_instance: StatusInstance,
}

/// Shows the state of the socket.
#[utoipa::path(
    get, operation_id = "getStatusInstance", tag = "account",
    path = "/waInstance{idInstance}/getStatusInstance/{apiTokenInstance}",
    responses((status = 200, body = Status))
)]
pub(super) async fn run(on: &OnInstance) -> Result<Status, GreenError> {
    let record = on.read().await?;
    Ok(Status { status_instance: words::status(&record.state.phase) })
}
