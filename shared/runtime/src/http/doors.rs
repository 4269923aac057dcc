//! What a listener serves, which is more once its process has started.

use std::sync::{Arc, OnceLock};

use axum::{Router, http::StatusCode, http::header::RETRY_AFTER, response::IntoResponse};

/// What is said to whoever comes before the process has started.
const STARTING: &str = "Berth is starting: try again in a moment, and see /readyz for what it waits for.";

/// First what a process says of itself, then all that it does. Clones are the same.
#[derive(Debug, Clone)]
pub struct Doors {
    first: Router,
    all: Arc<OnceLock<Router>>,
}

// === impl Doors ===

impl Doors {
    /// Serves these routes until more are there; everything else is answered with 503.
    pub fn new(first: Router) -> Self {
        let starting =
            || async { (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], STARTING).into_response() };
        Self { first: first.fallback(starting), all: Arc::new(OnceLock::new()) }
    }

    /// Serves these routes from now on. They are set once.
    pub fn open(&self, all: Router) {
        let _set_before = self.all.set(all);
    }

    /// What is served at this moment.
    pub(super) fn router(&self) -> Router {
        self.all.get().unwrap_or(&self.first).clone()
    }
}

impl From<Router> for Doors {
    /// A router that is whole.
    fn from(all: Router) -> Self {
        let doors = Self { first: Router::new(), all: Arc::new(OnceLock::new()) };
        doors.open(all);
        doors
    }
}
