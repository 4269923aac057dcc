//! Stories and rules of the aggregates, on the public interface alone.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests stop at the first surprise"
)]

mod account_stories;
mod binding_stories;
mod deadline_stories;
mod delivery_stories;
mod directory_stories;
mod end_stories;
mod life;
mod link_stories;
mod model;
mod permission_stories;
mod receipt_stories;
mod report_stories;
mod rules;
mod webhook_stories;
