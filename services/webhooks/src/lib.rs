//! Derives webhook notices from the log and delivers them.

pub mod derive;
#[cfg(test)]
mod fixtures;
pub mod formats;
pub mod gate;
pub mod schedule;
pub mod signing;
