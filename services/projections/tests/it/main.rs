//! Stories of the projections: lists, searches and the public events.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails where it stands"
)]

mod feed;
mod late_log;
mod lists;
mod on_nats;
mod waits;
mod world;
