//! Writes a deployment as lines.
//!
//! Keys come last. What is erased while an export runs is erased in it: its tombstone may be decided too late to be among the
//! commits, but its key is not there any more.

use std::collections::{BTreeSet, VecDeque};

use berth_bus::{KeptKey, KeyRingError, KeyStore};
use berth_evidence::{Board, Origin, Told};
use berth_log::Position;
use berth_proto::{Hash, InstanceId, StreamKey, subject::PARTITIONS};
use berth_webhooks::last_words::key_owner;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::{
    line::{Base64, Digest, End, FORMAT, Header, Line, Store},
    merge::Merge,
    source::Source,
    unwritten,
};
use crate::{failure::Failure, wiring::NOBODY};

/// Entries of a list that are read at once.
const PAGE: usize = 100;

/// What is written, and where to.
struct Writing<'a, W> {
    source: &'a Source,
    out: &'a mut W,
    board: Board,
    life: u64,
    digest: Digest,
    counted: End,
}

/// The checkpoints of a shard that were not written yet.
struct Published {
    shard: u8,
    /// The number of the last entry that was read.
    read: u64,
    waiting: VecDeque<Told>,
    ended: bool,
}

/// Writes all lines, and gives the last of them.
pub(super) async fn write<W: AsyncWrite + Unpin + Send>(
    source: &Source,
    out: &mut W,
) -> Result<End, Failure> {
    let board = Board::new(std::sync::Arc::clone(&source.parts.checkpoints), source.record.id());
    let life = board.life().await?;
    let counted = End { commits: 0, keys: 0, devices: 0, digest: Hash([0; 32]) };
    let mut writing = Writing { source, out, board, life, digest: Digest::default(), counted };
    writing.all().await?;
    Ok(writing.counted)
}

// === impl Writing ===

