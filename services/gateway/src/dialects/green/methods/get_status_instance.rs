//! `getStatusInstance`

use serde_json::{Value, json};

use crate::dialects::green::{call::OnInstance, error::GreenError, words};

/// Shows the state of the socket.
pub(super) async fn run(on: &OnInstance) -> Result<Value, GreenError> {
    let record = on.read().await?;
    Ok(json!({"statusInstance": words::status(&record.state.phase)}))
}
