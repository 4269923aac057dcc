//! This dialect's words for a session's state: one stored, one live.

use berth_proto::instance::{ConnectionV1, PauseReasonV1, PhaseV1};

use crate::app::Record;

/// The stored word: `open`, `close` or `refused`. It stays `open` while a linked device has lost its connection.
pub(super) const fn stored(phase: &PhaseV1) -> &'static str {
    match phase {
        PhaseV1::Linked(link) => match link.connection {
            ConnectionV1::Open | ConnectionV1::Lost => "open",
            ConnectionV1::Opening => "close",
        },
        PhaseV1::Paused(pause) if matches!(pause.reason, PauseReasonV1::Banned) => "refused",
        PhaseV1::Created
        | PhaseV1::Connecting(_)
        | PhaseV1::Pairing(_)
        | PhaseV1::Paused(_)
        | PhaseV1::LoggedOut { .. }
        | PhaseV1::Deleted { .. } => "close",
    }
}

/// The live word, `open`, `connecting` or `close`, and its reason.
pub(super) fn live(record: &Record) -> (&'static str, u16) {
    match &record.state.phase {
        PhaseV1::Linked(link) if link.connection == ConnectionV1::Open => ("open", 200),
        PhaseV1::Connecting(_) | PhaseV1::Pairing(_) | PhaseV1::Linked(_) => ("connecting", 200),
        PhaseV1::Created | PhaseV1::Paused(_) | PhaseV1::LoggedOut { .. } | PhaseV1::Deleted { .. } => {
            let code = record.state.last_end.as_ref().map_or(0, |end| end.code);
            ("close", if code == 0 { 428 } else { code })
        }
    }
}
