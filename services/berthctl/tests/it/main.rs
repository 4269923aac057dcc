//! Stories of `berthctl` against a Berth that really runs.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "helpers of tests may panic")]

mod access;
mod accounts;
mod audits;
mod bad_input;
mod doctor;
mod documents;
mod exports;
mod instances;
mod linking;
mod listening;
mod live;
mod upstreams;
mod webhooks;
mod world;
