//! Copies an export into a deployment.
//!
//! The commits of a shard are appended one after the other, so that they get the numbers that they had; shards go side by side.
//! What is there already was written by an import of this very export, and is passed over.

use std::{collections::HashMap, sync::Arc};

use berth_bus::{KeyRingError, KeyStore};
use berth_evidence::{Board, Told};
use berth_log::{Expected, Stored, Tail, append_copy};
use berth_proto::{InstanceId, StreamKey};
use berth_runtime::WrappedKey;
use bytes::Bytes;
use futures::future::try_join_all;

use super::{
    check::Checked,
    fault::{Fault, Wrong},
    line::{Line, Store},
    progress,
    read::Numbered,
    source::Opened,
    target::Target,
};
use crate::failure::Failure;

/// Commits that are gathered before they are appended.
const COMMITS_AT_ONCE_MAX: usize = 4_096;
/// Bytes of them.
const BYTES_AT_ONCE_MAX: usize = 16 * 1_024 * 1_024;
/// Keys that are stored at once: in a folder they share a sync.
const KEYS_AT_ONCE_MAX: usize = 256;
/// After so many commits it is said how far it is, and at least after each hundredth.
const TOLD_EVERY: u64 = 1_000;

/// An export that is copied.
pub(super) struct Fill<'a> {
    target: &'a Target,
    checked: &'a Checked,
    board: Board,
    /// Where each stream ends: about 60 bytes each.
    streams: HashMap<StreamKey, Tail>,
    shards: Vec<Shard>,
    waiting: usize,
    waiting_bytes: usize,
    commits: u64,
    keys: Vec<(Store, InstanceId, Option<WrappedKey>)>,
    topics: HashMap<String, Topic>,
}

/// A shard that is filled.
#[derive(Default)]
struct Shard {
    /// The revision of the last commit that was met.
    met: u64,
    /// What is there from before.
    there: u64,
    waiting: Vec<Append>,
}

/// A commit that is to be appended.
struct Append {
    copy: Stored,
    expected: Expected,
}

/// A list that entries are added to.
#[derive(Default)]
struct Topic {
    /// The number of its last entry that was compared or written.
    last: u64,
    /// Whether there is nothing behind that.
    is_at_end: bool,
}

// === impl Fill ===

impl<'a> Fill<'a> {
    pub(super) async fn new(target: &'a Target, checked: &'a Checked, shards: u8) -> Result<Self, Failure> {
        let end = target.parts.log.end().await?;
        let there = |shard| end.0.get(&shard).map_or(0, |at| at.revision);
        let shards = (0..shards).map(|shard| Shard { there: there(shard), ..Shard::default() });
        Ok(Self {
            target,
            checked,
            board: Board::new(Arc::clone(&target.parts.checkpoints), &checked.header.deployment),
            streams: HashMap::new(),
            shards: shards.collect(),
            waiting: 0,
            waiting_bytes: 0,
            commits: 0,
            keys: Vec::new(),
            topics: HashMap::new(),
        })
    }

    /// Copies all lines, which were found to be right before.
    pub(super) async fn fill(mut self, opened: &mut Opened) -> Result<(), Failure> {
        loop {
            let next = opened.lines.next().await;
            let Some(Numbered { number, line, before }) = opened.outcome(next)? else {
                let line = opened.lines.number();
                return opened.outcome(Err(Fault::NoEnd { line }));
            };
            if let Line::End(_) = &line {
                self.append().await?;
                self.store_keys().await?;
                // Somebody may have written to the file since it was checked.
                let same = before.0 == self.checked.digest;
                let changed = Wrong::Digest { suspect: None }.at(number);
                return opened.outcome(if same { Ok(()) } else { Err(changed) });
            }
            self.one(line).await?;
        }
    }

    async fn one(&mut self, line: Line) -> Result<(), Failure> {
        match line {
            Line::Root { wrapped } => {
                self.keys.push((Store::Data, self.checked.root_owner, Some(WrappedKey(wrapped.0))));
                Ok(())
            }
            Line::Announcement(told) => self.publish(Board::KEYS, &told).await,
            Line::Life(told) => self.publish(Board::LIVES, &told).await,
            Line::Checkpoint { shard, told } => self.publish(&Board::topic(shard), &told).await,
            Line::Commit { subject, bytes, forged, .. } => {
                self.commit(&subject, bytes.0.into(), forged).await
            }
            Line::Key { store, owner, wrapped } => {
                self.keys.push((store, owner, wrapped.map(|wrapped| WrappedKey(wrapped.0))));
                if self.keys.len() < KEYS_AT_ONCE_MAX { Ok(()) } else { self.store_keys().await }
            }
            Line::Device { instance, attempt, sealed } => {
                let put = self.target.parts.device_keys.put(instance, attempt, sealed.0.into()).await;
                Ok(put.map_err(KeyRingError::Store)?)
            }
            Line::Export(_) | Line::End(_) => Ok(()),
        }
    }

