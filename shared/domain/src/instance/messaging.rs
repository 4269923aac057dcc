//! Whether an instance may be used for messaging now.
//!
//! This is about what was decided, not about the connection: a device that is linked and whose connection is lost for
//! a moment may be used, and whoever carries its messages says that it cannot send them.

use berth_proto::instance::{LinkV1, PauseReasonV1, PhaseV1};

use crate::instance::{State, state_word};

/// Why an instance may not be used for messaging.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// It has no session: never linked, being linked, logged out or deleted.
    NoSession {
        /// The word of its state.
        state: &'static str,
    },
    /// Its device is linked and stopped.
    Paused(PauseReasonV1),
}

impl Unusable {
    /// One word for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoSession { state } => state,
            Self::Paused(PauseReasonV1::Asked) => "paused",
            Self::Paused(PauseReasonV1::Replaced) => "replaced",
            Self::Paused(PauseReasonV1::Banned) => "banned",
            Self::Paused(PauseReasonV1::Outdated) => "outdated",
            Self::Paused(PauseReasonV1::Refused) => "refused",
        }
    }
}

/// The link that may be used for messaging, or why there is none.
pub fn may_message(state: &State) -> Result<&LinkV1, Unusable> {
    match &state.phase {
        PhaseV1::Linked(link) => Ok(link),
        PhaseV1::Paused(pause) => Err(Unusable::Paused(pause.reason)),
        PhaseV1::Created
        | PhaseV1::Connecting(_)
        | PhaseV1::Pairing(_)
        | PhaseV1::LoggedOut { .. }
        | PhaseV1::Deleted { .. } => Err(Unusable::NoSession { state: state_word(&state.phase) }),
    }
}
