//! `reboot`

use berth_proto::command::RestartV1;
use serde::Serialize;
use utoipa::ToSchema;

use crate::dialects::green::{call::OnInstance, error::GreenError};

/// The connection is opened again.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rebooted {
    is_reboot: bool,
}

/// Closes the connection and opens it again. Without a device there is nothing to reboot and a banned number
/// stays banned, which is fine: the method is allowed in every state.
#[utoipa::path(
    get, operation_id = "reboot", tag = "account",
    path = "/waInstance{idInstance}/reboot/{apiTokenInstance}",
    responses((status = 200, body = Rebooted))
)]
pub(super) async fn run(on: &OnInstance) -> Result<Rebooted, GreenError> {
    match on.command(RestartV1 {}).await {
        Err(GreenError::Other(failure)) if super::is_refusal(&failure) => {}
        other => drop(other?),
    }
    Ok(Rebooted { is_reboot: true })
}
