//! The redb file: opening it, opening it again after a failure, and what is looked up in it.
//!
//! redb refuses everything after one failed read or write until the file is opened again, so the open
//! database stands behind a lock: users share it, whoever opens it again has it alone.

use std::{
    fs::File,
    io,
    sync::{PoisonError, RwLock},
};

use berth_proto::StreamKey;
use redb::{
    Database, DatabaseError, ReadOnlyTable, ReadableDatabase, ReadableTable, StorageError, TableError,
    TransactionError,
};
use thiserror::Error;

use super::keys::{COMMITS, FACTS, VERSIONS, commit_row, split_row, stored, stream_key};
use crate::port::{ReadError, Stored, Tail};

/// An operation on the file failed.
#[derive(Debug, Error)]
pub(super) enum StoreError {
    /// The disk is full.
    #[error("the disk is full")]
    Full(#[source] Box<redb::Error>),
    /// The file could not be read or written.
    #[error("the log file cannot be used")]
    Failed(#[source] Box<redb::Error>),
    /// What the file says cannot be right.
    #[error("the log file is damaged")]
    Damaged(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The file is closed.
    #[error("the log file is closed")]
    Closed,
}

/// A row of the file is not what we write.
#[derive(Debug, Error)]
#[error("the row of shard {shard} at revision {revision} is damaged or absent")]
struct DamagedRow {
    shard: u8,
    revision: u64,
}

impl From<redb::Error> for StoreError {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Io(ref io)
                if matches!(
                    io.kind(),
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
                ) =>
            {
                Self::Full(Box::new(error))
            }
            redb::Error::Corrupted(_) => Self::Damaged(Box::new(error)),
            error => Self::Failed(Box::new(error)),
        }
    }
}

macro_rules! from_redb {
    ($($error:ty),+) => {
        $(impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                redb::Error::from(error).into()
            }
        })+
    };
}
from_redb!(DatabaseError, StorageError, TableError, TransactionError, redb::CommitError);

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

/// How the file is opened; a test puts a disk that fills up behind it.
pub(super) type Opener = Box<dyn Fn() -> Result<Database, DatabaseError> + Send + Sync>;

/// The file, shared by the writer and the readers.
pub(super) struct Store {
    open: RwLock<Opened>,
    opener: Opener,
    /// Held as long as the file may be opened: the lock of redb itself is free while the file is reopened.
    process_lock: File,
}

struct Opened {
    /// None after a failed reopening, and once the log is closed.
    database: Option<Database>,
    /// Counts the openings, so that of several users that met a failure one opens the file again.
    generation: u64,
    closed: bool,
}

impl Store {
    pub(super) fn new(database: Database, opener: Opener, process_lock: File) -> Self {
        let open = RwLock::new(Opened { database: Some(database), generation: 0, closed: false });
        Self { open, opener, process_lock }
    }

