//! Stories of views: rebuilt, damaged, killed, and on a log that went back in time.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails where it stands")]

mod beside;
mod crash;
mod damage;
mod engines;
mod log;
mod rebuild;
mod world;
