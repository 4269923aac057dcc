//! The narrow trait between a view and the engine that keeps its rows.
//!
//! # Adding an engine
//! Implement [`Store`] and open it in [`crate::options::StoreKind`]. An engine need not notice damage: the
//! rows above it carry checksums, and a digest over all of them is verified at every open.

pub(crate) mod memory;
mod redo;
pub(crate) mod sled;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

use thiserror::Error;

use crate::port::Row;

/// A source error of an engine.
type Source = Arc<dyn std::error::Error + Send + Sync>;

/// The store failed or does not hold what it should. Unless the disk is full, the view is put aside and built
/// anew.
#[derive(Debug, Clone, Error)]
pub(crate) enum StoreError {
    /// The engine gave an error.
    #[error("the store could not {operation}")]
    Engine {
        /// What it was asked.
        operation: &'static str,
        /// Its error.
        #[source]
        source: Source,
    },
    /// The engine panicked.
    #[error("the store panicked when asked to {operation}: {message}")]
    Panicked {
        /// What it was asked.
        operation: &'static str,
        /// The text of the panic.
        message: String,
    },
    /// The disk is full. What is stored is sound; a retry helps when there is space again.
    #[error("the disk is full")]
    Full(#[source] Source),
    /// What is stored is not what was written.
    #[error("the rows are damaged: {0}")]
    Damaged(&'static str),
}

/// A key and its new value, none to remove it.
pub(crate) type Update = (Vec<u8>, Option<Vec<u8>>);

/// What survives a crash together. Each key stands in it once.
pub(crate) type Batch = Vec<Update>;

/// An ordered map of bytes with batches. Every call may block on the disk; none waits for a batch of another store.
pub(crate) trait Store: fmt::Debug + Send + Sync + 'static {
    /// A value.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Entries whose keys start with `prefix` and come after `after`, in order, at most `limit`.
    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Row>, StoreError>;

    /// Applies all changes or none, also across a crash. What was applied later never survives a crash
    /// that loses something applied earlier. Whoever reads meanwhile may meet a part of it: the first of the new values, in their
    /// order, or all of them and some that are removed. After an error the store is to be opened again before the next batch.
    fn apply(&self, batch: Batch) -> Result<(), StoreError>;

    /// Brings everything that was applied to the disk.
    fn flush(&self) -> Result<(), StoreError>;
}
