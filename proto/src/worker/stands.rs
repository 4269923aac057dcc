//! How the workers of a connector stand, as it tells whoever asks on [`crate::subject::WORKERS_ASKED`]: JSON, for this moment.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// A worker that is connected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stands {
    /// Its name.
    pub worker: String,
    /// Its library.
    pub library: String,
    /// The release of that.
    pub version: String,
    /// Links that it offers to run at once.
    pub capacity: u32,
    /// Links that it runs.
    pub links: u32,
    /// The highest epoch under which it runs one; none if it runs none.
    pub epoch: Option<u64>,
    /// Since when it is connected.
    pub connected_at: Timestamp,
    /// When it was last heard.
    pub heard_at: Timestamp,
}