    async fn commit(&mut self, subject: &str, payload: Bytes, forged: bool) -> Result<(), Failure> {
        // It was read before, so it is a subject.
        let Ok(stream) = subject.parse::<StreamKey>() else { return Ok(()) };
        let count = u8::try_from(self.shards.len()).unwrap_or(u8::MAX);
        let number = stream.partition().shard(count);
        let Some(shard) = self.shards.get_mut(usize::from(number)) else { return Ok(()) };
        shard.met += 1;
        let before = self.streams.get(&stream).copied();
        let expected = before.map_or(Expected::Empty, Expected::After);
        let tail = Tail { version: expected.next_version(), revision: shard.met };
        self.streams.insert(stream, tail);
        self.commits += 1;
        if tail.revision <= shard.there {
            // The last of what is there tells whether it is of this export.
            if tail.revision == shard.there {
                let stored = self.target.parts.log.tail(&stream).await?;
                let same =
                    |stored: Stored| stored.tail.revision == tail.revision && stored.payload == payload;
                if !stored.is_some_and(same) {
                    return Err(Failure::AnotherImport);
                }
            }
            return Ok(());
        }
        self.waiting += 1;
        self.waiting_bytes += payload.len();
        let copy = Stored { stream, tail, shard: number, payload, forged };
        shard.waiting.push(Append { copy, expected });
        if self.waiting >= COMMITS_AT_ONCE_MAX.min(self.step()) || self.waiting_bytes >= BYTES_AT_ONCE_MAX {
            self.append().await?;
        }
        Ok(())
    }

    /// After how many commits it is said how far it is.
    fn step(&self) -> usize {
        usize::try_from(TOLD_EVERY.max(self.checked.commits / 100)).unwrap_or(usize::MAX)
    }

    /// Appends what waits.
    async fn append(&mut self) -> Result<(), Failure> {
        if self.waiting == 0 {
            return Ok(());
        }
        let log = &self.target.parts.log;
        let shards = self.shards.iter_mut().map(|shard| std::mem::take(&mut shard.waiting));
        let appends = shards.map(|waiting| async move {
            for Append { copy, expected } in waiting {
                let revision = copy.tail.revision;
                let appended = append_copy(&**log, copy, expected).await.map_err(Failure::Append)?;
                if appended.tail.revision != revision {
                    return Err(Failure::AnotherImport);
                }
            }
            Ok(())
        });
        try_join_all(appends).await?;
        (self.waiting, self.waiting_bytes) = (0, 0);
        progress(&format!("{} of {} commits are there", self.commits, self.checked.commits))
    }

    async fn store_keys(&mut self) -> Result<(), Failure> {
        let parts = &self.target.parts;
        let stored = std::mem::take(&mut self.keys).into_iter().map(|(store, owner, wrapped)| async move {
            let store: &dyn KeyStore = match store {
                Store::Data => &*parts.keys,
                Store::Deliveries => &*parts.delivery_keys,
            };
            let Some(wrapped) = wrapped else {
                return Ok(store.destroy(owner.as_bytes()).await.map_err(KeyRingError::Store)?);
            };
            let there = store.put_if_absent(owner.as_bytes(), wrapped.clone()).await;
            match there.map_err(KeyRingError::Store)? {
                Some(there) if there == wrapped => Ok(()),
                _ => Err(Failure::AnotherImport),
            }
        });
        try_join_all(stored).await?;
        Ok(())
    }

    /// Adds an entry to a list, unless it is there.
    async fn publish(&mut self, name: &str, told: &Told) -> Result<(), Failure> {
        let topic = self.topics.entry(name.to_owned()).or_default();
        if !topic.is_at_end {
            if let Some((number, there)) = self.board.entries(name, topic.last, 1).await?.pop() {
                topic.last = number;
                return if there == *told { Ok(()) } else { Err(Failure::AnotherImport) };
            }
            topic.is_at_end = true;
        }
        let number = self.board.copy(name, told, topic.last).await?;
        topic.last = number.ok_or(Failure::AnotherImport)?;
        Ok(())
    }
}
