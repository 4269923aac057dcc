//! How a view is opened.

use std::{path::Path, sync::Arc, time::Duration};

use berth_runtime::Clock;

use crate::store::{Store, StoreError, memory::MemoryStore, sled::SledStore};

/// The page cache of a view unless said otherwise, in bytes: with three views in one process it stays well
/// inside the memory of a small machine.
pub const CACHE_BYTES_DEFAULT: u64 = 64 * 1024 * 1024;

/// Bytes of changed rows that a view holds back while it is built, unless said otherwise: the rows of some four thousand
/// instances. What is written of them takes twice as much more for a moment, and four views may be built at once.
pub const HELD_BYTES_DEFAULT: usize = 4 * 1024 * 1024;

/// The time between two batches of a view that is up to date, unless said otherwise: commits of a busy moment share the
/// work that a batch costs, which else takes more of the processor than the commands themselves. The first commit after a
/// quiet moment does not wait.
const REST_DEFAULT: Duration = Duration::from_millis(20);

/// The engine that keeps the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StoreKind {
    /// Files in the view's folder.
    #[default]
    Sled,
    /// Memory, for tests: each start builds the view anew.
    Memory,
}

/// How a view is opened.
#[derive(Debug, Clone)]
pub struct ViewOptions {
    /// For lags and the names of folders that are put aside.
    pub clock: Arc<dyn Clock>,
    /// Bound of the page cache in bytes.
    pub cache_bytes: u64,
    /// Bytes of changed rows that are held back while nobody may read the rows, on top of one batch.
    pub held_bytes: usize,
    /// The engine.
    pub store: StoreKind,
    /// The time between two batches while it is up to date.
    pub rest: Duration,
}

impl ViewOptions {
    /// The usual options.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            cache_bytes: CACHE_BYTES_DEFAULT,
            held_bytes: HELD_BYTES_DEFAULT,
            store: StoreKind::default(),
            rest: REST_DEFAULT,
        }
    }

    /// Rows in memory, for tests.
    pub fn in_memory(clock: Arc<dyn Clock>) -> Self {
        Self { store: StoreKind::Memory, ..Self::new(clock) }
    }

    /// Opens the engine in a folder.
    pub(crate) fn open_store(&self, rows: &Path) -> Result<Box<dyn Store>, StoreError> {
        Ok(match self.store {
            StoreKind::Sled => Box::new(SledStore::open(rows, self.cache_bytes)?),
            StoreKind::Memory => Box::new(MemoryStore::default()),
        })
    }
}
