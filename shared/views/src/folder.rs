//! The folder of a view: who owns it, where its rows lie, and what is put aside.
//!
//! ```text
//! <folder>/<view>/lock              held while a process uses the view
//! <folder>/<view>/v<schema>/        the rows, as they were begun first
//! <folder>/<view>/v<schema>-<n>/    rows that were built beside others
//! <folder>/<view>/rows              the name of the folder of the rows that are read; absent: the first
//! <folder>/<view>/next              the name of the folder of rows that are built beside those
//! <folder>/<view>/next-release      the program that began them: another one begins anew
//! <folder>/<view>/next-accepts      the numbers of what they may lack of what the log cannot give any more
//! <folder>/<view>/quarantine-<time> rows that were damaged or of another schema; the newest two are kept
//! <folder>/<view>/opening           how often opening began and did not end
//! <folder>/<view>/opening-next      the same of the rows that are built beside
//! <folder>/<view>.high-water        how much of the log was seen (outlives the rows)
//! ```
//!
//! Rows that are built beside others take their place when `next` becomes `rows`: one rename, so that a process that ends at any
//! moment leaves the former rows or the new ones. What neither file names is removed at the next start.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use berth_proto::{Timestamp, views::DamageNumber};
use thiserror::Error;

use crate::{high_water, program::program};

/// Folders of damaged rows that are kept for a look at them.
const QUARANTINES_MAX: usize = 2;
/// How often opening the same rows may end the process before they are put aside unopened: an allocation
/// from a damaged length aborts, and would do so at each start.
const OPENINGS_MAX: u32 = 2;
/// How the name of a quarantined folder begins.
const QUARANTINE: &str = "quarantine-";
/// The file whose lock says that a process uses the view.
const LOCK: &str = "lock";
/// The file that counts openings, and that of the rows that are built beside.
const OPENING: &str = "opening";
const OPENING_NEXT: &str = "opening-next";
/// The file that names the rows, and the one that names those that are built beside.
const ROWS: &str = "rows";
const NEXT: &str = "next";
/// The file that says which program began the latter: another may have folded what this one folds otherwise, which is why
/// rows are built anew.
const NEXT_RELEASE: &str = "next-release";
/// The file that says what the latter may lack of what the log cannot give any more.
const NEXT_ACCEPTS: &str = "next-accepts";

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

/// Which rows of a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// Those that are read.
    Rows,
    /// Those that are built beside them.
    Next,
}

