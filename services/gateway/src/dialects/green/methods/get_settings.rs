//! `getSettings`

use crate::dialects::green::{call::OnInstance, error::GreenError, settings};

/// Shows the settings. They hold as soon as they are set.
#[utoipa::path(
    get, operation_id = "getSettings", tag = "account",
    path = "/waInstance{idInstance}/getSettings/{apiTokenInstance}",
    responses((status = 200, body = settings::Settings))
)]
pub(super) async fn run(on: &OnInstance) -> Result<settings::Settings, GreenError> {
    Ok(settings::shown(&on.read().await?))
}
