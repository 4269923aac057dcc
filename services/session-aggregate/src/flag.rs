//! Something that is so or not, seen from other tasks.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Written by the one task that knows, read by whoever asks. Clones are the same flag.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flag(Arc<AtomicBool>);

impl Flag {
    pub(crate) fn is_on(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn set(&self, on: bool) {
        self.0.store(on, Ordering::Release);
    }
}