impl<W: AsyncWrite + Unpin + Send> Writing<'_, W> {
    async fn all(&mut self) -> Result<(), Failure> {
        let log = &self.source.parts.log;
        if let Some((&shard, &count)) = log.missing().await?.iter().next() {
            return Err(Failure::Lacks { shard, count });
        }
        let end = log.end().await?;
        self.header(&end).await?;
        let owners = self.commits(&end).await?;
        self.keys(owners).await?;
        for (instance, attempt) in self.source.parts.device_keys.all().await.map_err(KeyRingError::Store)? {
            let sealed = self.source.parts.device_keys.get(instance, attempt).await;
            // One that was deleted since it was listed is not there.
            if let Some(sealed) = sealed.map_err(KeyRingError::Store)? {
                self.line(&Line::Device { instance, attempt, sealed: Base64(sealed.to_vec()) }).await?;
                self.counted.devices += 1;
            }
        }
        self.counted.digest = self.digest.0;
        let end = Line::End(self.counted.clone());
        self.line(&end).await
    }

    async fn line(&mut self, line: &Line) -> Result<(), Failure> {
        let mut bytes = serde_json::to_vec(line).map_err(Failure::Unwritable)?;
        self.digest.add(&bytes);
        bytes.push(b'\n');
        self.out.write_all(&bytes).await.map_err(unwritten)
    }

    /// What stands before the commits.
    async fn header(&mut self, end: &Position) -> Result<(), Failure> {
        let Source { parts, record, master, root_key_digest } = self.source;
        let shards = parts.log.shards();
        let end_of = |shard| end.0.get(&shard).map_or(0, |at| at.revision);
        let header = Header {
            version: FORMAT,
            deployment: record.id().to_owned(),
            write_version: record.write_version(),
            shards,
            life: self.life,
            ends: (0..shards).map(end_of).collect(),
            root_key_digest: *root_key_digest,
        };
        self.line(&Line::Export(header)).await?;
        // A deployment that began before there was a root secret has none.
        if let KeptKey::Present(wrapped) =
            parts.keys.get(&master.root_owner()).await.map_err(KeyRingError::Store)?
        {
            self.line(&Line::Root { wrapped: Base64(wrapped.0.clone()) }).await?;
        }
        for topic in [Board::KEYS, Board::LIVES] {
            let mut read = 0;
            loop {
                let page = self.board.entries(topic, read, PAGE).await?;
                let Some((last, _)) = page.last() else { break };
                read = *last;
                for (_, told) in page {
                    let line = if topic == Board::KEYS { Line::Announcement(told) } else { Line::Life(told) };
                    self.line(&line).await?;
                }
            }
        }
        Ok(())
    }

    /// Every commit, and behind it what was signed of its shard up to there. Gives whose streams they are.
    async fn commits(&mut self, end: &Position) -> Result<BTreeSet<StreamKey>, Failure> {
        let mut published: Vec<_> = (0..PARTITIONS).map(Published::of).collect();
        for published in &mut published {
            self.signed(published, 0).await?;
        }
        let mut owners = BTreeSet::new();
        let mut merge = Merge::of(&*self.source.parts.log, end).await?;
        while let Some(commit) = merge.next().await? {
            let stored = commit.stored();
            let (shard, revision) = (stored.shard, stored.tail.revision);
            let (subject, bytes) = (stored.stream.subject(), Base64(stored.payload.to_vec()));
            let forged = stored.forged;
            self.line(&Line::Commit { shard, index: revision - 1, subject, bytes, forged }).await?;
            self.counted.commits += 1;
            if stored.stream.as_instance().is_some() || stored.stream.as_account().is_some() {
                owners.insert(stored.stream);
            }
            if let Some(published) = published.get_mut(usize::from(shard)) {
                self.signed(published, revision).await?;
            }
        }
        Ok(owners)
    }

    /// Writes what was signed of a shard: all of its former lives, and what attests to so many commits of this one.
    async fn signed(&mut self, published: &mut Published, commits: u64) -> Result<(), Failure> {
        while let Some(told) = published.next(&self.board, self.life, commits).await? {
            self.line(&Line::Checkpoint { shard: published.shard, told }).await?;
        }
        Ok(())
    }

    async fn keys(&mut self, owners: BTreeSet<StreamKey>) -> Result<(), Failure> {
        let parts = &self.source.parts;
        self.key(&*parts.keys, Store::Data, &NOBODY).await?;
        for stream in owners {
            self.key(&*parts.keys, Store::Data, stream.id()).await?;
            if let Some(instance) = stream.as_instance() {
                self.key(&*parts.delivery_keys, Store::Deliveries, &key_owner(instance)).await?;
            }
        }
        Ok(())
    }

    async fn key(&mut self, of: &dyn KeyStore, store: Store, owner: &[u8; 16]) -> Result<(), Failure> {
        let wrapped = match of.get(owner).await.map_err(KeyRingError::Store)? {
            KeptKey::Missing => return Ok(()),
            KeptKey::Destroyed => None,
            KeptKey::Present(wrapped) => Some(Base64(wrapped.0)),
        };
        self.counted.keys += 1;
        self.line(&Line::Key { store, owner: InstanceId::from_bytes(*owner), wrapped }).await
    }
}

// === impl Published ===

impl Published {
    fn of(shard: u8) -> Self {
        Self { shard, read: 0, waiting: VecDeque::new(), ended: false }
    }

    /// The next checkpoint, if it is one of a former life or attests to so many commits.
    async fn next(&mut self, board: &Board, life: u64, commits: u64) -> Result<Option<Told>, Failure> {
        if self.waiting.is_empty() && !self.ended {
            let page = board.entries(&Board::topic(self.shard), self.read, PAGE).await?;
            self.ended = page.len() < PAGE;
            self.read = page.last().map_or(self.read, |(number, _)| *number);
            self.waiting.extend(page.into_iter().map(|(_, told)| told));
        }
        let is_due = self.waiting.front().is_some_and(|told| {
            let mut lines = told.note.lines();
            let of = lines.next().and_then(|origin| origin.parse().ok()).map(|origin: Origin| origin.life);
            let size = lines.next().and_then(|size| size.parse().ok());
            of.is_some_and(|of| of < life) || size.is_some_and(|size: u64| size <= commits)
        });
        Ok(if is_due { self.waiting.pop_front() } else { None })
    }
}
