//! `getWaSettings`

use berth_proto::instance::UnlinkStatusV1;
use serde_json::{Value, json};

use crate::dialects::green::{call::OnInstance, error::GreenError, words};

/// Shows the linked account; `logoutProcess` says whether a device is still being unlinked.
pub(super) async fn run(on: &OnInstance) -> Result<Value, GreenError> {
    let record = on.read().await?;
    let state = words::state(&record.state.phase);
    let device = record.device.as_ref().filter(|_| state == "authorized");
    let unlinking = record.state.unlinks.iter().any(|unlink| unlink.status == UnlinkStatusV1::Pending);
    Ok(json!({
        "avatar": device.and_then(|device| device.picture_url.clone()).unwrap_or_default(),
        "phone": device.map(|device| device.phone.clone()).unwrap_or_default(),
        "stateInstance": state,
        "deviceId": device.map(|device| device.jid.clone()).unwrap_or_default(),
        "logoutProcess": unlinking,
    }))
}
