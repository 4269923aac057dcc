//! The folder of a view: who owns it, where its rows lie, and what is put aside.
//!
//! ```text
//! <folder>/<view>/lock              held while a process uses the view
//! <folder>/<view>/v<schema>/        the rows
//! <folder>/<view>/quarantine-<time> rows that were damaged or of another schema; the newest two are kept
//! <folder>/<view>/opening           how often opening began and did not end
//! <folder>/<view>.high-water        how much of the log was seen (outlives the rows)
//! ```

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use berth_proto::Timestamp;
use thiserror::Error;

use crate::high_water;

/// Folders of damaged rows that are kept for a look at them.
const QUARANTINES_MAX: usize = 2;
/// How often opening the same rows may end the process before they are put aside unopened: an allocation
/// from a damaged length aborts, and would do so at each start.
const OPENINGS_MAX: u32 = 2;
/// How the name of a quarantined folder begins.
const QUARANTINE: &str = "quarantine-";
/// The file whose lock says that a process uses the view.
const LOCK: &str = "lock";
/// The file that counts openings.
const OPENING: &str = "opening";

/// A view cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process uses the folder. A retry helps once it has ended.
    #[error("the view folder {} is in use by another process", folder.display())]
    InUse {
        /// The folder of the view.
        folder: PathBuf,
    },
    /// The folder cannot be read or written. A retry helps once that is mended.
    #[error("the view folder {} cannot be used", folder.display())]
    Folder {
        /// The folder of the view.
        folder: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// A view's folder, held by this process.
#[derive(Debug)]
pub(crate) struct ViewFolder {
    root: PathBuf,
    home: PathBuf,
    view: &'static str,
    schema: u32,
    /// Held until this is dropped.
    _lock: File,
}

impl ViewFolder {
    /// Creates the folder if need be and takes it for this process.
    pub(crate) fn claim(root: &Path, view: &'static str, schema: u32) -> Result<Self, OpenError> {
        let home = root.join(view);
        let lock = claim(&home)?;
        Ok(Self { root: root.to_owned(), home, view, schema, _lock: lock })
    }

    /// Where the rows lie.
    pub(crate) fn rows(&self) -> PathBuf {
        self.home.join(format!("v{}", self.schema))
    }

    /// The file of the high-water marks.
    pub(crate) fn marks(&self) -> PathBuf {
        high_water::path(&self.root, self.view)
    }

    /// Puts rows of other schemas aside.
    pub(crate) fn set_other_schemas_aside(&self, now: Timestamp) -> io::Result<()> {
        let ours = self.rows();
        for entry in fs::read_dir(&self.home)? {
            let path = entry?.path();
            if path != ours && is_rows(&path) {
                tracing::info!(view = self.view, path = %path.display(), "rows of another schema are put aside");
                self.set_aside(&path, now)?;
            }
        }
        Ok(())
    }

    /// Puts our own rows aside, so that the view can be built anew. None there is no error.
    pub(crate) fn quarantine(&self, now: Timestamp) -> io::Result<()> {
        let rows = self.rows();
        if rows.symlink_metadata().is_ok() {
            self.set_aside(&rows, now)?;
        }
        self.opened()
    }

    /// Notes that opening begins. False if it never ended the last times: the rows are not to be opened.
    pub(crate) fn opening(&self) -> io::Result<bool> {
        let path = self.home.join(OPENING);
        let before: u32 = fs::read_to_string(&path).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        if before >= OPENINGS_MAX {
            return Ok(false);
        }
        fs::write(path, (before + 1).to_string())?;
        Ok(true)
    }

    /// Notes that opening ended, well or not.
    pub(crate) fn opened(&self) -> io::Result<()> {
        remove_file(&self.home.join(OPENING))
    }

    fn set_aside(&self, path: &Path, now: Timestamp) -> io::Result<()> {
        let mut name = format!("{QUARANTINE}{:020}", now.0);
        while self.home.join(&name).symlink_metadata().is_ok() {
            name.push('x');
        }
        fs::rename(path, self.home.join(name))?;
        let mut quarantines = Vec::new();
        for entry in fs::read_dir(&self.home)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(QUARANTINE) {
                quarantines.push(entry.path());
            }
        }
        quarantines.sort();
        let surplus = quarantines.len().saturating_sub(QUARANTINES_MAX);
        quarantines.iter().take(surplus).try_for_each(|path| remove_all(path))
    }
}

/// Forgets every view and high-water mark in the folder of views: they are built anew from the log as it is
/// now. This is the operator's answer to a log that lost commits; no process may use the views meanwhile.
pub fn accept_rollback(folder: &Path) -> Result<(), OpenError> {
    let failed = |source| OpenError::Folder { folder: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    let mut locks = Vec::new();
    let (mut homes, mut marks) = (Vec::new(), Vec::new());
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.join(LOCK).is_file() {
            // All are claimed before the first is removed, so that a refusal changes nothing.
            locks.push(claim(&path)?);
            homes.push(path);
        } else if path.to_string_lossy().ends_with(high_water::SUFFIX) {
            marks.push(path);
        }
    }
    homes.iter().chain(&marks).try_for_each(|path| remove_all(path)).map_err(failed)
}

fn claim(home: &Path) -> Result<File, OpenError> {
    let failed = |source| OpenError::Folder { folder: home.to_owned(), source };
    fs::create_dir_all(home).map_err(failed)?;
    let lock =
        File::options().create(true).write(true).truncate(false).open(home.join(LOCK)).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { folder: home.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

fn is_rows(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .and_then(|name| name.strip_prefix('v'))
        .is_some_and(|digits| digits.parse::<u32>().is_ok())
}

fn remove_all(path: &Path) -> io::Result<()> {
    if path.symlink_metadata()?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
