//! What is said of a run.

pub(crate) mod json;
pub(crate) mod markdown;
