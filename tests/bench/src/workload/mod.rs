//! What is asked of Berth.

pub(crate) mod commands;
pub(crate) mod console;
pub(crate) mod creates;
pub(crate) mod links;
pub(crate) mod lists;
pub(crate) mod logouts;
pub(crate) mod passing;
pub(crate) mod pauses;
pub(crate) mod reads;
pub(crate) mod stubborn;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Makes every `Idempotency-Key` of a run another one.
static NEXT_KEY: AtomicU64 = AtomicU64::new(1);

/// An instance as its create showed it.
#[derive(Debug, Clone)]
pub(crate) struct Instance {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) token: String,
}

/// Instances that clients share.
pub(crate) type Population = Arc<[Instance]>;

/// A key that was never used.
pub(crate) fn next_key() -> String {
    format!("bench-{:016}", NEXT_KEY.fetch_add(1, Ordering::Relaxed))
}
