//! Whether a process may be sent work: each part of it registers a check.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use serde::Serialize;

/// What a check says at this moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Whether the part does its work.
    pub ready: bool,
    /// What it says of itself; without secrets, since `/readyz` needs no token.
    pub detail: String,
}

impl Check {
    /// The part does its work.
    pub fn ready(detail: impl Into<String>) -> Self {
        Self { ready: true, detail: detail.into() }
    }

    /// The part does not do its work, and why.
    pub fn waiting(detail: impl Into<String>) -> Self {
        Self { ready: false, detail: detail.into() }
    }
}

type Ask = Arc<dyn Fn() -> Check + Send + Sync>;

/// The checks of a process. Roles register theirs when they start; `/readyz` asks them all. Cheap to clone.
#[derive(Clone, Default)]
pub struct Readiness {
    /// Written at start, read by each request for `/readyz`.
    checks: Arc<RwLock<Vec<(&'static str, Ask)>>>,
}

impl Readiness {
    /// Without a check: not ready, since nothing was started yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a check. It must answer at once from memory.
    pub fn register(&self, name: &'static str, ask: impl Fn() -> Check + Send + Sync + 'static) {
        self.checks.write().unwrap_or_else(PoisonError::into_inner).push((name, Arc::new(ask)));
    }

    /// What every check says, in the order in which they were registered.
    pub fn ask(&self) -> Vec<(&'static str, Check)> {
        let checks = self.checks.read().unwrap_or_else(PoisonError::into_inner).clone();
        checks.into_iter().map(|(name, ask)| (name, ask())).collect()
    }

    /// Whether there is a check and all are ready.
    pub fn is_ready(&self) -> bool {
        let checks = self.ask();
        !checks.is_empty() && checks.iter().all(|(_, check)| check.ready)
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.ask()).finish()
    }
}
