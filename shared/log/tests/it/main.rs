//! The contract of the log, run against every engine, and what each engine promises beyond it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on shall fail there"
)]

mod cluster;
mod contract;
mod crash;
mod damage;
mod embedded;
mod full;
mod jetstream;
mod memory;
mod one_follower;
mod one_writer;
mod tags;
mod transaction;
mod undeliverable;
mod unreadable;
