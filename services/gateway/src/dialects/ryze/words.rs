//! This dialect's words for a session's state.

use berth_proto::instance::{ConnectionV1, PhaseV1};

use crate::app::Record;

/// `connected`, `connecting`, `disconnected` or `loggedout` (REST writes it in one word, events in two).
pub(super) fn state(record: &Record) -> &'static str {
    match &record.state.phase {
        PhaseV1::Connecting(_) | PhaseV1::Pairing(_) => "connecting",
        PhaseV1::Linked(link) => match link.connection {
            ConnectionV1::Open => "connected",
            ConnectionV1::Opening | ConnectionV1::Lost => "connecting",
        },
        PhaseV1::LoggedOut { .. } => "loggedout",
        PhaseV1::Created | PhaseV1::Paused(_) | PhaseV1::Deleted { .. } => "disconnected",
    }
}

/// The word that a person reads beside the state.
pub(super) fn display(state: &str) -> &'static str {
    match state {
        "connected" => "Connected",
        "connecting" => "Connecting",
        "loggedout" => "Logged out",
        _ => "Disconnected",
    }
}
