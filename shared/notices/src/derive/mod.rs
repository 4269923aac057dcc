//! From a commit to the notices that its endpoints are owed; pure.
//!
//! A notice is named by (instance, version, endpoint, ordinal), the ordinal counting what the endpoint's
//! format makes of the commit *before* its event filter and the permission: so the same notice has the same
//! name whoever derives it, and everything else about it can be read from that commit again.

mod happening;
#[cfg(test)]
mod tests;

use berth_domain::{instance::NoticeClass, instance::may_send};
use berth_proto::{
    CommitV2, DecodeError, InstanceId, Timestamp,
    delivery::NoticeKeyV1,
    event::Event,
    instance::{InstanceStateV1, PhaseV1, WebhookV1},
};

pub use happening::{Code, CodeKind, Happening, command_behind, happenings};

use crate::formats::{self, Format, Word};

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

    /// The notices of this commit, endpoint by endpoint, each endpoint's in their order.
    pub fn notices(&self) -> Vec<Notice> {
        self.state.webhooks.iter().flat_map(|webhook| self.notices_for(webhook)).collect()
    }

    /// The notices of one endpoint.
    pub fn notices_for(&self, webhook: &WebhookV1) -> Vec<Notice> {
        let Some(format) = formats::by_name(&webhook.format) else {
            return Vec::new();
        };
        if !webhook.enabled {
            return Vec::new();
        }
        let mut notices = self.all_notices(webhook, format);
        notices.retain(|notice| wants(webhook, &notice.word) && may_derive(&self.state, webhook, notice));
        notices
    }

    /// The notice with this name, if the commit has it.
    pub fn notice(&self, key: &NoticeKeyV1) -> Option<Notice> {
        let webhook = self.state.webhooks.iter().find(|webhook| webhook.id == key.endpoint)?;
        let format = formats::by_name(&webhook.format)?;
        self.all_notices(webhook, format).into_iter().find(|notice| notice.key == *key)
    }

    fn all_notices(&self, webhook: &WebhookV1, format: &dyn Format) -> Vec<Notice> {
        let said = self
            .happenings
            .iter()
            .flat_map(|happening| format.words(happening).into_iter().map(move |word| (*happening, word)));
        (0..=u16::MAX)
            .zip(said)
            .map(|(ordinal, (happening, word))| Notice {
                key: NoticeKeyV1 {
                    instance: self.instance,
                    version: self.version,
                    endpoint: webhook.id,
                    ordinal,
                },
                class: happening.class(),
                session: match happening {
                    Happening::LoggedOut { session, .. } => session,
                    _ => self.state.session,
                },
                word,
                happening,
            })
            .collect()
    }
}

/// Whether the endpoint's filter lets an event through; an empty filter is all of them.
fn wants(webhook: &WebhookV1, word: &Word) -> bool {
    webhook.events.is_empty() || webhook.events.iter().any(|name| name == word.filter || name == word.event)
}

/// Whether a notice of this class comes into being at all: the state *after* the commit decides, since what
/// a logout of the same commit would cancel at once need not be derived.
fn may_derive(state: &InstanceStateV1, webhook: &WebhookV1, notice: &Notice) -> bool {
    let deleted = matches!(state.phase, PhaseV1::Deleted { .. });
    deleted == (notice.class == NoticeClass::Deletion)
        && may_send(
            state,
            berth_domain::instance::Notice {
                class: notice.class,
                session: notice.session,
                after_logout_all: webhook.after_logout_all,
            },
        )
}