    /// Lets somebody use the database, and opens the file again if that failed.
    pub(super) fn with<T>(
        &self,
        mut user: impl FnMut(&Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let (result, generation) = {
            let opened = self.open.read().unwrap_or_else(PoisonError::into_inner);
            let result = opened.database.as_ref().map(&mut user);
            (result, opened.generation)
        };
        match result {
            Some(Ok(value)) => Ok(value),
            Some(Err(error @ (StoreError::Full(_) | StoreError::Failed(_)))) => {
                if let Err(failed) = self.reopen(generation) {
                    tracing::error!(
                        error = &failed as &dyn std::error::Error,
                        "the log file cannot be opened again"
                    );
                }
                Err(error)
            }
            Some(Err(error)) => Err(error),
            None => {
                self.reopen(generation)?;
                let opened = self.open.read().unwrap_or_else(PoisonError::into_inner);
                opened.database.as_ref().map_or(Err(StoreError::Closed), user)
            }
        }
    }

    /// Opens the file again, unless somebody has since `generation`.
    fn reopen(&self, generation: u64) -> Result<(), StoreError> {
        let mut opened = self.open.write().unwrap_or_else(PoisonError::into_inner);
        if opened.closed {
            return Err(StoreError::Closed);
        }
        if opened.generation != generation && opened.database.is_some() {
            return Ok(());
        }
        drop(opened.database.take());
        opened.generation += 1;
        opened.database = Some((self.opener)()?);
        tracing::warn!("the log file was opened again after a failure");
        Ok(())
    }

    /// Closes the file for good and frees its lock.
    pub(super) fn close(&self) {
        let mut opened = self.open.write().unwrap_or_else(PoisonError::into_inner);
        opened.closed = true;
        drop(opened.database.take());
        if let Err(error) = self.process_lock.unlock() {
            tracing::warn!(%error, "the process lock of the log cannot be freed before the process ends");
        }
    }

    /// Reads within one snapshot.
    pub(super) fn read<T>(
        &self,
        mut reader: impl FnMut(&Snapshot) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.with(|database| {
            let transaction = database.begin_read()?;
            reader(&Snapshot {
                commits: transaction.open_table(COMMITS)?,
                versions: transaction.open_table(VERSIONS)?,
            })
        })
    }
}

/// The tables at one moment.
pub(super) struct Snapshot {
    pub(super) commits: ReadOnlyTable<(u8, u64), &'static [u8]>,
    versions: ReadOnlyTable<(&'static [u8; super::keys::STREAM_BYTES], u64), u64>,
}

impl Snapshot {
    /// The last commit of a stream.
    pub(super) fn tail(&self, stream: &StreamKey, shard: u8) -> Result<Option<Stored>, StoreError> {
        match tail_of(&self.versions, stream)? {
            Some(tail) => self.commit(shard, tail.revision).map(Some),
            None => Ok(None),
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
        let key = stream_key(stream);
        let from = (&key, after_version.saturating_add(1));
        let mut page = Vec::new();
        for row in self.versions.range(from..=(&key, u64::MAX))?.take(limit) {
            page.push(self.commit(shard, row?.1.value())?);
        }
        Ok(page)
    }

    /// See [`compare`].
    pub(super) fn compare(
        &self,
        at: (&StreamKey, u8, u64),
        payload: &[u8],
    ) -> Result<Option<(Tail, bool)>, StoreError> {
        compare(&self.commits, &self.versions, at, payload)
    }

    fn commit(&self, shard: u8, revision: u64) -> Result<Stored, StoreError> {
        let row = self.commits.get((shard, revision))?;
        row.and_then(|row| stored(shard, revision, row.value())).ok_or_else(|| damaged(shard, revision))
    }
}

/// The error for a row that is damaged or absent.
pub(super) fn damaged(shard: u8, revision: u64) -> StoreError {
    StoreError::Damaged(Box::new(DamagedRow { shard, revision }))
}

/// The last version and revision of a stream.
pub(super) fn tail_of(
    versions: &impl ReadableTable<(&'static [u8; super::keys::STREAM_BYTES], u64), u64>,
    stream: &StreamKey,
) -> Result<Option<Tail>, StoreError> {
    let key = stream_key(stream);
    let Some(last) = versions.range((&key, 0)..=(&key, u64::MAX))?.next_back() else {
        return Ok(None);
    };
    let (key, revision) = last?;
    Ok(Some(Tail { version: key.value().1, revision: revision.value() }))
}

/// What stands at a version of a stream: its tail, and whether it is this very payload.
pub(super) fn compare(
    commits: &impl ReadableTable<(u8, u64), &'static [u8]>,
    versions: &impl ReadableTable<(&'static [u8; super::keys::STREAM_BYTES], u64), u64>,
    (stream, shard, version): (&StreamKey, u8, u64),
    payload: &[u8],
) -> Result<Option<(Tail, bool)>, StoreError> {
    let key = stream_key(stream);
    let Some(revision) = versions.get((&key, version))?.map(|revision| revision.value()) else {
        return Ok(None);
    };
    let row = commits.get((shard, revision))?.ok_or_else(|| damaged(shard, revision))?;
    let same = split_row(row.value()).is_some_and(|(_, _, there)| there == payload);
    Ok(Some((Tail { version, revision }, same)))
}

/// The last revision of a shard.
pub(super) fn end_of(
    commits: &impl ReadableTable<(u8, u64), &'static [u8]>,
    shard: u8,
) -> Result<u64, StoreError> {
    match commits.range((shard, 0)..=(shard, u64::MAX))?.next_back() {
        Some(last) => Ok(last?.0.value().1),
        None => Ok(0),
    }
}

/// Writes a fact about the file.
pub(super) fn put_fact(
    transaction: &redb::WriteTransaction,
    name: &str,
    value: u64,
) -> Result<(), StoreError> {
    transaction.open_table(FACTS)?.insert(name, value)?;
    Ok(())
}

/// Writes a commit into both tables.
pub(super) fn put_commit(
    commits: &mut redb::Table<'_, (u8, u64), &'static [u8]>,
    versions: &mut redb::Table<'_, (&'static [u8; super::keys::STREAM_BYTES], u64), u64>,
    (stream, shard, tail): (&StreamKey, u8, Tail),
    payload: &[u8],
) -> Result<(), StoreError> {
    commits.insert((shard, tail.revision), commit_row(stream, tail.version, payload).as_slice())?;
    versions.insert((&stream_key(stream), tail.version), tail.revision)?;
    Ok(())
}
