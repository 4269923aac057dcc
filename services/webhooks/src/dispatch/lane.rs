//! A lane: the notices of one endpoint of one instance that are sent one after the other.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use berth_domain::instance::NoticeClass;
use berth_notices::{
    derive::Code,
    formats::{self, RetryRule},
};
use berth_proto::{EndpointId, InstanceId, Timestamp, delivery::NoticeKeyV1};

use super::{heads::Beyond, paces::Bounds, shares::Slot};
use crate::outbox::{CommitStands, Owed};

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

/// A notice that waits, as it is given to whoever looks at it.
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
}

/// A notice that waits, as it is kept: hundreds of thousands may.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) version: u64,
    pub(super) occurred_at: Timestamp,
    /// When it may be tried.
    pub(super) due: Timestamp,
    said: Arc<Said>,
    /// Of few, and of those not for long.
    code: Option<Box<Code>>,
    session: u32,
    pub(super) ordinal: u16,
    /// Attempts that were made.
    pub(super) attempts: u16,
    pub(super) class: NoticeClass,
    /// Whether it waits to be fetched, not to be sent.
    pub(super) held: bool,
    /// Whether it is being tried or settled.
    pub(super) busy: bool,
}

/// What notices say that are alike.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    format: String,
    event: String,
}

/// What notices say, each once: there are some dozens of words.
#[derive(Debug, Default)]
pub(super) struct Vocabulary(BTreeSet<Arc<Said>>);

/// The notices of a lane, or the oldest ones of it.
#[derive(Debug)]
pub(super) struct Lane {
    /// By version and ordinal.
    pub(super) queue: VecDeque<Waiting>,
    /// How many of them are tried or settled. While there is one nothing else of the lane is tried, also not what came
    /// back before it.
    pub(super) busy: u32,
    /// What waits behind them in the view; none if nothing does.
    pub(super) beyond: Option<Box<Beyond>>,
    /// As it stands in the index.
    pub(super) indexed: Option<Indexed>,
    /// Since when it waits for its turn, if it does.
    pub(super) waits_since: Timestamp,
}

/// Where a lane with an idle head stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Indexed {
    /// It is not known to be due.
    Idle(Timestamp),
    /// It is due, and where it leads is to be found out.
    Unknown(Timestamp),
    /// It is due, and its endpoint is left alone for now.
    Held(Timestamp),
    /// It is due, and its endpoint asked for no more at once, or in a second.
    Paced(Timestamp),
    /// It waits for its turn. Boxed, since most lanes do not.
    Ready(Box<Slot>, Timestamp),
}

// === impl Indexed ===

impl Indexed {
    /// Since when it is due, or when it will be.
    pub(super) const fn due(&self) -> Timestamp {
        match self {
            Self::Idle(due)
            | Self::Unknown(due)
            | Self::Held(due)
            | Self::Paced(due)
            | Self::Ready(_, due) => *due,
        }
    }
}

// === impl Lane ===

impl Default for Lane {
    fn default() -> Self {
        Self { queue: VecDeque::new(), busy: 0, beyond: None, indexed: None, waits_since: Timestamp(0) }
    }
}

impl Lane {
    /// The notice that comes first.
    pub(super) fn head(&self) -> Option<&Waiting> {
        self.queue.front()
    }

    /// One of its notices.
    pub(super) fn get(&self, version: u64, ordinal: u16) -> Option<&Waiting> {
        self.queue.get(self.find(version, ordinal).ok()?)
    }

    /// The same, to be changed.
    pub(super) fn get_mut(&mut self, version: u64, ordinal: u16) -> Option<&mut Waiting> {
        let at = self.find(version, ordinal).ok()?;
        self.queue.get_mut(at)
    }

    /// Adds a notice in its place, if it is not there.
    pub(super) fn insert(&mut self, waiting: Waiting) {
        if let Err(at) = self.find(waiting.version, waiting.ordinal) {
            // Most lanes have one.
            if self.queue.is_empty() {
                self.queue.reserve_exact(1);
            }
            self.queue.insert(at, waiting);
        }
    }

    /// Takes a notice out.
    pub(super) fn remove(&mut self, version: u64, ordinal: u16) -> Option<Waiting> {
        let at = self.find(version, ordinal).ok()?;
        self.queue.remove(at)
    }

    /// Where a notice stands, or would.
    fn find(&self, version: u64, ordinal: u16) -> Result<usize, usize> {
        self.queue.binary_search_by_key(&(version, ordinal), |waiting| (waiting.version, waiting.ordinal))
    }
}

// === impl Waiting ===

