//! Attempts, as local rows: written as started before a notice is sent and as ended after it.
//!
//! One append-only file, read once at start and written anew when most of it is outdated. Rows survive the
//! death of the process. They need not survive the loss of power or of the machine: a notice whose row is
//! gone starts its schedule again under the same id. A row that was started and never ended is an attempt
//! whose fate is unknown; it is repeated.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use berth_proto::{Timestamp, delivery::NoticeKeyV1};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// The file is written anew when it has this many records more than there are rows.
const OUTDATED_RECORDS_MAX: usize = 65_536;
/// Bytes before a record: its length and the first bytes of its hash.
const PREFIX_BYTES: usize = 2 + 4;

/// The journal cannot be read or written. A retry helps when the disk works again.
#[derive(Debug, Error)]
#[error("the journal of attempts cannot be written at {path}")]
pub struct JournalError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// How far a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// Attempts that were started.
    pub attempts: u16,
    /// When the next one is due.
    pub due: Timestamp,
    /// Whether one runs, or ran when the process died.
    pub running: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    notice: NoticeKeyV1,
    /// None: the notice is settled and its row gone.
    tried: Option<Tried>,
}

/// The rows; see the module.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    /// Read and written by the dispatcher.
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: File,
    rows: HashMap<NoticeKeyV1, Tried>,
    records: usize,
}

// === impl Journal ===

impl Journal {
    /// Opens or creates the file. A damaged end (the process died while writing) is cut off.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let failed = |source| JournalError { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let rows = match fs::read(path) {
            Ok(bytes) => replay(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => HashMap::new(),
            Err(error) => return Err(failed(error)),
        };
        let file = rewrite(path, &rows).map_err(failed)?;
        let records = rows.len();
        Ok(Self { path: path.to_owned(), inner: Mutex::new(Inner { file, rows, records }) })
    }

    /// How far a notice is; none if it was never tried here.
    pub fn get(&self, notice: &NoticeKeyV1) -> Option<Tried> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).rows.get(notice).copied()
    }

    /// Writes how far a notice is.
    pub fn put(&self, notice: NoticeKeyV1, tried: Tried) -> Result<(), JournalError> {
        self.write(&Line { notice, tried: Some(tried) })
    }

    /// Forgets a notice that is settled.
    pub fn forget(&self, notice: &NoticeKeyV1) -> Result<(), JournalError> {
        if self.get(notice).is_none() {
            return Ok(());
        }
        self.write(&Line { notice: *notice, tried: None })
    }

    fn write(&self, record: &Line) -> Result<(), JournalError> {
        let failed = |source| JournalError { path: self.path.clone(), source };
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.file.write_all(&frame(record).map_err(failed)?).map_err(failed)?;
        fold(&mut inner.rows, record);
        inner.records += 1;
        if inner.records > inner.rows.len() + OUTDATED_RECORDS_MAX {
            inner.file = rewrite(&self.path, &inner.rows).map_err(failed)?;
            inner.records = inner.rows.len();
        }
        Ok(())
    }
}

fn fold(rows: &mut HashMap<NoticeKeyV1, Tried>, record: &Line) {
    match record.tried {
        Some(tried) => rows.insert(record.notice, tried),
        None => rows.remove(&record.notice),
    };
}

fn frame(record: &Line) -> io::Result<Vec<u8>> {
    let body = postcard::to_allocvec(record).map_err(io::Error::other)?;
    let length = u16::try_from(body.len()).map_err(io::Error::other)?;
    let mut bytes = Vec::with_capacity(PREFIX_BYTES + body.len());
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&check(&body));
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

fn check(body: &[u8]) -> [u8; 4] {
    let [a, b, c, d, ..]: [u8; 32] = Sha256::digest(body).into();
    [a, b, c, d]
}

fn replay(mut bytes: &[u8]) -> HashMap<NoticeKeyV1, Tried> {
    let mut rows = HashMap::new();
    while let Some((record, rest)) = unframe(bytes) {
        fold(&mut rows, &record);
        bytes = rest;
    }
    rows
}

fn unframe(bytes: &[u8]) -> Option<(Line, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    let (expected, rest) = rest.split_first_chunk::<4>()?;
    let (body, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    if check(body) != *expected {
        return None;
    }
    let (record, left) = postcard::take_from_bytes(body).ok()?;
    left.is_empty().then_some((record, rest))
}

/// Writes the rows to a new file that takes the old one's place.
fn rewrite(path: &Path, rows: &HashMap<NoticeKeyV1, Tried>) -> io::Result<File> {
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    for (notice, tried) in rows {
        file.write_all(&frame(&Line { notice: *notice, tried: Some(*tried) })?)?;
    }
    file.sync_all()?;
    fs::rename(&new, path)?;
    OpenOptions::new().append(true).open(path)
}

#[cfg(test)]
mod tests {
    use berth_proto::EndpointId;

    use super::*;
    use berth_notices::fixtures::{INSTANCE, at};

    fn key(ordinal: u16) -> NoticeKeyV1 {
        NoticeKeyV1 { instance: INSTANCE, version: 3, endpoint: EndpointId::from_bytes([2; 16]), ordinal }
    }

    #[test]
    fn rows_come_back_and_a_torn_end_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("attempts").join("journal");
        let tried = Tried { attempts: 2, due: at(5), running: true };
        {
            let journal = Journal::open(&path).unwrap();
            journal.put(key(0), Tried { attempts: 1, ..tried }).unwrap();
            journal.put(key(0), tried).unwrap();
            journal.put(key(1), tried).unwrap();
            journal.forget(&key(1)).unwrap();
            journal.put(key(2), tried).unwrap();
        }
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
        let journal = Journal::open(&path).unwrap();
        assert_eq!([0, 1, 2].map(|ordinal| journal.get(&key(ordinal))), [Some(tried), None, None]);
        journal.put(key(3), tried).unwrap();
        assert_eq!(Journal::open(&path).unwrap().get(&key(3)), Some(tried));
    }
}
