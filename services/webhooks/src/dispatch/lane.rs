//! A lane: the notices of one endpoint of one instance that are sent one after the other.

use std::collections::BTreeMap;

use berth_domain::instance::NoticeClass;
use berth_notices::formats::{self, RetryRule};
use berth_proto::{EndpointId, InstanceId, Timestamp, delivery::NoticeKeyV1};

use super::{paces::Bounds, shares::Slot};
use crate::outbox::Owed;

/// The name of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LaneKey {
    pub(crate) instance: InstanceId,
    pub(crate) endpoint: EndpointId,
    /// Whether it carries codes, which an older failing notice must not hold up.
    pub(crate) codes: bool,
}

/// The clock, when rows are taken over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Present {
    /// The present moment.
    pub(crate) now: Timestamp,
    /// The latest that anything can be due, by the schedule.
    pub(crate) latest: Timestamp,
}

/// A notice that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pending {
    /// Its name.
    pub(crate) key: NoticeKeyV1,
    /// Its row.
    pub(crate) owed: Owed,
    /// Attempts that were made.
    pub(crate) attempts: u16,
    /// When it may be tried.
    pub(crate) due: Timestamp,
    /// Whether it waits to be fetched, not to be sent.
    pub(crate) held: bool,
    /// What its attempt occupies; none if that is to find out where it leads.
    pub(crate) slot: Option<Slot>,
    /// What its endpoint was known to ask for when its turn came.
    pub(crate) bounds: Bounds,
    /// Whether its attempt tries whether the endpoint takes something again, and uses up none if it does not.
    pub(crate) probe: bool,
    /// Whether it is being tried or settled.
    pub(super) busy: bool,
}

/// The notices of a lane.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// By version and ordinal. Boxed, since a map that has one entry has room for eleven.
    pub(super) queue: BTreeMap<(u64, u16), Box<Pending>>,
    /// How many of them are tried or settled. While there is one nothing else of the lane is tried, also not what came
    /// back before it.
    pub(super) busy: usize,
    /// As it stands in the index.
    pub(super) indexed: Option<Indexed>,
}

/// Where a lane with an idle head stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Indexed {
    /// It is not known to be due.
    Idle(Timestamp),
    /// It is due, and where it leads is to be found out.
    Unknown(Timestamp),
    /// It is due, and its endpoint is left alone for now.
    Held(Timestamp),
    /// It is due, and its endpoint asked for no more at once, or in a second.
    Paced(Timestamp),
    /// It waits for its turn.
    Ready(Slot, Timestamp),
}

// === impl Indexed ===

impl Indexed {
    /// Since when it is due, or when it will be.
    pub(super) const fn due(self) -> Timestamp {
        match self {
            Self::Idle(due)
            | Self::Unknown(due)
            | Self::Held(due)
            | Self::Paced(due)
            | Self::Ready(_, due) => due,
        }
    }
}

// === impl Lane ===

impl Lane {
    /// The notice that comes first.
    pub(super) fn head(&self) -> Option<&Pending> {
        self.queue.values().next().map(|head| &**head)
    }
}

// === impl Pending ===

impl Pending {
    /// Whether it tells of the end of a session or of the instance, after which nothing older is told.
    pub(super) const fn is_an_end(&self) -> bool {
        matches!(self.owed.class, NoticeClass::Disconnect | NoticeClass::Deletion)
    }

    /// Whether it waits while the breaker of its endpoint is open. GREEN-API has a rule of its own.
    pub(super) fn heeds_breakers(&self) -> bool {
        formats::by_name(&self.owed.format).is_none_or(|format| format.retry_rule() == RetryRule::Standard)
    }
}

// === impl LaneKey ===

impl LaneKey {
    /// The lane of a notice.
    pub(crate) fn of(key: &NoticeKeyV1, class: NoticeClass) -> Self {
        Self { instance: key.instance, endpoint: key.endpoint, codes: class == NoticeClass::Qr }
    }
}
