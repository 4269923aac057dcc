//! What tests of the dispatcher are owed.

use std::time::Duration;

use berth_domain::instance::NoticeClass;
use berth_notices::fixtures::at;
use berth_proto::{EndpointId, delivery::NoticeKeyV1};

use super::{board::Past, heads::Heads};
use crate::{
    attempts::Tried,
    outbox::{CommitStands, Owed},
};

/// The endpoint that it is owed to, where a test needs only one.
pub(super) const ENDPOINT: EndpointId = EndpointId::from_bytes([2; 16]);

/// Something of the first session that happened at the first moment.
pub(super) fn owed(class: NoticeClass) -> Owed {
    Owed {
        class,
        session: 1,
        code: None,
        occurred_at: at(0),
        format: "native".to_owned(),
        event: "instance.open".to_owned(),
        commit: CommitStands::Awaited,
    }
}

/// Nothing was tried but what this says; an attempt takes fifteen seconds at most.
pub(super) struct Before<F>(pub(super) F);

impl<F: Fn(&NoticeKeyV1) -> Option<Tried>> Past for Before<F> {
    fn tried(&self, key: &NoticeKeyV1) -> Option<Tried> {
        (self.0)(key)
    }

    fn lives(&self, _: &Owed) -> Duration {
        Duration::from_secs(15)
    }
}

/// Nothing was tried.
pub(super) fn untried() -> impl Past {
    Before(|_: &NoticeKeyV1| None)
}

/// Rows of one instance, as many as there are.
impl From<Vec<(NoticeKeyV1, Owed)>> for Heads {
    fn from(rows: Vec<(NoticeKeyV1, Owed)>) -> Self {
        let mut heads = Self::default();
        for (key, owed) in rows {
            heads.add(key, owed, usize::MAX);
        }
        heads
    }
}
