//! What happened to an instance, as far as anybody outside may be told, free of any format's words.

use berth_domain::instance::NoticeClass;
use berth_proto::{
    CommandId, CommitV2, Timestamp,
    event::{EndReasonV1, Event, LogoutOriginV1},
    instance::PauseReasonV1,
    public,
};
use serde::{Deserialize, Serialize};

/// Which kind of code is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CodeKind {
    /// A QR text.
    Qr,
    /// A pairing code.
    Pairing,
}

/// A code that is shown; its text is in the volatile store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// Which kind.
    pub kind: CodeKind,
    /// The attempt.
    pub attempt: u32,
    /// Its index in the attempt, from 1.
    pub index: u32,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Happening {
    /// The instance exists.
    Created,
    /// An attempt to link a device began.
    Connecting,
    /// A code is shown.
    CodeShown(Code),
    /// A pairing code was refused.
    PairingRefused {
        /// WhatsApp's code.
        code: u16,
    },
    /// An attempt ended without a device.
    AttemptEnded {
        /// Why.
        reason: EndReasonV1,
        /// WhatsApp's code, 0 if there is none.
        code: u16,
    },
    /// A device was linked.
    Linked,
    /// A stopped or lost link is opened again.
    Opening,
    /// The connection is open.
    Open,
    /// The connection is lost; it comes back by itself.
    Lost {
        /// WhatsApp's code, 0 if there is none.
        code: u16,
    },
    /// The link is stopped.
    Paused {
        /// Why.
        reason: PauseReasonV1,
        /// WhatsApp's code, 0 if there is none.
        code: u16,
    },
    /// The session is gone.
    LoggedOut {
        /// Its number.
        session: u32,
        /// Who ended it.
        origin: LogoutOriginV1,
        /// WhatsApp's code.
        code: u16,
    },
    /// WhatsApp confirmed an unlink.
    Unlinked,
    /// An unlink was given up.
    UnlinkAbandoned,
    /// The token changed, or the JWTs issued so far ended.
    TokenChanged,
    /// The instance was switched on or off for its clients.
    Switched {
        /// Whether it is on.
        on: bool,
    },
    /// The instance is deleted.
    Deleted {
        /// Whether a session ended with it.
        had_session: bool,
    },
}

// === impl Happening ===

impl Happening {
    /// When a notice of it may be sent.
    pub const fn class(&self) -> NoticeClass {
        match self {
            Self::CodeShown(_) => NoticeClass::Qr,
            Self::LoggedOut { .. } => NoticeClass::Disconnect,
            Self::Deleted { .. } => NoticeClass::Deletion,
            Self::Created
            | Self::Connecting
            | Self::PairingRefused { .. }
            | Self::AttemptEnded { .. }
            | Self::Linked
            | Self::Opening
            | Self::Open
            | Self::Lost { .. }
            | Self::Paused { .. }
            | Self::Unlinked
            | Self::UnlinkAbandoned
            | Self::TokenChanged
            | Self::Switched { .. } => NoticeClass::Lifecycle,
        }
    }

    /// The code that it is about.
    pub const fn code(&self) -> Option<&Code> {
        if let Self::CodeShown(code) = self { Some(code) } else { None }
    }
}

/// What the events of one commit come to, in their order. A logout that belongs to a deletion is a part of it.
pub fn happenings(events: &[Event]) -> Vec<Happening> {
    let deleted = events.iter().any(|event| matches!(event, Event::InstanceDeleted(_)));
    let had_session = events.iter().any(|event| matches!(event, Event::LoggedOut(_)));
    if deleted {
        return vec![Happening::Deleted { had_session }];
    }
    events.iter().filter_map(happening).collect()
}

/// The command that a happening of a commit is the answer to: several commands may share a commit.
pub fn command_behind(commit: &CommitV2, what: &Happening) -> Option<CommandId> {
    let says_it = |event: &Event| match what {
        Happening::Deleted { .. } => matches!(event, Event::InstanceDeleted(_)),
        _ => happening(event).as_ref() == Some(what),
    };
    let index =
        commit.events.iter().position(|one| Event::from_record(one).is_ok_and(|one| says_it(&one)))?;
    public::receipt_of(commit, index).map(|receipt| receipt.command_id)
}

fn happening(event: &Event) -> Option<Happening> {
    Some(match event {
        Event::InstanceCreated(_) => Happening::Created,
        Event::ConnectRequested(_) => Happening::Connecting,
        Event::QrIssued(qr) => Happening::CodeShown(Code {
            kind: CodeKind::Qr,
            attempt: qr.attempt,
            index: qr.index,
            expires_at: qr.expires_at,
        }),
        Event::PairingCodeIssued(code) => Happening::CodeShown(Code {
            kind: CodeKind::Pairing,
            attempt: code.attempt,
            index: code.index,
            expires_at: code.expires_at,
        }),
        Event::PairingCodeRefused(refused) => Happening::PairingRefused { code: refused.code },
        Event::ConnectEnded(ended) => Happening::AttemptEnded { reason: ended.reason, code: ended.code },
        Event::DeviceLinked(_) => Happening::Linked,
        Event::ResumeRequested(_) => Happening::Opening,
        Event::ConnectionOpened(_) => Happening::Open,
        Event::ConnectionLost(lost) => Happening::Lost { code: lost.code },
        Event::LinkPaused(paused) => Happening::Paused { reason: paused.reason, code: paused.code },
        Event::LoggedOut(out) => {
            Happening::LoggedOut { session: out.session, origin: out.origin, code: out.code }
        }
        Event::DeviceUnlinked(_) => Happening::Unlinked,
        Event::UnlinkAbandoned(_) => Happening::UnlinkAbandoned,
        Event::TokenRotated(_) => Happening::TokenChanged,
        Event::Switched(switched) => Happening::Switched { on: switched.on },
        Event::StopRequested(_)
        | Event::WebhooksSuspended(_)
        | Event::QrWebhooksAllowed(_)
        | Event::WebhooksResumed(_)
        | Event::WebhookConfigured(_)
        | Event::WebhookRemoved(_)
        | Event::WebhookSecretRotated(_)
        | Event::SettingsChanged(_)
        | Event::InstanceMoved(_)
        | Event::InstanceRenamed(_)
        | Event::LinkBound(_)
        | Event::InstanceDeleted(_)
        | Event::Abandoned(_) => return None,
    })
}
