//! Which commits are the deployment's own.
//!
//! Whoever may publish where commits stand can make one that fits: its checksum and the hash of the one before it have no key. So
//! each commit has an authentication tag in a header, and a reader takes no other for one, from a place on that is recorded:
//! commits before it were written by releases that knew no tags.
//!
//! A tag that is copied along with its message, under the same subject again, is right as well. It names a place of the shard that
//! was there before the commit, at or behind the one that the commit was appended after. As the server stored the commit only if nothing had
//! come since, no message of its subject stands between the two; between a copy and that place there is the first one.

use std::{
    array::from_fn,
    collections::BTreeMap,
    fmt,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU16, AtomicU64, Ordering::Relaxed},
    },
};

use async_nats::HeaderMap;
use berth_proto::{StreamKey, WriteVersion, subject::PARTITIONS};
use berth_runtime::{LogKey, log_key::Tagged};
use lru::LruCache;

use crate::metrics;

/// The header of the tag.
pub(super) const TAG_HEADER: &str = "Berth-Tag";
/// Commits at the ends of streams of which it is remembered that they are their first behind the place that they name.
const PLACED_MAX: NonZeroUsize = NonZeroUsize::new(16 * 1024).unwrap();
/// Forged commits that are remembered; more are counted as these.
const FORGED_MAX: usize = 1024;
/// Those that are named in words.
const NAMED_MAX: usize = 4;

/// Up to where commits may be without a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Untagged {
    /// Anywhere: releases that know no tags may write.
    Anywhere,
    /// Up to these revisions, by shard; nowhere in a shard that is absent.
    UpTo(BTreeMap<u8, u64>),
}

/// What tells a deployment's own commits, for every handle of its log in a process. A clone is the same.
#[derive(Clone)]
pub struct Tags(Arc<Inner>);

struct Inner {
    key: LogKey,
    /// How many shards the log has: in one that is divided otherwise commits have other places.
    shards: u8,
    /// The generation of formats that is recorded for the deployment.
    generation: AtomicU16,
    /// The last revision of each shard that may be without a tag.
    untagged: [AtomicU64; PARTITIONS as usize],
    /// A revision of each shard that is certainly there.
    ends: [AtomicU64; PARTITIONS as usize],
    /// The revision of the last commit of a stream of which it is known that it is the first one behind the place that it names.
    placed: Mutex<LruCache<StreamKey, u64>>,
    /// By shard and revision.
    forged: Mutex<BTreeMap<(u8, u64), StreamKey>>,
}

/// What the headers of a message come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// It needs no tag where it stands, and has none.
    Untagged,
    /// Its tag is right if it is the first message of its subject behind its predecessor.
    Behind {
        /// The revision that it was appended after; 0 for none.
        predecessor: u64,
        /// What was there of the shard when it was written, not before that; the predecessor where this is not known.
        after: u64,
        /// The generation of formats that its writer was told of.
        generation: u16,
    },
    /// It has no tag, or not one of this deployment for this commit.
    Forged,
}

impl fmt::Debug for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tags").field("generation", &self.0.generation.load(Relaxed)).finish_non_exhaustive()
    }
}

impl Tags {
    /// Tags with a key, of a log of so many shards, in a deployment of this generation of formats.
    pub fn new(key: LogKey, shards: u8, generation: u16, untagged: &Untagged) -> Self {
        let tags = Self(Arc::new(Inner {
            key,
            shards,
            generation: AtomicU16::new(generation),
            untagged: from_fn(|_| AtomicU64::new(u64::MAX)),
            ends: from_fn(|_| AtomicU64::new(0)),
            placed: Mutex::new(LruCache::new(PLACED_MAX)),
            forged: Mutex::default(),
        }));
        tags.require(generation, untagged);
        tags
    }

    /// From now on, in this generation, commits behind these places need a tag; a place that is further on than the one that is known is
    /// not taken. Gives false, and takes nothing, if no commit is to need one although some do.
    pub fn require(&self, generation: u16, untagged: &Untagged) -> bool {
        match untagged {
            Untagged::Anywhere if self.0.untagged.iter().any(|last| last.load(Relaxed) != u64::MAX) => {
                return false;
            }
            Untagged::Anywhere => {}
            Untagged::UpTo(places) => (0..).zip(&self.0.untagged).for_each(|(shard, last)| {
                last.fetch_min(places.get(&shard).copied().unwrap_or_default(), Relaxed);
            }),
        }
        self.0.generation.store(generation, Relaxed);
        true
    }

    /// A commit of the deployment was written in a generation. Whatever is recorded: where one writer had to tag its commits, no
    /// later one went without.
    pub(super) fn written(&self, (shard, revision): (u8, u64), generation: u16) {
        if !is_obligatory(generation) {
            return;
        }
        let Some(untagged) = self.0.untagged.get(usize::from(shard)) else { return };
        if untagged.fetch_min(revision, Relaxed) == u64::MAX {
            tracing::info!(
                shard,
                revision,
                generation,
                "a commit was written in a later generation than was recorded: none behind it is taken without a tag"
            );
        }
    }

