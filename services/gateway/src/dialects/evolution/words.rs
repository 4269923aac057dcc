//! This dialect's words for a session's state.

use berth_proto::instance::{ConnectionV1, PhaseV1};

/// `open`, `connecting` or `close`; never another word.
pub(super) const fn state(phase: &PhaseV1) -> &'static str {
    match phase {
        PhaseV1::Connecting(_) | PhaseV1::Pairing(_) => "connecting",
        PhaseV1::Linked(link) => match link.connection {
            ConnectionV1::Open => "open",
            ConnectionV1::Opening | ConnectionV1::Lost => "connecting",
        },
        PhaseV1::Created | PhaseV1::Paused(_) | PhaseV1::LoggedOut { .. } | PhaseV1::Deleted { .. } => {
            "close"
        }
    }
}
