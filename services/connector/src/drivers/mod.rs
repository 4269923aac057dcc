//! The drivers.

pub mod simulated;