    /// The tag of a commit that is appended after a revision of its stream.
    pub(super) fn tag(&self, subject: &str, shard: u8, predecessor: u64, payload: &[u8]) -> String {
        let end = self.0.ends.get(usize::from(shard)).map_or(0, |end| end.load(Relaxed));
        let generation = self.0.generation.load(Relaxed);
        let says = Tagged { generation, predecessor, after: end.max(predecessor) };
        self.0.key.tag(self.0.shards, subject, says, payload)
    }

    /// A revision of a shard is certainly there.
    pub(super) fn met(&self, shard: u8, revision: u64) {
        if let Some(end) = self.0.ends.get(usize::from(shard)) {
            end.fetch_max(revision, Relaxed);
        }
    }

    /// What a message says of itself.
    pub(super) fn claim(
        &self,
        (shard, revision): (u8, u64),
        subject: &str,
        headers: &HeaderMap,
        payload: &[u8],
    ) -> Claim {
        let Some(tag) = headers.get(TAG_HEADER) else {
            let untagged = self.0.untagged.get(usize::from(shard)).map_or(0, |last| last.load(Relaxed));
            return if revision <= untagged { Claim::Untagged } else { Claim::Forged };
        };
        let Some(says) = self.0.key.check(tag.as_str(), self.0.shards, subject, payload) else {
            return Claim::Forged;
        };
        let Tagged { generation, predecessor, after } = says;
        if after < predecessor || predecessor >= revision {
            return Claim::Forged;
        }
        // A shard that came back shorter stores what was written before at places that were used already: what its writer knew of
        // the shard says nothing there.
        let after = if after < revision { after } else { predecessor };
        Claim::Behind { predecessor, after, generation }
    }

    /// Whether it is known that the commit of a stream at this revision is the first one behind the place that it names.
    pub(super) fn is_placed(&self, stream: &StreamKey, revision: u64) -> bool {
        self.placed().get(stream) == Some(&revision)
    }

    /// Remembers that it is.
    pub(super) fn place(&self, stream: StreamKey, revision: u64) {
        let mut placed = self.placed();
        if placed.peek(&stream).is_none_or(|before| *before < revision) {
            placed.put(stream, revision);
        }
    }

    fn placed(&self) -> MutexGuard<'_, LruCache<StreamKey, u64>> {
        self.0.placed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Names a commit that is not the deployment's own, once.
    pub(super) fn note_forged(&self, stream: StreamKey, shard: u8, revision: u64) {
        let mut forged = self.0.forged.lock().unwrap_or_else(PoisonError::into_inner);
        if forged.len() >= FORGED_MAX || forged.insert((shard, revision), stream).is_some() {
            return;
        }
        metrics::forged(forged.len());
        drop(forged);
        tracing::error!(
            %stream,
            shard,
            revision,
            "a commit of the log was not written by this deployment, or its message was altered: nothing is built on it"
        );
    }

    /// The forged commits that were met, in words; none if none was.
    pub(super) fn in_words(&self) -> Option<String> {
        let forged = self.0.forged.lock().unwrap_or_else(PoisonError::into_inner);
        let named = forged.iter().take(NAMED_MAX);
        let mut named: Vec<_> = named
            .map(|((shard, revision), stream)| format!("{revision} of shard {shard} ({stream})"))
            .collect();
        if forged.len() > NAMED_MAX {
            named.push(format!("{} more", forged.len() - NAMED_MAX));
        }
        (!named.is_empty()).then(|| {
            format!("commits are not this deployment's own at {}: nothing is built on them", named.join(", "))
        })
    }
}

/// Whether every commit has a tag in a generation. It has in those that this release does not know.
pub(super) fn is_obligatory(generation: u16) -> bool {
    WriteVersion::new(generation).is_none_or(WriteVersion::tagged_commits)
}

/// How well it is known that a message is the first one of its subject behind the place that its tag names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placed {
    /// Behind its predecessor: it is the deployment's own.
    Surely,
    /// Behind what its writer had seen of the shard. Whoever decides asks.
    Perhaps,
    /// It is not.
    No,
}

impl Placed {
    /// As the leader answered.
    pub(super) const fn answered(is_first: bool) -> Self {
        if is_first { Self::Surely } else { Self::No }
    }
}

/// The last messages of a shard that a follower has met, by their streams.
pub(super) struct Recent {
    last: LruCache<StreamKey, u64>,
    /// Behind this revision it has all of them.
    floor: u64,
}

/// Streams that a follower remembers of each shard.
const RECENT_MAX: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

impl Recent {
    /// Of a follower that goes on after a revision.
    pub(super) fn after(floor: u64) -> Self {
        Self { last: LruCache::new(RECENT_MAX), floor }
    }

    /// Whether the next message of a stream is its first one behind its predecessor, whose writer had seen so much of the shard; none
    /// if that is too far back.
    pub(super) fn is_next_behind(&self, stream: &StreamKey, predecessor: u64, after: u64) -> Option<Placed> {
        match self.last.peek(stream) {
            Some(last) => Some(Placed::answered(*last <= predecessor)),
            None if predecessor >= self.floor => Some(Placed::Surely),
            None => (after >= self.floor).then_some(Placed::Perhaps),
        }
    }

