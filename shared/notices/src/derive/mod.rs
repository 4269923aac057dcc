//! From a commit to the notices that its endpoints are owed; pure.
//!
//! A notice is named by (instance, version, endpoint, ordinal), the ordinal counting what the endpoint's
//! format makes of the commit *before* its event filter and the permission: so the same notice has the same
//! name whoever derives it, and everything else about it can be read from that commit again.

mod happening;
mod heard;
#[cfg(test)]
mod tests;

use berth_domain::instance::NoticeClass;
use berth_proto::{
    CommitV2, DecodeError, InstanceId, Timestamp,
    delivery::NoticeKeyV1,
    event::Event,
    instance::{InstanceStateV1, WebhookV1},
};

pub use happening::{Code, CodeKind, Happening, command_behind, happenings};
pub use heard::{Heard, own_listeners, wants_event};

use crate::formats::Word;

/// A commit of an instance, decoded.
#[derive(Debug, Clone)]
pub struct Step {
    /// The instance.
    pub instance: InstanceId,
    /// The version of the commit.
    pub version: u64,
    /// When it was decided.
    pub occurred_at: Timestamp,
    /// The trace that the commit belongs to, as its `traceparent` says.
    pub traceparent: Option<String>,
    /// What happened.
    pub happenings: Vec<Happening>,
    /// The state after it.
    pub state: InstanceStateV1,
}

/// What an endpoint is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its name.
    pub key: NoticeKeyV1,
    /// When it may be sent.
    pub class: NoticeClass,
    /// The session that it is about: of a disconnection the one that ended, else the state's.
    pub session: u32,
    /// What it says, in the words of the format.
    pub word: Word,
    /// What happened.
    pub happening: Happening,
}

// === impl Step ===

impl Step {
    /// Decodes a commit of an instance's stream; none for a stream of another kind, for a create that was given
    /// up, and for a commit without a state: nothing happened in it.
    pub fn of(commit: &CommitV2) -> Result<Option<Self>, DecodeError> {
        let Some(state) = commit.full_state() else { return Ok(None) };
        if commit.stream.as_instance().is_none() {
            return Ok(None);
        }
        Self::with(commit, state.open()?)
    }

    /// As [`Self::of`], with the state after the commit.
    pub fn with(commit: &CommitV2, state: InstanceStateV1) -> Result<Option<Self>, DecodeError> {
        let Some(instance) = commit.stream.as_instance() else {
            return Ok(None);
        };
        let events: Vec<Event> = commit.events.iter().map(Event::from_record).collect::<Result<_, _>>()?;
        if events.iter().any(|event| matches!(event, Event::Abandoned(_))) {
            return Ok(None);
        }
        Ok(Some(Self {
            instance,
            version: commit.version,
            occurred_at: commit.occurred_at,
            traceparent: commit.traceparent.clone(),
            happenings: happenings(&events),
            state,
        }))
    }

    /// What it says to whoever listens.
    pub fn heard(&self) -> Heard {
        Heard::of(self)
    }

    /// The notices of this commit for the instance's own endpoints, endpoint by endpoint, each endpoint's in their order.
    pub fn notices(&self) -> Vec<Notice> {
        let heard = self.heard();
        self.state.webhooks.iter().flat_map(|webhook| heard.notices_for(webhook)).collect()
    }

    /// The notice with this name to one of the instance's own endpoints, if the commit has it.
    pub fn notice(&self, key: &NoticeKeyV1) -> Option<Notice> {
        let webhook = self.state.webhooks.iter().find(|webhook| webhook.id == key.endpoint)?;
        self.notice_to(webhook, key)
    }

    /// The notice with this name to an endpoint, whoever has that, if the commit has it.
    pub fn notice_to(&self, webhook: &WebhookV1, key: &NoticeKeyV1) -> Option<Notice> {
        self.heard().notice(webhook, key)
    }
}
