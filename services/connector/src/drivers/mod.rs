//! The drivers.

pub mod by_upstream;
pub mod evolution;
pub mod simulated;
pub mod worker;