    /// The next message of the shard is one of this stream.
    pub(super) fn push(&mut self, stream: StreamKey, revision: u64) {
        if let Some((other, last)) = self.last.push(stream, revision)
            && other != stream
        {
            self.floor = self.floor.max(last);
        }
    }
}

#[cfg(test)]
mod tests {
    use berth_proto::InstanceId;
    use berth_runtime::{Entropy, MasterKey, SeededEntropy};

    use super::*;

    fn stream(number: u8) -> StreamKey {
        StreamKey::instance(InstanceId::from_bytes([number; 16]))
    }

    fn tags(seed: u64, untagged: &Untagged) -> Tags {
        let entropy = SeededEntropy::new(seed);
        let _first: [u8; 32] = entropy.bytes32();
        Tags::new(MasterKey::generate(&entropy).log_key(), 4, 4, untagged)
    }

    fn with(tag: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(TAG_HEADER, tag);
        headers
    }

    #[test]
    fn what_has_no_tag_is_taken_up_to_where_tags_began_only() {
        let tags = tags(1, &Untagged::Anywhere);
        assert_eq!(tags.claim((0, 9), "s", &HeaderMap::new(), b"p"), Claim::Untagged);
        assert!(tags.require(4, &Untagged::UpTo([(0, 9)].into())));
        assert!(tags.require(4, &Untagged::UpTo([(0, 10), (1, 1)].into())), "no further on");
        assert!(!tags.require(3, &Untagged::Anywhere), "nor back");
        assert_eq!(tags.claim((0, 9), "s", &HeaderMap::new(), b"p"), Claim::Untagged);
        assert_eq!(tags.claim((0, 10), "s", &HeaderMap::new(), b"p"), Claim::Forged);
        assert_eq!(
            tags.claim((1, 1), "s", &HeaderMap::new(), b"p"),
            Claim::Forged,
            "a shard that began with tags"
        );
    }

    #[test]
    fn a_tag_of_another_key_or_commit_is_none_and_no_commit_stands_before_its_predecessor() {
        let (own, other) = (tags(1, &Untagged::Anywhere), tags(2, &Untagged::Anywhere));
        own.met(0, 7);
        let tag = own.tag("s", 0, 3, b"p");
        assert_eq!(
            own.claim((0, 8), "s", &with(&tag), b"p"),
            Claim::Behind { predecessor: 3, after: 7, generation: 4 }
        );
        for shorter in [7, 4] {
            let claim = own.claim((0, shorter), "s", &with(&tag), b"p");
            let asked = Claim::Behind { predecessor: 3, after: 3, generation: 4 };
            assert_eq!(claim, asked, "the shard came back shorter");
        }
        assert_eq!(own.claim((0, 3), "s", &with(&tag), b"p"), Claim::Forged, "at its own predecessor");
        assert_eq!(own.claim((0, 8), "t", &with(&tag), b"p"), Claim::Forged);
        assert_eq!(other.claim((0, 8), "s", &with(&tag), b"p"), Claim::Forged, "whatever needs no tag");
    }

    #[test]
    fn a_follower_knows_what_it_met_and_no_more() {
        let mut recent = Recent::after(10);
        recent.push(stream(1), 11);
        recent.push(stream(2), 12);
        assert_eq!(
            recent.is_next_behind(&stream(1), 9, 9),
            Some(Placed::No),
            "it was met, whatever was before"
        );
        assert_eq!(
            recent.is_next_behind(&stream(1), 10, 12),
            Some(Placed::No),
            "it moved on, and the writer was late"
        );
        assert_eq!(recent.is_next_behind(&stream(1), 11, 11), Some(Placed::Surely));
        assert_eq!(recent.is_next_behind(&stream(3), 9, 9), None);
        assert_eq!(recent.is_next_behind(&stream(3), 9, 10), Some(Placed::Perhaps));
        assert_eq!(recent.is_next_behind(&stream(3), 10, 10), Some(Placed::Surely), "all since was met");
        for number in 0..1024 {
            let id = InstanceId::from_bytes([[7; 8], u64::to_be_bytes(number)].concat().try_into().unwrap());
            recent.push(StreamKey::instance(id), 13 + number);
        }
        assert_eq!(recent.is_next_behind(&stream(1), 11, 11), None, "the two first were forgotten");
        assert_eq!(recent.is_next_behind(&stream(3), 10, 12), Some(Placed::Perhaps));
    }

    #[test]
    fn a_forged_commit_is_named_once_and_many_are_counted() {
        let tags = tags(1, &Untagged::Anywhere);
        assert_eq!(tags.in_words(), None);
        for revision in [5, 5, 6, 7, 8, 9] {
            tags.note_forged(stream(1), 2, revision);
        }
        let words = tags.in_words().unwrap();
        assert!(words.contains(&format!("5 of shard 2 ({})", stream(1))), "{words}");
        assert!(words.contains(", 1 more:"), "{words}");
    }
}
