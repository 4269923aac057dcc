//! This dialect's words for a session's state.

use berth_proto::instance::PhaseV1;

/// `connected`, `connecting` or `disconnected`.
pub(super) const fn status(phase: &PhaseV1) -> &'static str {
    match phase {
        PhaseV1::Connecting(_) | PhaseV1::Pairing(_) => "connecting",
        PhaseV1::Linked(link) => match link.connection {
            berth_proto::instance::ConnectionV1::Open => "connected",
            berth_proto::instance::ConnectionV1::Opening | berth_proto::instance::ConnectionV1::Lost => {
                "connecting"
            }
        },
        PhaseV1::Created | PhaseV1::Paused(_) | PhaseV1::LoggedOut { .. } | PhaseV1::Deleted { .. } => {
            "disconnected"
        }
    }
}