impl Which {
    /// The file that counts their openings.
    const fn counter(self) -> &'static str {
        match self {
            Self::Rows => OPENING,
            Self::Next => OPENING_NEXT,
        }
    }
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

    /// Where the rows lie that are read.
    pub(crate) fn rows(&self) -> PathBuf {
        self.home.join(self.named(ROWS).unwrap_or_else(|| format!("v{}", self.schema)))
    }

    /// Where the rows lie that are built beside them, if that was begun and did not end.
    pub(crate) fn next(&self) -> Option<PathBuf> {
        self.named(NEXT).map(|name| self.home.join(name))
    }

    /// Begins rows beside those that are read, or goes on with those that were begun; gives their folder.
    pub(crate) fn begin_next(&self) -> io::Result<PathBuf> {
        if let Some(begun) = self.next() {
            return Ok(begun);
        }
        // What was accepted was said of other rows.
        remove_file(&self.home.join(NEXT_ACCEPTS))?;
        self.begin_next_anew()
    }

    /// Begins rows beside those that are read, instead of any that were begun.
    fn begin_next_anew(&self) -> io::Result<PathBuf> {
        let last = self.all_rows()?.into_iter().filter_map(|(_, _, number)| number).max().unwrap_or(0);
        let name = format!("v{}-{}", self.schema, last + 1);
        write_whole(&self.home, NEXT, &name)?;
        // A process that ends here begins anew, which is nothing lost.
        write_whole(&self.home, NEXT_RELEASE, program().unwrap_or_default())?;
        Ok(self.home.join(name))
    }

    /// Lets the rows that are built beside lack what one of these numbers stands for, however often the process starts. Never
    /// called by two at once.
    pub(crate) fn accept_damage(&self, numbers: &[DamageNumber]) -> io::Result<()> {
        let lines: Vec<_> = numbers.iter().map(ToString::to_string).collect();
        write_whole(&self.home, NEXT_ACCEPTS, &lines.join("\n"))
    }

    /// What they may lack.
    pub(crate) fn next_accepted(&self) -> Vec<DamageNumber> {
        let said = fs::read_to_string(self.home.join(NEXT_ACCEPTS)).unwrap_or_default();
        said.lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// Removes what is said of the rows that are built beside.
    fn forget_next(&self) -> io::Result<()> {
        [NEXT_RELEASE, NEXT_ACCEPTS, OPENING_NEXT]
            .iter()
            .try_for_each(|file| remove_file(&self.home.join(file)))
    }

    /// Lets the rows that were built beside take the place of those that are read, at once and for good; gives the folder of
    /// the former ones.
    pub(crate) fn promote_next(&self) -> io::Result<PathBuf> {
        let former = self.rows();
        fs::rename(self.home.join(NEXT), self.home.join(ROWS))?;
        File::open(&self.home)?.sync_all()?;
        self.forget_next()?;
        Ok(former)
    }

    /// Throws away what was built beside. Nothing there is no error.
    pub(crate) fn drop_next(&self) -> io::Result<()> {
        let begun = self.next();
        remove_file(&self.home.join(NEXT))?;
        self.forget_next()?;
        begun.map_or(Ok(()), |begun| remove_rows(&begun))
    }

    /// The name in a file, if it is that of rows of our schema.
    fn named(&self, file: &str) -> Option<String> {
        let name = fs::read_to_string(self.home.join(file)).ok()?;
        (parse_rows(&name)?.0 == self.schema).then_some(name)
    }

    /// Every folder of rows, with its schema, and its number if it was built beside others.
    fn all_rows(&self) -> io::Result<Vec<(PathBuf, u32, Option<u64>)>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.home)? {
            let path = entry?.path();
            if let Some((schema, number)) = path.file_name().and_then(|name| parse_rows(name.to_str()?)) {
                all.push((path, schema, number));
            }
        }
        Ok(all)
    }

    /// The file of the high-water marks.
    pub(crate) fn marks(&self) -> PathBuf {
        high_water::path(&self.root, self.view)
    }

    /// Puts rows of other schemas aside, begins anew what another program began beside, and removes what is neither read nor built.
    pub(crate) fn tidy(&self, now: Timestamp) -> io::Result<()> {
        for file in [ROWS, NEXT] {
            if self.named(file).is_none() {
                remove_file(&self.home.join(file))?;
            }
        }
        let begun = self.next().is_some();
        let is_ours = begun && self.was_begun_by_us();
        if !is_ours {
            // It was said of other rows.
            remove_file(&self.home.join(NEXT_ACCEPTS))?;
        }
        if begun && !is_ours {
            tracing::info!(view = self.view, "what another program began to build beside is begun anew");
            self.begin_next_anew()?;
        }
        let kept = [Some(self.rows()), self.next()];
        for (path, schema, _) in self.all_rows()? {
            if schema != self.schema {
                tracing::info!(view = self.view, path = %path.display(), "rows of another schema are put aside");
                self.set_aside(&path, now)?;
            } else if !kept.contains(&Some(path.clone())) {
                remove_rows(&path)?;
            }
        }
        Ok(())
    }

    fn was_begun_by_us(&self) -> bool {
        let begun_by = fs::read_to_string(self.home.join(NEXT_RELEASE)).ok();
        program().is_some_and(|ours| begun_by.as_deref() == Some(ours))
    }

    /// Puts the rows that are read aside. Those that are built beside take their place, if there are any; else the view is
    /// built anew. None there is no error.
    pub(crate) fn quarantine(&self, now: Timestamp) -> io::Result<()> {
        let rows = self.rows();
        // First, so that a process that ends here begins with them.
        if self.next().is_some() {
            self.promote_next()?;
        }
        if rows.symlink_metadata().is_ok() {
            self.set_aside(&rows, now)?;
        }
        self.opened(Which::Rows)
    }

    /// Notes that opening begins. False if it never ended the last times: the rows are not to be opened.
    pub(crate) fn opening(&self, which: Which) -> io::Result<bool> {
        let path = self.home.join(which.counter());
        let before: u32 = fs::read_to_string(&path).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        if before >= OPENINGS_MAX {
            return Ok(false);
        }
        fs::write(path, (before + 1).to_string())?;
        Ok(true)
    }

    /// Notes that opening ended, well or not.
    pub(crate) fn opened(&self, which: Which) -> io::Result<()> {
        remove_file(&self.home.join(which.counter()))
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

/// The schema and the number in the name of a folder of rows.
fn parse_rows(name: &str) -> Option<(u32, Option<u64>)> {
    let name = name.strip_prefix('v')?;
    match name.split_once('-') {
        Some((schema, number)) => Some((schema.parse().ok()?, Some(number.parse().ok()?))),
        None => Some((name.parse().ok()?, None)),
    }
}

/// Writes a file so that it is whole or absent, whenever the process or the machine ends.
fn write_whole(home: &Path, name: &str, content: &str) -> io::Result<()> {
    let fresh = home.join(format!("{name}-new"));
    fs::write(&fresh, content)?;
    File::open(&fresh)?.sync_all()?;
    fs::rename(&fresh, home.join(name))?;
    File::open(home)?.sync_all()
}

/// Removes a folder of rows. None there is no error.
pub(crate) fn remove_rows(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
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
