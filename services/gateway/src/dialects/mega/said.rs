//! The answer of a route that has nothing to show.

use serde::Serialize;
use utoipa::ToSchema;

/// It is done.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Said {
    /// `false`.
    error: bool,
    message: &'static str,
}

impl Said {
    pub(super) const fn done(message: &'static str) -> Self {
        Self { error: false, message }
    }
}
