//! The folder of the engine: opening it, opening it again after a failure, and what is looked up in it.
//!
//! After a failed write nobody knows what the disk has, and the cache of the operating system may show bytes
//! that never reached it. So the engine is closed and opened again, and what its journal holds is written anew
//! into tables, and synced, before anybody builds on it.

use std::{
    fs::File,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use berth_proto::StreamKey;
use fjall::{Keyspace, PersistMode, Readable};
use thiserror::Error;
use tokio::time::Instant;

use super::{
    keys::{read_tail, split_row, stored, stream_key, version_key},
    tables::Tables,
};
use crate::port::{ReadError, Stored, Tail, TailSince};

/// The pause between two attempts to open the engine again.
const REOPEN_EVERY: Duration = Duration::from_secs(1);

/// An operation on the folder failed.
#[derive(Debug, Error)]
pub(super) enum StoreError {
    /// The disk is full.
    #[error("the disk is full")]
    Full(#[source] Box<fjall::Error>),
    /// A file could not be read or written.
    #[error("the log cannot be used")]
    Failed(#[source] Box<fjall::Error>),
    /// What a file says cannot be right.
    #[error("the log is damaged")]
    Damaged(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The log is closed, or could not be opened again since it failed.
    #[error("the log is closed")]
    Closed,
}

/// What is wrong where the engine itself has no complaint.
#[derive(Debug, Error)]
pub(super) enum Damage {
    /// A row is not what we write.
    #[error("the row of shard {shard} at revision {revision} is damaged or absent")]
    Row { shard: u8, revision: u64 },
    /// An entry of the index of streams is not what we write.
    #[error("the index entry of {0} is damaged or absent")]
    Index(StreamKey),
    /// A part of the folder is missing.
    #[error("{0} is missing")]
    Missing(String),
    /// The journal was cut where more stood behind.
    #[error("the journal ends at batch {found}, but batch {begun} was begun: acknowledged commits are lost")]
    Journal { found: u64, begun: u64 },
    /// The engine gave up on what it read.
    #[error("the engine panicked on what it read")]
    Panic,
}

impl From<Damage> for StoreError {
    fn from(damage: Damage) -> Self {
        Self::Damaged(Box::new(damage))
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        fjall::Error::Io(error).into()
    }
}

impl From<fjall::Error> for StoreError {
    fn from(error: fjall::Error) -> Self {
        use fjall::{Error, LsmError};
        let io = match &error {
            Error::Io(io) | Error::Storage(LsmError::Io(io)) => Some(io.kind()),
            _ => None,
        };
        match (io, &error) {
            (
                Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge),
                _,
            ) => Self::Full(Box::new(error)),
            // A file that is shorter than another one says, or that is gone.
            (
                Some(io::ErrorKind::UnexpectedEof | io::ErrorKind::NotFound | io::ErrorKind::InvalidData),
                _,
            ) => Self::Damaged(Box::new(error)),
            (Some(_), _) | (None, Error::Poisoned | Error::Locked | Error::KeyspaceDeleted) => {
                Self::Failed(Box::new(error))
            }
            (None, _) => Self::Damaged(Box::new(error)),
        }
    }
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Damaged(_) => Self::Damaged(Box::new(error)),
            StoreError::Full(_) | StoreError::Failed(_) | StoreError::Closed => {
                Self::Unavailable(Box::new(error))
            }
        }
    }
}

/// The engine, shared by the writer and the readers.
pub(super) struct Store {
    open: RwLock<Opened>,
    folder: PathBuf,
    /// Held as long as the folder may be opened: the engine's own lock is free while it is opened again.
    process_lock: File,
}

struct Opened {
    /// None after a failed reopening, and once the log is closed.
    tables: Option<Tables>,
    /// When it was last tried to open the engine again.
    tried: Option<Instant>,
    closed: bool,
}

impl Store {
    pub(super) fn new(tables: Tables, folder: PathBuf, process_lock: File) -> Self {
        let open = RwLock::new(Opened { tables: Some(tables), tried: None, closed: false });
        Self { open, folder, process_lock }
    }

    /// Lets somebody use the tables, after opening the engine again if it is not open.
    pub(super) fn with<T>(
        &self,
        user: impl FnOnce(&Tables) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        {
            let opened = self.open.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(tables) = &opened.tables {
                return guarded(|| user(tables));
            }
        }
        let mut opened = self.open.write().unwrap_or_else(PoisonError::into_inner);
        if opened.tables.is_none() {
            let soon = opened.tried.is_some_and(|tried| tried.elapsed() < REOPEN_EVERY);
            if opened.closed || soon {
                return Err(StoreError::Closed);
            }
            opened.tried = Some(Instant::now());
            opened.tables = Some(self.open_proved()?);
        }
        opened.tables.as_ref().map_or(Err(StoreError::Closed), |tables| guarded(|| user(tables)))
    }

    /// Closes the engine after a failed write, opens it again, and lets `look` say what of the write is there.
    ///
    /// If `in_doubt` says that something is, it is proved before anybody sees it. The engine stays closed if
    /// that fails.
    pub(super) fn reopen<T>(
        &self,
        look: impl FnOnce(&Tables) -> Result<T, StoreError>,
        in_doubt: impl FnOnce(&T) -> bool,
    ) -> Result<T, StoreError> {
        let mut opened = self.open.write().unwrap_or_else(PoisonError::into_inner);
        if opened.closed {
            return Err(StoreError::Closed);
        }
        drop(opened.tables.take());
        opened.tried = Some(Instant::now());
        let tables = guarded(|| Tables::open(&self.folder))?;
        let seen = guarded(|| look(&tables))?;
        if in_doubt(&seen) {
            prove(&tables)?;
        }
        opened.tables = Some(tables);
        tracing::warn!("the log was opened again after a failure");
        Ok(seen)
    }

    fn open_proved(&self) -> Result<Tables, StoreError> {
        let tables = guarded(|| Tables::open(&self.folder))?;
        prove(&tables)?;
        tracing::warn!("the log was opened again after a failure");
        Ok(tables)
    }

    /// Closes the engine for good and frees the lock of the folder.
    pub(super) fn close(&self) {
        let mut opened = self.open.write().unwrap_or_else(PoisonError::into_inner);
        opened.closed = true;
        if let Some(tables) = opened.tables.take()
            && let Err(error) = guarded(|| tables.seal())
        {
            tracing::warn!(error = &error as &dyn std::error::Error, "the end of the journal is not marked");
        }
        if let Err(error) = self.process_lock.unlock() {
            tracing::warn!(%error, "the process lock of the log cannot be freed before the process ends");
        }
    }

    /// Lets somebody use the tables if that need not wait for the engine to be opened again; none if it must.
    pub(super) fn with_now<T>(
        &self,
        user: impl FnOnce(&Tables) -> Result<T, StoreError>,
    ) -> Option<Result<T, StoreError>> {
        let opened = self.open.try_read().ok()?;
        let tables = opened.tables.as_ref()?;
        Some(guarded(|| user(tables)))
    }

    /// Reads within one snapshot.
    pub(super) fn read<T>(
        &self,
        reader: impl FnOnce(&Snapshot<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.with(|tables| reader(&Snapshot::of(tables)))
    }
}

/// Runs something on the engine, which panics on some kinds of damage.
pub(super) fn guarded<T>(run: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err(Damage::Panic.into()))
}

/// Writes everything that only the journal holds into new tables and waits until they are synced.
pub(super) fn prove(tables: &Tables) -> Result<(), StoreError> {
    for keyspace in tables.all() {
        keyspace.rotate_memtable()?;
    }
    for keyspace in tables.all() {
        wait_while(tables, || keyspace.sealed_memtable_count() > 0)?;
    }
    Ok(())
}

/// Waits for the engine's own threads. They have no signal for it, and end for good at their first failure, which
/// is seen as a refusal to persist.
pub(super) fn wait_while(tables: &Tables, busy: impl Fn() -> bool) -> Result<(), StoreError> {
    const LOOK_EVERY: Duration = Duration::from_millis(1);
    while busy() {
        tables.database.persist(PersistMode::Buffer)?;
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// The end of a stream, from memory if it is known there.
pub(super) fn end_of(tables: &Tables, stream: &StreamKey) -> Result<Option<Tail>, StoreError> {
    tables.ends.of_stream(stream, || Snapshot::of(tables).tail_of(stream))
}

/// The last commit of a stream.
pub(super) fn tail(tables: &Tables, stream: &StreamKey, shard: u8) -> Result<Option<Stored>, StoreError> {
    let Some(end) = end_of(tables, stream)? else { return Ok(None) };
    Snapshot::of(tables).commit(stream, shard, end).map(Some)
}

/// The same, unless it is the one that was seen.
pub(super) fn tail_since(
    tables: &Tables,
    stream: &StreamKey,
    shard: u8,
    seen: Tail,
) -> Result<TailSince, StoreError> {
    match end_of(tables, stream)? {
        Some(end) if end == seen => Ok(TailSince::Same),
        Some(end) => Ok(TailSince::Other(Some(Snapshot::of(tables).commit(stream, shard, end)?))),
        None => Ok(TailSince::Other(None)),
    }
}

/// The tables at one moment.
pub(super) struct Snapshot<'a> {
    tables: &'a Tables,
    at: fjall::Snapshot,
}

impl<'a> Snapshot<'a> {
    pub(super) fn of(tables: &'a Tables) -> Self {
        Self { tables, at: tables.database.snapshot() }
    }

    fn commits(&self, shard: u8) -> Result<&'a Keyspace, StoreError> {
        let missing = || Damage::Missing(format!("shard {shard}"));
        Ok(self.tables.commits.get(usize::from(shard)).ok_or_else(missing)?)
    }

    /// The last version and revision of a stream.
    pub(super) fn tail_of(&self, stream: &StreamKey) -> Result<Option<Tail>, StoreError> {
        let Some(found) = self.at.get(&self.tables.tails, stream_key(stream))? else {
            // The engine finds less where its own bytes are damaged: a stream that has commits has a tail.
            let has_commits = self.at.get(&self.tables.versions, version_key(stream, 1))?.is_some();
            return if has_commits { Err(Damage::Index(*stream).into()) } else { Ok(None) };
        };
        Ok(Some(read_tail(&found).ok_or(Damage::Index(*stream))?))
    }

    /// The commit of a stream with this version; none if there is no such commit.
    pub(super) fn version(
        &self,
        stream: &StreamKey,
        shard: u8,
        version: u64,
    ) -> Result<Option<Stored>, StoreError> {
        let Some(revision) = self.at.get(&self.tables.versions, version_key(stream, version))? else {
            // A page also knows whether there should be one.
            let found = self.page(stream, shard, version.saturating_sub(1), 1)?.pop();
            return Ok(found.filter(|found| found.tail.version == version));
        };
        let revision = number(&revision).ok_or(Damage::Index(*stream))?;
        self.commit(stream, shard, Tail { version, revision }).map(Some)
    }

    /// The commit of a stream with the version of a tail, which is looked for first where that says that it lies.
    pub(super) fn near(
        &self,
        stream: &StreamKey,
        shard: u8,
        tail: Tail,
    ) -> Result<Option<Stored>, StoreError> {
        match self.commit(stream, shard, tail) {
            Ok(found) => Ok(Some(found)),
            Err(_elsewhere) => self.version(stream, shard, tail.version),
        }
    }

    /// Commits of a stream after a version.
    pub(super) fn page(
        &self,
        stream: &StreamKey,
        shard: u8,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<Stored>, StoreError> {
        let first = after_version.saturating_add(1);
        let range = version_key(stream, first)..=version_key(stream, u64::MAX);
        let mut page = Vec::new();
        let entries = self.at.range(&self.tables.versions, range).take(limit);
        for (entry, version) in entries.zip(first..=u64::MAX) {
            let (key, revision) = entry.into_inner()?;
            let revision = number(&revision).ok_or(Damage::Index(*stream))?;
            if *key != version_key(stream, version) {
                return Err(Damage::Index(*stream).into());
            }
            page.push(self.commit(stream, shard, Tail { version, revision })?);
        }
        // A page that ends early ends where the stream does, or the index lost what comes behind it.
        let ends_at = after_version.saturating_add(page.len() as u64);
        let is_short = page.len() < limit;
        if is_short && self.tail_of(stream)?.is_some_and(|tail| tail.version > ends_at) {
            return Err(Damage::Index(*stream).into());
        }
        Ok(page)
    }

    /// Commits of a shard after a revision and up to another one, in their order and without a gap.
    pub(super) fn shard(
        &self,
        shard: u8,
        (after, up_to): (u64, u64),
    ) -> Result<impl Iterator<Item = Result<Stored, StoreError>>, StoreError> {
        let first = after.saturating_add(1);
        let range = first.to_be_bytes()..=up_to.to_be_bytes();
        let rows = self.at.range(self.commits(shard)?, range);
        Ok((first..=up_to).zip(rows).map(move |(revision, entry)| {
            let (key, row) = entry.into_inner()?;
            let here = number(&key) == Some(revision);
            let stored = stored(shard, revision, &row).filter(|_| here);
            Ok(stored.ok_or(Damage::Row { shard, revision })?)
        }))
    }

    /// The commit at a revision of a shard; none if no row there is one.
    pub(super) fn place(&self, shard: u8, revision: u64) -> Result<Option<Stored>, StoreError> {
        let commits = self.commits(shard)?;
        let row = guarded(|| Ok(self.at.get(commits, revision.to_be_bytes())?))?;
        Ok(row.and_then(|row| stored(shard, revision, &row)))
    }

    /// What stands at a version of a stream: its tail, and whether it is this very payload.
    pub(super) fn compare(
        &self,
        (stream, shard, version): (&StreamKey, u8, u64),
        payload: &[u8],
    ) -> Result<Option<(Tail, bool)>, StoreError> {
        let Some(entry) = self.at.get(&self.tables.versions, version_key(stream, version))? else {
            return Ok(None);
        };
        let revision = number(&entry).ok_or(Damage::Index(*stream))?;
        let row = self.at.get(self.commits(shard)?, revision.to_be_bytes())?;
        let row = row.ok_or(Damage::Row { shard, revision })?;
        let same = split_row(&row).is_some_and(|(_, _, there)| there == payload);
        Ok(Some((Tail { version, revision }, same)))
    }

    /// The last revision of a shard.
    pub(super) fn end_of(&self, shard: u8) -> Result<u64, StoreError> {
        let last = self.at.range::<[u8; 8], _>(self.commits(shard)?, ..).next_back();
        let Some(last) = last else { return Ok(0) };
        Ok(number(&last.key()?).ok_or(Damage::Row { shard, revision: 0 })?)
    }

    fn commit(&self, stream: &StreamKey, shard: u8, tail: Tail) -> Result<Stored, StoreError> {
        let revision = tail.revision;
        let row = self.at.get(self.commits(shard)?, revision.to_be_bytes())?;
        let stored = row.and_then(|row| stored(shard, revision, &row));
        let stored = stored.filter(|stored| stored.stream == *stream && stored.tail == tail);
        Ok(stored.ok_or(Damage::Row { shard, revision })?)
    }
}

/// A number as it stands in a key or a value.
pub(super) fn number(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_be_bytes)
}

#[cfg(test)]
mod tests;
