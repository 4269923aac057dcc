//! Opening the folder: the process lock, the file, and the facts that were recorded at the first start.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use berth_proto::subject::PARTITIONS;
use berth_runtime::Entropy;
use redb::{Database, DatabaseError, ReadableTable};
use thiserror::Error;

use super::{
    keys::{COMMITS, FACTS, VERSIONS},
    store::{Opener, Store, StoreError, end_of, put_fact},
};
use crate::local::Ends;

/// The log's file in the data folder.
const FILE: &str = "log.redb";
/// The file whose lock says that a process uses the folder.
const LOCK_FILE: &str = "log.lock";
/// The arrangement of the tables that this release reads and writes.
const FORMAT: u64 = 1;
/// Bytes of the file that redb keeps in memory.
const CACHE_BYTES_MAX: usize = 128 * 1024 * 1024;

const FORMAT_FACT: &str = "format";
const SHARDS_FACT: &str = "shards";
const INCARNATION_FACT: &str = "incarnation";

/// The embedded log cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process uses the folder. Stop it, or use another folder.
    #[error("another process uses the log in {}", folder.display())]
    Locked {
        /// The data folder.
        folder: PathBuf,
    },
    /// The number of shards is fixed at the first start.
    #[error("the log was made with {recorded} shards and cannot be opened with {asked}")]
    Shards {
        /// What was recorded at the first start.
        recorded: u64,
        /// What was asked for.
        asked: u8,
    },
    /// No log has so many shards.
    #[error("{asked} shards were asked for; 1 to {PARTITIONS} are possible")]
    ShardsRange {
        /// What was asked for.
        asked: u8,
    },
    /// The file was written by a later release.
    #[error("the log file has format {recorded}, this release knows {FORMAT}")]
    Format {
        /// What the file says.
        recorded: u64,
    },
    /// The folder or a file in it cannot be used.
    #[error("the log in {} cannot be opened", folder.display())]
    Folder {
        /// The data folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is damaged or cannot be read.
    #[error("the log file cannot be opened")]
    File(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What is known of an opened log.
pub(super) struct Opened {
    pub(super) store: Arc<Store>,
    pub(super) incarnation: u64,
    pub(super) ends: Ends,
}

/// Whether the folder has a log file with anything in it.
pub(super) fn is_there(folder: &Path) -> io::Result<bool> {
    match std::fs::metadata(folder.join(FILE)) {
        Ok(found) => Ok(found.len() > 0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Opens or creates the log of a folder.
pub(super) fn open(folder: &Path, shards: u8, entropy: &dyn Entropy) -> Result<Opened, OpenError> {
    let path = folder.join(FILE);
    open_with(folder, shards, entropy, Box::new(move || redb_builder().create(&path)))
}

/// A builder of the database with our settings.
pub(super) fn redb_builder() -> redb::Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES_MAX);
    builder
}

/// Opens the log of a folder, its file by means of `opener`.
pub(super) fn open_with(
    folder: &Path,
    shards: u8,
    entropy: &dyn Entropy,
    opener: Opener,
) -> Result<Opened, OpenError> {
    if !(1..=PARTITIONS).contains(&shards) {
        return Err(OpenError::ShardsRange { asked: shards });
    }
    let process_lock = lock(folder)?;
    let database = opener().map_err(|error| match error {
        DatabaseError::DatabaseAlreadyOpen => OpenError::Locked { folder: folder.to_owned() },
        error => OpenError::File(Box::new(error)),
    })?;
    let incarnation = facts(&database, shards, entropy)?;
    // The new file must still have its name after a power loss.
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| OpenError::Folder { folder: folder.to_owned(), source })?;
    let store = Arc::new(Store::new(database, opener, process_lock));
    let ends = store
        .read(|tables| (0..shards).map(|shard| end_of(&tables.commits, shard)).collect())
        .map_err(file)?;
    Ok(Opened { store, incarnation, ends })
}

fn lock(folder: &Path) -> Result<File, OpenError> {
    let failed = |source| OpenError::Folder { folder: folder.to_owned(), source };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(folder.join(LOCK_FILE))
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked { folder: folder.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Compares the recorded facts, or records them in a new file. Gives the incarnation.
fn facts(database: &Database, shards: u8, entropy: &dyn Entropy) -> Result<u64, OpenError> {
    let transaction = begin_write(database).map_err(file)?;
    let recorded = recorded_facts(&transaction).map_err(file)?;
    let Some((format, recorded_shards, incarnation)) = recorded else {
        let mut bytes = [0; 8];
        entropy.fill(&mut bytes);
        let incarnation = u64::from_le_bytes(bytes);
        record_facts(transaction, shards, incarnation).map_err(file)?;
        return Ok(incarnation);
    };
    transaction.abort().map_err(|error| file(error.into()))?;
    if format != FORMAT {
        return Err(OpenError::Format { recorded: format });
    }
    if recorded_shards != u64::from(shards) {
        return Err(OpenError::Shards { recorded: recorded_shards, asked: shards });
    }
    Ok(incarnation)
}

fn recorded_facts(transaction: &redb::WriteTransaction) -> Result<Option<(u64, u64, u64)>, StoreError> {
    let facts = transaction.open_table(FACTS)?;
    let fact = |name| facts.get(name).map(|found| found.map(|value| value.value()));
    Ok(match (fact(FORMAT_FACT)?, fact(SHARDS_FACT)?, fact(INCARNATION_FACT)?) {
        (Some(format), Some(shards), Some(incarnation)) => Some((format, shards, incarnation)),
        _ => None,
    })
}

fn record_facts(transaction: redb::WriteTransaction, shards: u8, incarnation: u64) -> Result<(), StoreError> {
    put_fact(&transaction, FORMAT_FACT, FORMAT)?;
    put_fact(&transaction, SHARDS_FACT, u64::from(shards))?;
    put_fact(&transaction, INCARNATION_FACT, incarnation)?;
    transaction.open_table(COMMITS)?;
    transaction.open_table(VERSIONS)?;
    Ok(transaction.commit()?)
}

/// A durable transaction. With quick repair the file is ready at once after a crash, whatever its size,
/// and a commit that was answered is certain without looking at checksums.
pub(super) fn begin_write(database: &Database) -> Result<redb::WriteTransaction, StoreError> {
    let mut transaction = database.begin_write()?;
    transaction.set_quick_repair(true);
    Ok(transaction)
}

fn file(error: StoreError) -> OpenError {
    OpenError::File(Box::new(error))
}
