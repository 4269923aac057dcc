//! Names of this crate's metrics, in one place.

use metrics::{counter, gauge, histogram};

/// Commands that were answered, by `outcome`: `applied`, `unchanged`, `replayed`, `rejected`, `unavailable`.
const COMMANDS: &str = "berth_aggregate_commands_total";
/// Commands that were answered by one commit.
const BATCH_COMMANDS: &str = "berth_aggregate_batch_commands";
/// Appends that lost against another replica and were decided again.
const CONFLICTS: &str = "berth_aggregate_conflicts_total";
/// Mailboxes that are at work.
const MAILBOXES: &str = "berth_aggregate_mailboxes";
/// Commands that a mailbox found waiting when it looked.
const MAILBOX_DEPTH: &str = "berth_aggregate_mailbox_depth_commands";
/// Work of the process manager whose moment has come.
const DUE: &str = "berth_aggregate_due_jobs";
/// Work of the process manager that was done, by `job`.
const SWEPT: &str = "berth_aggregate_swept_total";
/// Work of the process manager that failed and is tried again, by `job`.
const SWEEP_FAILURES: &str = "berth_aggregate_sweep_failures_total";

pub(crate) fn command(outcome: &'static str) {
    counter!(COMMANDS, "outcome" => outcome).increment(1);
}

#[expect(clippy::cast_precision_loss, reason = "a batch has at most 64 commands")]
pub(crate) fn batch(commands: usize) {
    histogram!(BATCH_COMMANDS).record(commands as f64);
}

pub(crate) fn conflict() {
    counter!(CONFLICTS).increment(1);
}

#[expect(clippy::cast_precision_loss, reason = "there are at most some thousand mailboxes")]
pub(crate) fn mailboxes(count: usize) {
    gauge!(MAILBOXES).set(count as f64);
}

#[expect(clippy::cast_precision_loss, reason = "a mailbox holds at most some thousand commands")]
pub(crate) fn mailbox_depth(commands: usize) {
    histogram!(MAILBOX_DEPTH).record(commands as f64);
}

#[expect(clippy::cast_precision_loss, reason = "a sweep looks at some thousand jobs")]
pub(crate) fn due(jobs: usize) {
    gauge!(DUE).set(jobs as f64);
}

pub(crate) fn swept(job: &'static str) {
    counter!(SWEPT, "job" => job).increment(1);
}

pub(crate) fn sweep_failed(job: &'static str) {
    counter!(SWEEP_FAILURES, "job" => job).increment(1);
}
