//! `getSettings`

use serde_json::Value;

use crate::dialects::green::{call::OnInstance, error::GreenError, settings};

/// Shows the settings.
pub(super) async fn run(on: &OnInstance) -> Result<Value, GreenError> {
    Ok(settings::shown(&on.read().await?))
}
