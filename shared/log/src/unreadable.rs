//! What followers of this process met in the log and could not read, for whoever operates it.
//!
//! Nothing is ever removed from a log, so a place that its engine cannot give is damage. A follower says so with
//! [`Followed::Unreadable`](crate::Followed::Unreadable) and goes on behind it, and it is named once here, however many
//! readers pass over it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use berth_proto::StreamKey;

use crate::{decode::decode_commit, metrics, port::Stored};

/// Stretches that are named in words; of the others only the number is told.
const NAMED_MAX: usize = 4;
/// Messages that no client can be given and that are told apart: more are neither named nor counted.
const UNDELIVERABLE_MAX: usize = 4_096;

/// The places that followers of this process passed over or were not given. A clone is the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unreadable {
    /// The last revision of each stretch, by its shard and first revision. Written by followers, read by `/readyz`.
    stretches: Arc<Mutex<BTreeMap<(u8, u64), u64>>>,
    /// The messages that no client can be given. Written by followers.
    undeliverable: Arc<Mutex<Undeliverable>>,
    /// Whether any of them needs somebody: looked at for each commit that is met.
    any: Arc<AtomicBool>,
}

/// Messages that no client can be given.
#[derive(Debug, Default)]
struct Undeliverable {
    /// Those that were named, by shard and revision.
    named: BTreeSet<(u8, u64)>,
    /// Those that need somebody, with their streams: these refuse commands until they are deleted. One of no stream needs whoever
    /// takes the right to publish away, which nobody sees in the log.
    open: BTreeMap<(u8, u64), Option<StreamKey>>,
}

impl Unreadable {
    /// Notes that the places from `first` to `last` of a shard cannot be given, and says so if that is news.
    pub(crate) fn note(&self, shard: u8, first: u64, last: u64) {
        let mut stretches = self.stretches.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut from, mut to) = (first, last);
        // Those that it touches become one with it: readers meet the same damage in different pieces.
        while let Some((&(_, begin), &end)) =
            stretches.range((shard, 0)..=(shard, to.saturating_add(1))).next_back()
            && end.saturating_add(1) >= from
        {
            if begin <= first && last <= end {
                return;
            }
            (from, to) = (from.min(begin), to.max(end));
            stretches.remove(&(shard, begin));
        }
        stretches.insert((shard, from), to);
        let places = stretches.iter().map(|((_, first), last)| last - first + 1).sum();
        drop(stretches);
        metrics::unreadable(places);
        tracing::error!(
            shard,
            first,
            last,
            "the log cannot give commits that it had: whoever follows it passes over them"
        );
    }

    /// Names a message that no client can be given, unless another follower met it before.
    pub(crate) fn name_undeliverable(&self, shard: u8, revision: u64, subject: &str) {
        let named = &mut self.undeliverable().named;
        if named.len() < UNDELIVERABLE_MAX && named.insert((shard, revision)) {
            tracing::error!(
                shard,
                revision,
                subject,
                "a message of the log cannot be delivered to any client: somebody published what is no commit"
            );
        }
    }

    /// Notes that such a message needs somebody: no good commit of its stream stands behind it, or it is of no stream. Whoever notes one
    /// of a stream meets what comes behind it.
    pub(crate) fn note_undeliverable(&self, stream: Option<StreamKey>, (shard, revision): (u8, u64)) {
        let mut undeliverable = self.undeliverable();
        if undeliverable.open.len() < UNDELIVERABLE_MAX {
            undeliverable.open.insert((shard, revision), stream);
            self.any.store(true, Ordering::Release);
            undeliverable.tell(shard);
        }
    }

    /// A commit was met: if it is a good one, whatever stands before it in its stream was dealt with. What cannot be used, and what
    /// somebody else published, ends nothing.
    pub(crate) fn went_on(&self, stored: &Stored) {
        if !self.any.load(Ordering::Acquire) || decode_commit(stored).is_err() {
            return;
        }
        let mut undeliverable = self.undeliverable();
        let (stream, revision) = (Some(stored.stream), stored.tail.revision);
        undeliverable.open.retain(|(_, at), of| *of != stream || *at >= revision);
        self.any.store(!undeliverable.open.is_empty(), Ordering::Release);
        undeliverable.tell(stored.shard);
    }

    fn undeliverable(&self) -> MutexGuard<'_, Undeliverable> {
        self.undeliverable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was passed over, in words; none if nothing was.
    pub(crate) fn in_words(&self) -> Option<String> {
        let stretches = self.stretches.lock().unwrap_or_else(PoisonError::into_inner);
        let one = |(&(shard, first), &last): (&(u8, u64), &u64)| match last {
            last if last == first => format!("{first} of shard {shard}"),
            last => format!("{first} to {last} of shard {shard}"),
        };
        let mut named: Vec<_> = stretches.iter().take(NAMED_MAX).map(one).collect();
        if stretches.len() > NAMED_MAX {
            named.push(format!("{} more", stretches.len() - NAMED_MAX));
        }
        let places = named.join(", ");
        (!named.is_empty()).then(|| format!("it cannot be read at {places}: followers passed over that"))
    }
}

