//! Rows in sled. Nothing else of this crate knows sled, so that it can be replaced here.
//!
//! sled 0.34.7 survives a killed process, but it panics on some damage and silently answers with older
//! values on other. Each call is therefore guarded against panics, and what it returns is checked above.
//!
//! Its batches and transactions hold one lock of the whole process, which stops every read of every database until they are
//! written. So none is used: a batch is made update by update, and [`redo`] makes it whole again after a crash.

use std::{
    any::Any,
    io,
    ops::Bound,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{Batch, Store, StoreError, Update, redo};
use crate::port::Row;

/// How often sled brings what was applied to the disk, by itself and off the path of readers.
const FLUSH_EVERY_MS: u64 = 500;
/// How often opening is tried while an earlier handle of this process still lets go of its file lock.
const OPEN_TRIES_MAX: u32 = 100;
/// The pause between two such tries.
const OPEN_RETRY_PAUSE: Duration = Duration::from_millis(20);

/// An open sled database; its default tree holds everything.
#[derive(Debug)]
pub(crate) struct SledStore {
    /// Taken when dropped only.
    db: Option<sled::Db>,
    /// Held while a batch is made.
    batch: Mutex<()>,
}

impl SledStore {
    /// Opens or creates a database in a folder. `cache_bytes` bounds its page cache.
    pub(crate) fn open(folder: &Path, cache_bytes: u64) -> Result<Self, StoreError> {
        let mut tries = 1;
        loop {
            let opened = guarded("open", || {
                sled::Config::new()
                    .path(folder)
                    .cache_capacity(cache_bytes)
                    .flush_every_ms(Some(FLUSH_EVERY_MS))
                    .open()
            });
            match opened {
                Err(error) if tries < OPEN_TRIES_MAX && error.is_locked() => {
                    tries += 1;
                    std::thread::sleep(OPEN_RETRY_PAUSE);
                }
                opened => {
                    let store = Self { db: Some(opened?), batch: Mutex::default() };
                    store.finish()?;
                    return Ok(store);
                }
            }
        }
    }

    /// Makes the batch that was not ended when the process was. One that cannot be read may not be begun either: whoever verifies
    /// the rows sees that.
    fn finish(&self) -> Result<(), StoreError> {
        let db = self.db()?;
        let Some((written, parts)) = guarded("open", || redo::unfinished(db))? else { return Ok(()) };
        let batch = redo::decode(&written).unwrap_or_default();
        guarded("write", || make(db, &batch).and_then(|()| redo::end(db, parts)))
    }

    /// The database, past what is written by batches.
    #[cfg(test)]
    pub(super) fn database(&self) -> &sled::Db {
        self.db().expect("an open store")
    }

    fn db(&self) -> Result<&sled::Db, StoreError> {
        self.db.as_ref().ok_or(StoreError::Damaged("the store is closed"))
    }
}

impl Store for SledStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let db = self.db()?;
        guarded("read", || Ok(db.get(key)?.map(|value| value.to_vec())))
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Row>, StoreError> {
        let db = self.db()?;
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        guarded("scan", || {
            let mut rows = Vec::new();
            for entry in db.range::<&[u8], _>((start, Bound::Unbounded)) {
                let (key, value) = entry?;
                if rows.len() == limit || !key.starts_with(prefix) {
                    break;
                }
                rows.push((key.to_vec(), value.to_vec()));
            }
            Ok(rows)
        })
    }

    fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        let db = self.db()?;
        let _alone = self.batch.lock().unwrap_or_else(PoisonError::into_inner);
        guarded("write", || {
            if batch.len() < 2 {
                return make(db, &batch);
            }
            let parts = redo::begin(db, &batch)?;
            make(db, &batch)?;
            redo::end(db, parts)
        })
    }

    fn flush(&self) -> Result<(), StoreError> {
        let db = self.db()?;
        guarded("flush", || db.flush().map(|_bytes| ()))
    }
}

impl Drop for SledStore {
    fn drop(&mut self) {
        // sled flushes when it is dropped, and may panic on a damaged file then.
        let db = self.db.take();
        let _panicked = catch_unwind(AssertUnwindSafe(move || drop(db)));
    }
}

/// Makes the updates of a batch, one by one.
fn make(db: &sled::Db, batch: &[Update]) -> sled::Result<()> {
    for (key, value) in batch {
        if let Some(value) = value {
            db.insert(key, value.as_slice())?;
        }
    }
    for (key, _) in batch.iter().filter(|(_, value)| value.is_none()) {
        db.remove(key)?;
    }
    Ok(())
}

fn guarded<T>(operation: &'static str, work: impl FnOnce() -> sled::Result<T>) -> Result<T, StoreError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(sled::Error::Io(error))) if is_full(&error) => Err(StoreError::Full(Arc::new(error))),
        Ok(Err(error)) => Err(StoreError::Engine { operation, source: Arc::new(error) }),
        Err(panic) => Err(StoreError::Panicked { operation, message: panic_text(panic.as_ref()) }),
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

impl StoreError {
    /// Whether somebody has the store open, which says nothing of its rows. sled says so only in the text of an I/O error.
    pub(crate) fn is_locked(&self) -> bool {
        matches!(self, Self::Engine { source, .. } if source.to_string().contains("could not acquire lock"))
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&'static str>().copied())
        .unwrap_or("no message");
    text.chars().take(PANIC_TEXT_CHARS_MAX).collect()
}

/// How much of a panic's text is kept: it goes into a log line.
const PANIC_TEXT_CHARS_MAX: usize = 200;
