//! The native words for a session's state.

use berth_proto::instance::{ConnectionV1, PauseReasonV1, PhaseV1};

/// Every word of [`state_word`], in the order of a life.
pub const STATE_WORDS: [&str; 7] =
    ["created", "connecting", "pairing", "linked", "paused", "logged_out", "deleted"];

/// Every word of [`state_word`] that has one of [`detail_word`] beside it, and those.
pub const STATE_DETAILS: [(&str, &[&str]); 2] = [
    ("linked", &["opening", "open", "lost"]),
    ("paused", &["asked", "replaced", "banned", "outdated", "refused"]),
];

/// The word for where a session stands.
pub const fn state_word(phase: &PhaseV1) -> &'static str {
    match phase {
        PhaseV1::Created => "created",
        PhaseV1::Connecting(_) => "connecting",
        PhaseV1::Pairing(_) => "pairing",
        PhaseV1::Linked(_) => "linked",
        PhaseV1::Paused(_) => "paused",
        PhaseV1::LoggedOut { .. } => "logged_out",
        PhaseV1::Deleted { .. } => "deleted",
    }
}

/// The word for the connection of a linked device; none in every other state.
pub const fn connection_word(phase: &PhaseV1) -> Option<&'static str> {
    match phase {
        PhaseV1::Linked(link) => Some(match link.connection {
            ConnectionV1::Opening => "opening",
            ConnectionV1::Open => "open",
            ConnectionV1::Lost => "lost",
        }),
        PhaseV1::Created
        | PhaseV1::Connecting(_)
        | PhaseV1::Pairing(_)
        | PhaseV1::Paused(_)
        | PhaseV1::LoggedOut { .. }
        | PhaseV1::Deleted { .. } => None,
    }
}

/// The word for why a session is paused.
pub const fn pause_word(reason: PauseReasonV1) -> &'static str {
    match reason {
        PauseReasonV1::Asked => "asked",
        PauseReasonV1::Replaced => "replaced",
        PauseReasonV1::Banned => "banned",
        PauseReasonV1::Outdated => "outdated",
        PauseReasonV1::Refused => "refused",
    }
}

/// What a state says besides its word: how the connection of a linked device stands, or why a session is paused.
pub const fn detail_word(phase: &PhaseV1) -> Option<&'static str> {
    match phase {
        PhaseV1::Paused(pause) => Some(pause_word(pause.reason)),
        phase => connection_word(phase),
    }
}