impl Waiting {
    /// A notice that was tried so often and may be tried then.
    pub(super) fn new(
        key: &NoticeKeyV1,
        owed: Owed,
        (attempts, due): (u16, Timestamp),
        vocabulary: &mut Vocabulary,
    ) -> Self {
        let Owed { class, session, code, occurred_at, format, event, commit: _ } = owed;
        Self {
            version: key.version,
            occurred_at,
            due,
            said: vocabulary.share(Said { format, event }),
            code: code.map(Box::new),
            session,
            ordinal: key.ordinal,
            attempts,
            class,
            held: false,
            busy: false,
        }
    }

    /// Its name, in its lane.
    pub(super) const fn key(&self, lane: LaneKey) -> NoticeKeyV1 {
        let LaneKey { instance, endpoint, .. } = lane;
        NoticeKeyV1 { instance, version: self.version, endpoint, ordinal: self.ordinal }
    }

    /// The whole of it but for where its commit stands, which its row says.
    pub(super) fn pending(&self, lane: LaneKey) -> Pending {
        let Said { format, event } = &*self.said;
        let owed = Owed {
            class: self.class,
            session: self.session,
            code: self.code.as_deref().copied(),
            occurred_at: self.occurred_at,
            format: format.clone(),
            event: event.clone(),
            commit: CommitStands::Awaited,
        };
        Pending {
            key: self.key(lane),
            owed,
            attempts: self.attempts,
            due: self.due,
            held: self.held,
            slot: None,
            bounds: Bounds::default(),
            probe: false,
        }
    }

    /// Whether it tells of the end of a session or of the instance, after which nothing older is told.
    pub(super) const fn is_an_end(&self) -> bool {
        is_an_end(self.class)
    }

    /// Whether it waits while the breaker of its endpoint is open. GREEN-API has a rule of its own.
    pub(super) fn heeds_breakers(&self) -> bool {
        formats::by_name(&self.said.format).is_none_or(|format| format.retry_rule() == RetryRule::Standard)
    }
}

// === impl Vocabulary ===

impl Vocabulary {
    fn share(&mut self, said: Said) -> Arc<Said> {
        if let Some(known) = self.0.get(&said) {
            return Arc::clone(known);
        }
        let said = Arc::new(said);
        self.0.insert(Arc::clone(&said));
        said
    }
}

// === impl Pending ===

impl Pending {
    /// Whether it tells of the end of a session or of the instance, after which nothing older is told.
    pub(super) const fn is_an_end(&self) -> bool {
        is_an_end(self.owed.class)
    }
}

const fn is_an_end(class: NoticeClass) -> bool {
    matches!(class, NoticeClass::Disconnect | NoticeClass::Deletion)
}

// === impl LaneKey ===

impl LaneKey {
    /// The lane of a notice.
    pub(crate) fn of(key: &NoticeKeyV1, class: NoticeClass) -> Self {
        Self { instance: key.instance, endpoint: key.endpoint, codes: class == NoticeClass::Qr }
    }
}

#[cfg(test)]
mod tests {
    use berth_notices::fixtures::{INSTANCE, at};

    use super::*;

    #[test]
    fn a_notice_that_waits_is_small_and_is_given_whole() {
        let lane = LaneKey { instance: INSTANCE, endpoint: EndpointId::from_bytes([2; 16]), codes: true };
        let key = NoticeKeyV1 { instance: INSTANCE, version: 7, endpoint: lane.endpoint, ordinal: 1 };
        let code =
            Code { kind: berth_notices::derive::CodeKind::Qr, attempt: 1, index: 2, expires_at: at(20) };
        let owed = Owed {
            class: NoticeClass::Qr,
            session: 3,
            code: Some(code),
            occurred_at: at(1),
            format: "native".to_owned(),
            event: "instance.qr".to_owned(),
            commit: CommitStands::Awaited,
        };
        let mut vocabulary = Vocabulary::default();
        let waiting = Waiting::new(&key, owed.clone(), (4, at(5)), &mut vocabulary);
        let pending = waiting.pending(lane);
        assert_eq!((pending.key, &pending.owed, pending.attempts, pending.due), (key, &owed, 4, at(5)));
        let again = Waiting::new(&key, owed, (0, at(0)), &mut vocabulary);
        assert!(Arc::ptr_eq(&waiting.said, &again.said));
        // With its lane, the lane's place in the order, and what maps and allocators add, some 250 bytes.
        assert!(size_of::<Waiting>() <= 56 && size_of::<Lane>() <= 80, "or the documentation is wrong");
    }
}
