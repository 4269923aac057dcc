//! What a webhook may be told now.
//!
//! The permission is a fold of three events: `WebhooksSuspended` makes it silent, `QrWebhooksAllowed`
//! lets codes through, `WebhooksResumed` opens it. Decisions append them so that it is open exactly while
//! a device is linked (running or paused), lets codes through exactly while an attempt runs, and is silent
//! otherwise.
//!
//! A new instance starts *silent*: webhooks open when a device is linked, not before. So what
//! happens before the first link is told only to endpoints that asked for everything
//! (`after_logout_all`), and a first attempt behaves like one after a logout.

use berth_proto::{
    delivery::{NoticeClass, SettlementV1},
    instance::{PermissionV1, PhaseV1},
};

use crate::instance::State;

/// What the permission looks at in a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice {
    /// Its class.
    pub class: NoticeClass,
    /// The session that it belongs to: the number that the state had before the notice's events.
    pub session: u32,
    /// Whether its endpoint asked to be told everything after a logout too.
    pub after_logout_all: bool,
}

/// Whether a notice may be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Send,
    /// It may not and never will: settle it like this.
    Settle(SettlementV1),
}

/// What the permission looks at in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bearing {
    /// Whether the instance is deleted.
    pub is_deleted: bool,
    /// What its webhooks may be told.
    pub permission: PermissionV1,
    /// The number of the session.
    pub session: u32,
}

impl From<&State> for Bearing {
    fn from(state: &State) -> Self {
        Self {
            is_deleted: matches!(state.phase, PhaseV1::Deleted { .. }),
            permission: state.permission,
            session: state.session,
        }
    }
}

/// Judges a notice on the state of its instance's last commit. Asked when the notice is derived (on the
/// state that its own commit carries) and again before every attempt.
pub fn verdict(state: impl Into<Bearing>, notice: Notice) -> Verdict {
    use SettlementV1::{CancelledByDelete, CancelledByLogout, Superseded};

    let state: Bearing = state.into();
    match (notice.class, state.permission) {
        // The final group of a deletion holds the disconnection of the session that it ended; what is said of an endpoint
        // is about no session.
        (NoticeClass::Deletion | NoticeClass::Operational, _) => Verdict::Send,
        _ if state.is_deleted => Verdict::Settle(CancelledByDelete),
        _ if notice.after_logout_all => Verdict::Send,
        // The disconnection of the last session; an older one would arrive after a newer session's.
        (NoticeClass::Disconnect, PermissionV1::Silent | PermissionV1::QrOnly)
            if notice.session.saturating_add(1) == state.session =>
        {
            Verdict::Send
        }
        (NoticeClass::Disconnect, _) => Verdict::Settle(Superseded),
        _ if notice.session != state.session => Verdict::Settle(CancelledByLogout),
        (NoticeClass::Qr, PermissionV1::Open | PermissionV1::QrOnly)
        | (NoticeClass::Lifecycle, PermissionV1::Open) => Verdict::Send,
        (NoticeClass::Qr | NoticeClass::Lifecycle, _) => Verdict::Settle(CancelledByLogout),
    }
}

/// Whether a notice may be sent now; see [`verdict`].
pub fn may_send(state: impl Into<Bearing>, notice: Notice) -> bool {
    verdict(state, notice) == Verdict::Send
}
