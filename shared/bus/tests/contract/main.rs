//! The contract suites: one for each port, run against every adapter of it on real files and a real server.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod bus;
mod checkpoints;
mod cluster;
mod deployment;
mod device_keys;
mod door;
mod feed;
mod key_ring;
mod key_store;
mod key_store_model;
mod leases;
mod permissions;
mod postbag;
mod server_clock;
mod support;
mod volatile;
