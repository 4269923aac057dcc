//! This dialect's words for a session's state.

use berth_proto::instance::{ConnectionV1, PauseReasonV1, PhaseV1};
use serde::Serialize;
use utoipa::ToSchema;

/// The state of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum StateInstance {
    NotAuthorized,
    Starting,
    Authorized,
    SleepMode,
    Blocked,
}

/// The state of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum StatusInstance {
    Online,
    Offline,
}

/// The state that a phase is called.
pub(super) const fn state(phase: &PhaseV1) -> StateInstance {
    match phase {
        PhaseV1::Linked(link) => match link.connection {
            ConnectionV1::Opening => StateInstance::Starting,
            ConnectionV1::Open | ConnectionV1::Lost => StateInstance::Authorized,
        },
        PhaseV1::Paused(pause) => match pause.reason {
            PauseReasonV1::Banned => StateInstance::Blocked,
            PauseReasonV1::Asked
            | PauseReasonV1::Replaced
            | PauseReasonV1::Outdated
            | PauseReasonV1::Refused => StateInstance::SleepMode,
        },
        PhaseV1::Created
        | PhaseV1::Connecting(_)
        | PhaseV1::Pairing(_)
        | PhaseV1::LoggedOut { .. }
        | PhaseV1::Deleted { .. } => StateInstance::NotAuthorized,
    }
}

/// `online` while the connection is open.
pub(super) fn status(phase: &PhaseV1) -> StatusInstance {
    let open = matches!(phase, PhaseV1::Linked(link) if link.connection == ConnectionV1::Open);
    if open { StatusInstance::Online } else { StatusInstance::Offline }
}
