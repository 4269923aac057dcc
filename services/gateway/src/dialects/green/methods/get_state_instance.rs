//! `getStateInstance`

use serde_json::{Value, json};

use crate::dialects::green::{call::OnInstance, error::GreenError, words};

/// Shows the state of the account.
pub(super) async fn run(on: &OnInstance) -> Result<Value, GreenError> {
    let record = on.read().await?;
    Ok(json!({"stateInstance": words::state(&record.state.phase)}))
}
