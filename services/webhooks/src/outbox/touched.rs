//! Which rows changed: how the dispatcher learns what to look at without reading everything.
//!
//! A fold notes what a commit touches before the rows are written. So each note says where its commit stands, and is handed out
//! once the view says that it is that far: then the rows are there, and need not be looked at again.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::{Mutex, PoisonError},
};

use berth_log::{Position, SharedCommit};
use berth_proto::{AccountId, EndpointId, InstanceId, delivery::NoticeKeyV1};

/// Notices and instances that are remembered; beyond that the dispatcher looks at everything once.
const TOUCHED_MAX: usize = 65_536;

/// Rows that changed. Written by the fold, drained by the dispatcher.
#[derive(Debug, Default)]
pub struct Touched(Mutex<Inner>);

/// Where a commit stands in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At {
    shard: u8,
    revision: u64,
}

/// What changed of an instance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// Whether something happened to the instance itself, which may cancel what waits. That one of its notices is settled or
    /// owed again cancels nothing.
    pub(crate) happened: bool,
    /// Which of its notices have another row or none.
    pub(crate) notices: BTreeSet<NoticeKeyV1>,
}

/// Instances of which something changed.
pub(crate) type Changes = BTreeMap<InstanceId, Change>;

/// Accounts that something happened to, and which of their endpoints are told nothing more by that.
pub(crate) type Gone = BTreeMap<AccountId, BTreeSet<EndpointId>>;

#[derive(Debug, Default)]
struct Inner {
    notes: BTreeMap<At, Vec<Note>>,
    /// How much is in them.
    count: usize,
    /// Up to where in each shard more was touched than is remembered.
    lost: BTreeMap<u8, u64>,
}

#[derive(Debug)]
enum Note {
    Instance { instance: InstanceId, happened: bool, notices: Vec<NoticeKeyV1> },
    Account { account: AccountId, gone: Vec<EndpointId> },
}

/// What a drain gives.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Drained {
    /// Instances of which something changed.
    pub(crate) changes: Changes,
    /// Accounts that something happened to. Those beyond what is remembered only learn later that nothing speaks against an
    /// endpoint any more, or something does.
    pub(crate) accounts: Gone,
    /// Whether more was touched than is remembered: everything is to be looked at.
    pub(crate) is_lossy: bool,
}

// === impl Change ===

impl Change {
    /// Both.
    pub(crate) fn add(&mut self, other: Self) {
        self.happened |= other.happened;
        self.notices.extend(other.notices);
    }
}

// === impl At ===

impl At {
    /// That of a commit.
    pub(crate) const fn of(commit: &SharedCommit) -> Self {
        let stored = commit.stored();
        Self { shard: stored.shard, revision: stored.tail.revision }
    }

    /// Its revision.
    pub(crate) const fn revision(self) -> u64 {
        self.revision
    }
}

// === impl Touched ===

impl Touched {
    /// Notes that a commit there changes something of an instance: something happened to it, or these of its notices have another
    /// row or none.
    pub(crate) fn add(
        &self,
        at: At,
        instance: InstanceId,
        happened: bool,
        notices: impl IntoIterator<Item = NoticeKeyV1>,
    ) {
        let notices: Vec<_> = notices.into_iter().collect();
        if happened || !notices.is_empty() {
            self.note(at, Note::Instance { instance, happened, notices });
        }
    }

    /// Notes that something happens to an account by a commit there, and which of its endpoints are told nothing more by that.
    pub(crate) fn add_account(&self, at: At, account: AccountId, gone: Vec<EndpointId>) {
        self.note(at, Note::Account { account, gone });
    }

