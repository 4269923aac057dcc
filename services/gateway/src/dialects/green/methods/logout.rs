//! `logout`

use berth_proto::command::LogoutV1;
use serde_json::{Value, json};

use crate::dialects::green::{call::OnInstance, error::GreenError};

/// Ends the session. The method is a GET, so clients and scanners repeat it: a repeat succeeds and changes
/// nothing.
pub(super) async fn run(on: &OnInstance) -> Result<Value, GreenError> {
    on.command(LogoutV1 {}).await?;
    Ok(json!({"isLogout": true}))
}
