//! `GET /instance/status`

use axum::Json;
use berth_proto::instance::{ConnectionV1, PhaseV1};
use serde::Serialize;
use utoipa::ToSchema;

use crate::dialects::evolution_go::{answer::Success, call::OnInstance, error::GoError};

/// The state of an instance.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StatusData {
    /// Whether there is a connection to WhatsApp: the one of the link, or the one that shows codes.
    connected: bool,
    /// Whether a device is linked, with its connection open, lost or stopped.
    logged_in: bool,
    /// The name that the device shows; empty if it is not known, or there is no device.
    name: String,
}

/// Shows the state; an instance without a session is neither connected nor logged in.
#[utoipa::path(
    get, operation_id = "status", path = "/evolution-go/instance/status", tag = "instance",
    responses((status = 200, body = Success<StatusData>))
)]
pub(super) async fn handler(on: OnInstance) -> Result<Json<Success<StatusData>>, GoError> {
    let record = on.read().await?;
    let (connected, logged_in) = match &record.state.phase {
        PhaseV1::Linked(link) => (link.connection == ConnectionV1::Open, true),
        PhaseV1::Paused(_) => (false, true),
        PhaseV1::Pairing(_) => (true, false),
        PhaseV1::Created | PhaseV1::Connecting(_) | PhaseV1::LoggedOut { .. } | PhaseV1::Deleted { .. } => {
            (false, false)
        }
    };
    let device = record.device().filter(|_| logged_in);
    let name = device.and_then(|device| device.push_name.or(device.business_name)).unwrap_or_default();
    Ok(Success::of(StatusData { connected, logged_in, name }))
}
