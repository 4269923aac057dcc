//! What is kept here of a device in the place of its keys.

use serde::{Deserialize, Serialize};

use crate::{driver::Link, keys::LinkKeysError};

/// Where the keys of a device are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Material {
    /// The worker that has them.
    pub(super) worker: String,
    /// Whether a device was linked; none if that was not heard.
    pub(super) linked: bool,
}

/// Where the keys of a device are could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    /// At this moment; a retry may help.
    Now,
    /// No worker has them.
    Never,
}

impl Material {
    /// Keeps it durably.
    pub(super) async fn keep(&self, link: &Link) -> Result<(), LinkKeysError> {
        // Two texts and a flag: nothing in it can fail.
        link.keys.put(&serde_json::to_vec(self).unwrap_or_default()).await
    }

    /// Reads it.
    pub(super) async fn of(link: &Link) -> Result<Self, Unknown> {
        match link.keys.get().await {
            Ok(Some(kept)) => serde_json::from_slice(&kept).map_err(|_| Unknown::Never),
            Ok(None) | Err(LinkKeysError::Damaged) => Err(Unknown::Never),
            Err(LinkKeysError::Store(_)) => Err(Unknown::Now),
        }
    }
}
