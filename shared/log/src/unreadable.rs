//! What followers of this process met in the log and could not read, for whoever operates it.
//!
//! Nothing is ever removed from a log, so a place that its engine cannot give is damage. A follower says so with
//! [`Followed::Unreadable`](crate::Followed::Unreadable) and goes on behind it, and it is named once here, however many
//! readers pass over it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use crate::metrics;

/// Stretches that are named in words; of the others only the number is told.
const NAMED_MAX: usize = 4;
/// Messages of a shard that no client can be given and that are told apart: more are not counted.
const UNDELIVERABLE_MAX: usize = 4_096;

/// The places that followers of this process passed over or were not given. A clone is the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unreadable {
    /// The last revision of each stretch, by its shard and first revision. Written by followers, read by `/readyz`.
    stretches: Arc<Mutex<BTreeMap<(u8, u64), u64>>>,
    /// The revisions of each shard's messages that no client can be given. Written by followers.
    undeliverable: Arc<Mutex<BTreeMap<u8, BTreeSet<u64>>>>,
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

    /// Notes a message that no client can be given, and says so if that is news: other followers may have met it before.
    pub(crate) fn note_undeliverable(&self, shard: u8, revision: u64, subject: &str) {
        let mut undeliverable = self.undeliverable.lock().unwrap_or_else(PoisonError::into_inner);
        let of_shard = undeliverable.entry(shard).or_default();
        let is_news = of_shard.len() < UNDELIVERABLE_MAX && of_shard.insert(revision);
        let messages = of_shard.len();
        drop(undeliverable);
        if is_news {
            metrics::undeliverable(shard, messages);
            tracing::error!(
                shard,
                revision,
                subject,
                "a message of the log cannot be delivered to any client: somebody published what is no commit"
            );
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_several_followers_meet_is_counted_once_and_not_without_end() {
        let unreadable = Unreadable::default();
        let counted = |shard| unreadable.undeliverable.lock().unwrap().get(&shard).map_or(0, BTreeSet::len);
        for revision in [3, 5, 3] {
            unreadable.note_undeliverable(1, revision, "berth.v1.log.x");
        }
        assert_eq!((counted(0), counted(1)), (0, 2));
        for revision in 0..10_000 {
            unreadable.note_undeliverable(2, revision, "berth.v1.log.x");
        }
        assert_eq!(counted(2), UNDELIVERABLE_MAX);
        assert_eq!(unreadable.in_words(), None, "nothing was passed over");
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
