//! `getWaSettings`

use berth_proto::instance::UnlinkStatusV1;
use serde::Serialize;
use utoipa::ToSchema;

use crate::dialects::green::{
    call::OnInstance,
    error::GreenError,
    words::{self, StateInstance},
};

/// The linked account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WaSettings {
    /// Address of its picture; like `phone` and `deviceId` empty if no account is authorized.
    avatar: String,
    phone: String,
    state_instance: StateInstance,
    device_id: String,
    /// Whether a device is still being unlinked.
    logout_process: bool,
}

/// Shows the linked account.
#[utoipa::path(
    get, operation_id = "getWaSettings", tag = "account",
    path = "/waInstance{idInstance}/getWaSettings/{apiTokenInstance}",
    responses((status = 200, body = WaSettings))
)]
pub(super) async fn run(on: &OnInstance) -> Result<WaSettings, GreenError> {
    let record = on.read().await?;
    let state_instance = words::state(&record.state.phase);
    let unlinks = &record.state.unlinks;
    let logout_process = unlinks.iter().any(|unlink| unlink.status == UnlinkStatusV1::Pending);
    let device = record.device().filter(|_| state_instance == StateInstance::Authorized).unwrap_or_default();
    Ok(WaSettings {
        avatar: device.picture_url.unwrap_or_default(),
        phone: device.phone,
        state_instance,
        device_id: device.jid,
        logout_process,
    })
}
