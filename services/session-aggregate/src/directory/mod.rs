//! The directory: one tiny aggregate for each unique key. What is reserved here cannot be reserved twice,
//! whichever replica tries, because an append expects the version that was read.

mod domain;
mod search;
mod store;

pub(crate) use domain::{Holder, Refused};
pub(crate) use store::{Cause, Directory};
