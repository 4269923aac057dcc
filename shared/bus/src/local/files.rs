//! What the file adapters share: checksums, overwriting, and leaving the async threads.
//!
//! Overwriting in place reaches the stored bytes on ordinary file systems. A copy-on-write file system, a
//! snapshot or the wear levelling of a disk may keep an older copy: there, disk encryption is the erasure.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::port::KeyStoreError;

/// A file of an adapter cannot be used.
#[derive(Debug, Error)]
pub enum FileError {
    /// The operating system refused. A retry helps when the cause is gone (a full disk, for example).
    #[error("{path} cannot be read or written", path = path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process has it open. A retry helps when that one has ended.
    #[error("{path} is in use by another process", path = path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The bytes are not what was written. A retry does not help; restore the file from a backup.
    #[error("{path} is damaged or not a file of this program", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The value is longer than the store takes. A retry does not help.
    #[error("the value is longer than {bytes_max} bytes")]
    TooLong {
        /// The limit.
        bytes_max: usize,
    },
}

impl FileError {
    /// Says which path an error of the operating system is about.
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

impl From<FileError> for KeyStoreError {
    fn from(error: FileError) -> Self {
        Self(error.into())
    }
}

/// Bytes of a checksum.
pub(super) const CHECKSUM_BYTES: usize = 8;

/// The first eight bytes of SHA-256: tells a torn or damaged write from a whole one.
pub(super) fn checksum(parts: &[&[u8]]) -> [u8; CHECKSUM_BYTES] {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
    }
    let [b0, b1, b2, b3, b4, b5, b6, b7, ..]: [u8; 32] = digest.finalize().into();
    [b0, b1, b2, b3, b4, b5, b6, b7]
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> Result<(), FileError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(FileError::io(folder))
}

/// Creates the folder if it is not there.
pub(super) fn make_folder(folder: &Path) -> Result<(), FileError> {
    fs::create_dir_all(folder).map_err(FileError::io(folder))
}

/// Overwrites a file with zeros, syncs it and unlinks it. One that is gone already is no error.
pub(super) fn erase(path: &Path) -> Result<(), FileError> {
    let erased = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).open(path)?;
        let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
        file.write_all(&vec![0; length])?;
        file.sync_data()?;
        fs::remove_file(path)
    };
    match erased() {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::io(path)(error)),
        _ => Ok(()),
    }
}

/// Opens a file for reading and writing, makes it if it is not there, and keeps other processes off it.
pub(super) fn open_locked(path: &Path) -> Result<File, FileError> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(FileError::io(path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(FileError::InUse { path: path.to_owned() }),
        Err(fs::TryLockError::Error(source)) => Err(FileError::io(path)(source)),
    }
}

/// Runs work that waits for the disk apart from the async threads. It runs to its end even if the caller
/// stops waiting.
pub(super) async fn blocking<T, F>(path: &Path, work: F) -> Result<T, FileError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, FileError> + Send + 'static,
{
    match berth_runtime::spawn_blocking(work).await {
        Ok(result) => result,
        // The work panicked or the runtime is shutting down.
        Err(error) => Err(FileError::io(path)(io::Error::other(error))),
    }
}
