//! `reboot`

use berth_proto::{command::RestartV1, frame::RejectionCodeV1};
use serde_json::{Value, json};

use crate::{
    app::Failure,
    dialects::green::{call::OnInstance, error::GreenError},
};

/// Closes the connection and opens it again; without a device there is nothing to reboot, which is fine.
pub(super) async fn run(on: &OnInstance) -> Result<Value, GreenError> {
    match on.command(RestartV1 {}).await {
        Ok(_) | Err(GreenError::Other(Failure::Rejected { code: RejectionCodeV1::NoSession, .. })) => {
            Ok(json!({"isReboot": true}))
        }
        Err(error) => Err(error),
    }
}
