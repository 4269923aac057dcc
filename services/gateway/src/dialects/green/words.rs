//! This dialect's words for a session's state.

use berth_proto::instance::{ConnectionV1, PauseReasonV1, PhaseV1};

/// `notAuthorized`, `starting`, `authorized`, `sleepMode` or `blocked`.
pub(super) const fn state(phase: &PhaseV1) -> &'static str {
    match phase {
        PhaseV1::Linked(link) => match link.connection {
            ConnectionV1::Opening => "starting",
            ConnectionV1::Open | ConnectionV1::Lost => "authorized",
        },
        PhaseV1::Paused(pause) => match pause.reason {
            PauseReasonV1::Banned => "blocked",
            PauseReasonV1::Asked
            | PauseReasonV1::Replaced
            | PauseReasonV1::Outdated
            | PauseReasonV1::Refused => "sleepMode",
        },
        PhaseV1::Created
        | PhaseV1::Connecting(_)
        | PhaseV1::Pairing(_)
        | PhaseV1::LoggedOut { .. }
        | PhaseV1::Deleted { .. } => "notAuthorized",
    }
}

/// `online` while the connection is open.
pub(super) fn status(phase: &PhaseV1) -> &'static str {
    let open = matches!(phase, PhaseV1::Linked(link) if link.connection == ConnectionV1::Open);
    if open { "online" } else { "offline" }
}
