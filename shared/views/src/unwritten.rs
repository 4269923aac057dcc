//! Changed rows that are not written yet.
//!
//! Rows that are read are written with each batch. Rows that nobody may read yet, since they do not stand for a whole log, are
//! held back: a view that is built meets most rows again and again, and what it costs to write one is most of what it costs to
//! fold a commit. The checkpoint is written with them, so a process that ends meanwhile folds again what was held back.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    checked::{Checked, Checkpoint, Sums},
    store::StoreError,
};

/// Rows that one commit changed: their new values, none if removed.
pub(crate) type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// How long rows are held back: what a start after a crash folds again.
const HELD_MAX: Duration = Duration::from_secs(5);
/// Bytes that a row takes beside its key and value while it is held back, about.
const ROW_BYTES: usize = 96;

/// Changed rows that are not written yet.
#[derive(Debug)]
pub(crate) struct Unwritten {
    /// Their new values by key, none if removed. There may be many, and each commit looks for some: they are sorted once they are
    /// written.
    changes: HashMap<Vec<u8>, Option<Vec<u8>>>,
    /// The checksums of stored rows that the fold read, so that writing need not read them again.
    sums: Sums,
    /// Bytes of both in memory, about.
    bytes: usize,
    /// Bytes at which they are held back no longer.
    bytes_max: usize,
    /// Since when there are any.
    since: Option<Instant>,
}

impl Unwritten {
    /// None yet; at most so many bytes of them are held back, on top of one batch.
    pub(crate) fn within(bytes_max: usize) -> Self {
        Self { changes: HashMap::new(), sums: Sums::new(), bytes: 0, bytes_max, since: None }
    }

    /// Takes them out.
    pub(crate) fn take(&mut self) -> Self {
        let none = Self::within(self.bytes_max);
        std::mem::replace(self, none)
    }

    /// Whether no row changed.
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Whether they may be held back no longer.
    pub(crate) fn are_due(&self) -> bool {
        self.bytes >= self.bytes_max || self.since.is_some_and(|since| since.elapsed() >= HELD_MAX)
    }

    /// A row that changed.
    pub(crate) fn get(&self, key: &[u8]) -> Option<&Option<Vec<u8>>> {
        self.changes.get(key)
    }

    /// Whether it was found before that there is no such row, as most look-ups for what may be open find.
    pub(crate) fn is_absent(&self, key: &[u8]) -> bool {
        matches!(self.sums.get(key), Some(None))
    }

    /// Notes the checksum of a stored row that was read; none if there is no such row.
    pub(crate) fn was_read(&mut self, key: &[u8], sum: Option<u128>) {
        if self.sums.insert(key.to_vec(), sum).is_none() {
            self.bytes += ROW_BYTES + key.len();
        }
    }

    /// Takes changes.
    pub(crate) fn extend(&mut self, changes: Changes) {
        for (key, value) in changes {
            let (key_bytes, value_bytes) = (key.len(), value.as_ref().map_or(0, Vec::len));
            self.bytes += value_bytes;
            match self.changes.insert(key, value) {
                Some(before) => self.bytes -= before.map_or(0, |before| before.len()),
                None => self.bytes += ROW_BYTES + key_bytes,
            }
        }
        if !self.changes.is_empty() {
            self.since.get_or_insert_with(Instant::now);
        }
    }

    /// Writes them with the checkpoint that they bring about; none are left.
    pub(crate) fn write(&mut self, checked: &Checked, checkpoint: &mut Checkpoint) -> Result<(), StoreError> {
        let Self { changes, sums, .. } = self.take();
        let mut changes: Vec<_> = changes.into_iter().collect();
        changes.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        checked.write(changes, &sums, checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use berth_runtime::SystemClock;

    use super::*;
    use crate::options::ViewOptions;

    fn change(key: u8, value: Option<usize>) -> Changes {
        [(vec![key], value.map(|bytes| vec![7; bytes]))].into()
    }

    #[tokio::test(start_paused = true)]
    async fn they_are_due_by_their_bytes_and_by_their_age() {
        let mut rows = Unwritten::within(3 * ROW_BYTES);
        rows.extend(change(1, Some(ROW_BYTES)));
        for _ in 0..9 {
            rows.extend(change(1, Some(ROW_BYTES)));
        }
        assert!(!rows.are_due(), "one row counts once");
        rows.extend(change(1, None));
        rows.was_read(&[1], None);
        rows.was_read(&[1], None);
        assert!(!rows.are_due(), "a removed row has no value");
        rows.extend(change(2, None));
        assert!(rows.are_due());
        let mut rows = Unwritten::within(usize::MAX);
        tokio::time::advance(HELD_MAX).await;
        rows.extend(change(1, None));
        assert!(!rows.are_due());
        tokio::time::advance(HELD_MAX).await;
        assert!(rows.are_due());
        assert!(!rows.take().is_empty() && rows.is_empty() && !rows.are_due(), "others have their own time");
    }

    #[test]
    fn they_are_written_once_with_their_checkpoint() {
        let store = ViewOptions::in_memory(Arc::new(SystemClock)).open_store("".as_ref()).unwrap();
        let (checked, mut checkpoint) = Checked::open(store, "rows", 1).unwrap();
        let mut rows = Unwritten::within(usize::MAX);
        rows.was_read(&[1], None);
        rows.extend(change(1, Some(1)));
        rows.extend(change(1, Some(2)));
        rows.extend(change(2, None));
        rows.write(&checked, &mut checkpoint).unwrap();
        assert!(rows.is_empty());
        assert_eq!((checkpoint.rows, checked.get(&[1]).unwrap()), (1, Some(vec![7; 2])));
        assert_eq!(checked.checkpoint(), checkpoint);
    }
}
