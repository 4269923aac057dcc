//! `logout`

use berth_proto::command::LogoutV1;
use serde::Serialize;
use utoipa::ToSchema;

use crate::dialects::green::{call::OnInstance, error::GreenError};

/// The session ended.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LoggedOut {
    is_logout: bool,
}

/// Ends the session. The method is a GET, so clients and scanners repeat it: a repeat succeeds and changes
/// nothing.
#[utoipa::path(
    get, operation_id = "logout", tag = "account",
    path = "/waInstance{idInstance}/logout/{apiTokenInstance}",
    responses((status = 200, body = LoggedOut))
)]
pub(super) async fn run(on: &OnInstance) -> Result<LoggedOut, GreenError> {
    on.command(LogoutV1 {}).await?;
    Ok(LoggedOut { is_logout: true })
}
