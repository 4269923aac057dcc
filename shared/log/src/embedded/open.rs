//! Opening the data folder: the process lock, the engine's folder, and the facts that were recorded at the first
//! start.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use berth_proto::subject::PARTITIONS;
use berth_runtime::Entropy;
use thiserror::Error;

use super::{
    store::{Store, StoreError, guarded, prove},
    tables::{SHARDS_FACT, Tables},
};
use crate::local::Ends;

/// The engine's folder in the data folder.
const LOG_FOLDER: &str = "log";
/// Its name until it is complete.
const NEW_FOLDER: &str = "log.new";
/// The file in which development versions before the first release kept the log.
const EARLIER_FILE: &str = "log.redb";
/// The file whose lock says that a process uses the folder.
const LOCK_FILE: &str = "log.lock";
/// The arrangement of the tables that this release reads and writes.
const FORMAT: u64 = 1;

const FORMAT_FACT: &str = "format";
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
    /// The folder has a log that another engine wrote. It would be ignored, and with it everything that was
    /// acknowledged.
    #[error("{} is a log of an earlier development version, which cannot be read: use another folder, or move it away", file.display())]
    Earlier {
        /// That log.
        file: PathBuf,
    },
    /// The log was written by a later release.
    #[error("the log has format {recorded}, this release knows {FORMAT}")]
    Format {
        /// What it says.
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
    /// The log is damaged, cannot be read, or what a crash left in its journal cannot be stored.
    #[error("the log cannot be opened")]
    File(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What is known of an opened log.
pub(super) struct Opened {
    pub(super) store: Arc<Store>,
    pub(super) incarnation: u64,
    pub(super) ends: Ends,
}

/// Whether the folder has a log with anything in it, which need not be whole.
pub(super) fn is_there(folder: &Path) -> io::Result<bool> {
    match std::fs::read_dir(folder.join(LOG_FOLDER)) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Opens or creates the log of a folder.
pub(super) fn open(folder: &Path, shards: u8, entropy: &dyn Entropy) -> Result<Opened, OpenError> {
    if !(1..=PARTITIONS).contains(&shards) {
        return Err(OpenError::ShardsRange { asked: shards });
    }
    let in_folder = |source| OpenError::Folder { folder: folder.to_owned(), source };
    let process_lock = lock(folder)?;
    if folder.join(EARLIER_FILE).try_exists().map_err(in_folder)? {
        return Err(OpenError::Earlier { file: folder.join(EARLIER_FILE) });
    }
    let path = folder.join(LOG_FOLDER);
    // An empty folder is none, and gives way to the new one.
    if !is_there(folder).map_err(in_folder)? {
        create(folder, shards, entropy)?;
    }
    let tables = guarded(|| Tables::open(&path)).map_err(file)?;
    let incarnation = check_facts(&tables, shards)?;
    // The cache of the operating system may show what never reached the disk.
    guarded(|| prove(&tables)).map_err(file)?;
    let store = Arc::new(Store::new(tables, path, process_lock));
    let ends = store.read(|tables| (0..shards).map(|shard| tables.end_of(shard)).collect()).map_err(file)?;
    Ok(Opened { store, incarnation, ends })
}

/// Makes a log under another name, which it loses when it is complete: a log with its name has all its parts.
fn create(folder: &Path, shards: u8, entropy: &dyn Entropy) -> Result<(), OpenError> {
    let in_folder = |source| OpenError::Folder { folder: folder.to_owned(), source };
    let new = folder.join(NEW_FOLDER);
    match std::fs::remove_dir_all(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(in_folder(error)),
        _ => {}
    }
    let mut bytes = [0; 8];
    entropy.fill(&mut bytes);
    let facts = [
        (FORMAT_FACT, FORMAT),
        (SHARDS_FACT, u64::from(shards)),
        (INCARNATION_FACT, u64::from_le_bytes(bytes)),
    ];
    Tables::create(&new, shards, &facts).map_err(file)?;
    // The new folder must still have its name after a power loss.
    std::fs::rename(&new, folder.join(LOG_FOLDER))
        .and_then(|()| File::open(folder))
        .and_then(|folder| folder.sync_all())
        .map_err(in_folder)
}

/// Compares the recorded facts. Gives the incarnation.
fn check_facts(tables: &Tables, shards: u8) -> Result<u64, OpenError> {
    let fact = |name| guarded(|| tables.fact(name)).map_err(file);
    let (format, recorded) = (fact(FORMAT_FACT)?, fact(SHARDS_FACT)?);
    if format != FORMAT {
        return Err(OpenError::Format { recorded: format });
    }
    if recorded != u64::from(shards) {
        return Err(OpenError::Shards { recorded, asked: shards });
    }
    fact(INCARNATION_FACT)
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

fn file(error: StoreError) -> OpenError {
    OpenError::File(Box::new(error))
}