    fn note(&self, at: At, note: Note) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.count >= TOUCHED_MAX {
            let lost = inner.lost.entry(at.shard).or_default();
            *lost = at.revision.max(*lost);
            return;
        }
        let Inner { notes, count, .. } = &mut *inner;
        let notes = notes.entry(at).or_default();
        let before: usize = notes.last().map_or(0, Note::size);
        match (notes.last_mut(), note) {
            // A commit says several things of one instance.
            (
                Some(Note::Instance { instance: known, happened, notices }),
                Note::Instance { instance, happened: now, notices: more },
            ) if *known == instance => {
                *happened |= now;
                notices.extend(more);
                let size = 1 + notices.len();
                *count += size - before;
            }
            (_, note) => {
                *count += note.size();
                notes.push(note);
            }
        }
    }

    /// What was touched by commits up to a position, and was not handed out before. The position is one that a view tells which is
    /// live: the rows of what it has folded up to there are written.
    pub(crate) fn drain(&self, position: &Position) -> Drained {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut drained = Drained { is_lossy: !inner.lost.is_empty(), ..Drained::default() };
        let is_there = |at: At| position.0.get(&at.shard).is_some_and(|end| at.revision <= end.revision);
        // Those of one shard stand together, in the order of their revisions.
        let mut rest = BTreeMap::new();
        for (at, notes) in mem::take(&mut inner.notes) {
            if is_there(at) {
                for note in notes {
                    drained.take(note);
                }
            } else {
                rest.insert(at, notes);
            }
        }
        inner.count = rest.values().flatten().map(Note::size).sum();
        inner.notes = rest;
        inner.lost.retain(|&shard, &mut revision| !is_there(At { shard, revision }));
        drained
    }
}

// === impl Note ===

impl Note {
    fn size(&self) -> usize {
        match self {
            Self::Instance { notices, .. } => 1 + notices.len(),
            Self::Account { gone, .. } => 1 + gone.len(),
        }
    }
}

// === impl Drained ===

impl Drained {
    fn take(&mut self, note: Note) {
        match note {
            Note::Instance { instance, happened, notices } => {
                let change = Change { happened, notices: notices.into_iter().collect() };
                self.changes.entry(instance).or_default().add(change);
            }
            Note::Account { account, gone } => self.accounts.entry(account).or_default().extend(gone),
        }
    }
}

#[cfg(test)]
mod tests {
    use berth_log::ShardPosition;
    use berth_notices::fixtures::INSTANCE;

    use super::*;

    fn at(shard: u8, revision: u64) -> At {
        At { shard, revision }
    }

    fn position(ends: &[(u8, u64)]) -> Position {
        let end = |&(shard, revision): &(u8, u64)| (shard, ShardPosition { incarnation: 7, revision });
        Position(ends.iter().map(end).collect())
    }

    fn notice(version: u64) -> NoticeKeyV1 {
        NoticeKeyV1 { instance: INSTANCE, version, endpoint: EndpointId::from_bytes([2; 16]), ordinal: 0 }
    }

    #[test]
    fn what_a_commit_touched_is_handed_out_once_its_rows_are_there_and_once() {
        let touched = Touched::default();
        touched.add(at(1, 5), INSTANCE, false, [notice(1)]);
        touched.add(at(1, 6), INSTANCE, true, []);
        touched.add(at(1, 6), INSTANCE, false, [notice(2)]);
        touched.add(at(1, 6), INSTANCE, false, []);
        touched.add_account(at(2, 1), AccountId::from_bytes([1; 16]), Vec::new());
        assert_eq!(touched.drain(&position(&[(1, 4)])), Drained::default());
        let first = Change { happened: false, notices: [notice(1)].into() };
        assert_eq!(touched.drain(&position(&[(1, 5)])).changes, [(INSTANCE, first)].into());
        let rest = touched.drain(&position(&[(1, 6), (2, 1)]));
        let second = Change { happened: true, notices: [notice(2)].into() };
        assert_eq!((rest.changes, rest.accounts.len()), ([(INSTANCE, second)].into(), 1));
        assert_eq!(touched.drain(&position(&[(1, 9), (2, 9)])), Drained::default());
    }

    #[test]
    fn beyond_what_is_remembered_everything_is_looked_at_until_all_of_it_is_there() {
        let (touched, last) = (Touched::default(), u64::try_from(TOUCHED_MAX).unwrap() + 2);
        for revision in 1..=last {
            touched.add(at(0, revision), INSTANCE, true, []);
        }
        let drained = touched.drain(&position(&[(0, last - 1)]));
        assert!(drained.is_lossy && drained.changes.contains_key(&INSTANCE));
        assert!(touched.drain(&position(&[(0, last)])).is_lossy);
        assert!(!touched.drain(&position(&[(0, last)])).is_lossy);
    }
}
