//! What a commit says to whoever listens: all that the notices of an endpoint follow from, and nothing that is sealed.

use berth_domain::instance::{Bearing, NoticeClass, may_send};
use berth_proto::{
    InstanceId, Timestamp,
    delivery::NoticeKeyV1,
    instance::{PermissionV1, WebhookV1},
};
use serde::{Deserialize, Serialize};

use super::{Happening, Notice, Step};
use crate::formats::{self, Format, Word};

/// See the module. It can be kept until it is known who listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// The instance.
    pub instance: InstanceId,
    /// The version of the commit.
    pub version: u64,
    /// When it was decided.
    pub occurred_at: Timestamp,
    /// What happened.
    happenings: Vec<Happening>,
    /// What the webhooks of the instance may be told after it.
    permission: PermissionV1,
    /// The session after it.
    session: u32,
    /// Whether it is deleted by it, or was before.
    is_deleted: bool,
}

// === impl Heard ===

impl Heard {
    /// What a commit says.
    pub fn of(step: &Step) -> Self {
        let Bearing { is_deleted, permission, session } = Bearing::from(&step.state);
        Self {
            instance: step.instance,
            version: step.version,
            occurred_at: step.occurred_at,
            happenings: step.happenings.clone(),
            permission,
            session,
            is_deleted,
        }
    }

    /// Whether nobody is told anything of it, whoever listens.
    pub fn is_nothing(&self) -> bool {
        self.happenings.is_empty()
    }

    /// The notices of one endpoint, in their order.
    pub fn notices_for(&self, webhook: &WebhookV1) -> Vec<Notice> {
        let Some(format) = formats::by_name(&webhook.format).filter(|_| webhook.enabled) else {
            return Vec::new();
        };
        let mut notices = self.all_notices(webhook, format);
        notices.retain(|notice| wants(webhook, &notice.word) && self.may_derive(webhook, notice));
        notices
    }

    /// The notice of an endpoint with this name, whatever the endpoint wants.
    pub(super) fn notice(&self, webhook: &WebhookV1, key: &NoticeKeyV1) -> Option<Notice> {
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
                    _ => self.session,
                },
                word,
                happening,
            })
            .collect()
    }

    /// Whether a notice of this class comes into being at all: the state *after* the commit decides, since what
    /// a logout of the same commit would cancel at once need not be derived.
    fn may_derive(&self, webhook: &WebhookV1, notice: &Notice) -> bool {
        let Self { permission, session, is_deleted, .. } = *self;
        is_deleted == (notice.class == NoticeClass::Deletion)
            && may_send(
                Bearing { is_deleted, permission, session },
                berth_domain::instance::Notice {
                    class: notice.class,
                    session: notice.session,
                    after_logout_all: webhook.after_logout_all,
                },
            )
    }
}

/// The endpoints of an instance that are told of a commit as its own. Copies of its account's are not, if the commit names the
/// version of the account: then that tells who listens.
pub fn own_listeners(webhooks: &[WebhookV1], account_version: u64) -> impl Iterator<Item = &WebhookV1> {
    webhooks.iter().filter(move |webhook| account_version == 0 || !webhook.is_of_account())
}

/// Whether an endpoint is told of an event that is about no instance: it is in the native format and enabled, and its filter lets
/// the event through.
pub fn wants_event(webhook: &WebhookV1, event: &'static str) -> bool {
    webhook.enabled && webhook.format == formats::NATIVE && wants(webhook, &Word { event, filter: event })
}

/// Whether the endpoint's filter lets an event through; an empty filter is all of them.
fn wants(webhook: &WebhookV1, word: &Word) -> bool {
    let lets_through = |entry: &String| {
        formats::names(&webhook.format, entry, word.filter)
            || formats::names(&webhook.format, entry, word.event)
    };
    webhook.events.is_empty() || webhook.events.iter().any(lets_through)
}