// === impl Undeliverable ===

impl Undeliverable {
    /// Tells how many of a shard need somebody.
    fn tell(&self, shard: u8) {
        metrics::undeliverable(shard, self.open.range((shard, 0)..=(shard, u64::MAX)).count());
    }
}

#[cfg(test)]
mod tests {
    use berth_proto::{
        CommitV2, Hash, InstanceId, Timestamp,
        codec::{RecordV1, encode},
        commit::CarriedV1,
    };
    use bytes::Bytes;

    use super::*;
    use crate::port::Tail;

    fn stream(number: u16) -> StreamKey {
        let mut id = [0; 16];
        id[..2].copy_from_slice(&number.to_be_bytes());
        StreamKey::instance(InstanceId::from_bytes(id))
    }

    #[test]
    fn a_message_counts_once_until_a_good_commit_stands_behind_it() {
        let unreadable = Unreadable::default();
        let counted = || unreadable.undeliverable().open.len();
        for revision in [3, 5, 3, 5] {
            unreadable.note_undeliverable(Some(stream(1)), (1, revision));
        }
        unreadable.note_undeliverable(None, (1, 4));
        assert_eq!(counted(), 3);
        let commit = |number, revision| {
            let commit = CommitV2 {
                stream: stream(number),
                version: 1,
                occurred_at: Timestamp(1),
                previous: Hash([0; 32]),
                receipts: Vec::new(),
                events: Vec::new(),
                state: CarriedV1::Full(RecordV1 { type_id: 1, version: 1, body: Vec::new() }),
                account_version: 0,
                traceparent: None,
                damage: None,
            };
            let payload = encode(&commit).unwrap().into();
            let tail = Tail { version: 1, revision };
            Stored { stream: stream(number), tail, shard: 1, payload, forged: false }
        };
        // A follower that is behind meets what came before; others publish what is no commit.
        unreadable.went_on(&commit(1, 2));
        unreadable.went_on(&Stored { forged: true, ..commit(1, 9) });
        unreadable.went_on(&Stored { payload: Bytes::new(), ..commit(1, 9) });
        unreadable.went_on(&commit(2, 9));
        assert_eq!(counted(), 3);
        unreadable.went_on(&commit(1, 4));
        assert_eq!(counted(), 2);
        unreadable.went_on(&commit(1, 9));
        assert_eq!(counted(), 1, "nothing of the log ends one of no stream");
        assert_eq!(unreadable.in_words(), None, "nothing was passed over");
    }

    #[test]
    fn messages_are_neither_named_nor_counted_without_end() {
        let unreadable = Unreadable::default();
        for number in 0..10_000 {
            unreadable.name_undeliverable(2, number.into(), "berth.v1.log.x");
            unreadable.note_undeliverable(Some(stream(number)), (2, number.into()));
        }
        let undeliverable = unreadable.undeliverable();
        assert_eq!(
            (undeliverable.named.len(), undeliverable.open.len()),
            (UNDELIVERABLE_MAX, UNDELIVERABLE_MAX)
        );
    }

    #[test]
    fn however_it_is_met_the_same_damage_is_told_once() {
        let unreadable = Unreadable::default();
        assert_eq!(unreadable.in_words(), None);
        for (first, last) in [(7, 9), (8, 8), (5, 6), (10, 12), (5, 12)] {
            unreadable.note(1, first, last);
        }
        unreadable.note(0, 11, 11);
        let words = unreadable.in_words().unwrap();
        assert_eq!(
            words,
            "it cannot be read at 11 of shard 0, 5 to 12 of shard 1: followers passed over that"
        );
        for first in [20, 30, 40, 50] {
            unreadable.note(2, first, first);
        }
        assert!(unreadable.in_words().unwrap().contains(", 2 more:"));
        unreadable.note(2, 1, 100);
        assert!(unreadable.in_words().unwrap().contains("5 to 12 of shard 1, 1 to 100 of shard 2:"));
    }
}
