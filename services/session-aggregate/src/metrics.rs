//! Names of this crate's metrics, in one place.

use std::time::Duration;

use berth_runtime::telemetry::Handles;
use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};

use crate::{admission::Misfit, process::job::Work};

const COMMANDS: &str = "berth_aggregate_commands_total";
const MISFITS: &str = "berth_aggregate_misfit_requests_total";
const COMMAND_SECONDS: &str = "berth_aggregate_command_seconds";
const BATCH_COMMANDS: &str = "berth_aggregate_batch_commands";
const MAILBOXES: &str = "berth_aggregate_mailboxes";
const MAILBOX_DEPTH: &str = "berth_aggregate_mailbox_depth_commands";
const OWNED: &str = "berth_aggregate_partitions";
const DUE: &str = "berth_aggregate_due_jobs";
const SWEPT: &str = "berth_aggregate_swept_total";
const SWEEP_FAILURES: &str = "berth_aggregate_sweep_failures_total";

static ANSWERED: Handles<(&str, &str), Counter> =
    Handles::new(|(command, outcome)| counter!(COMMANDS, "command" => command, "outcome" => outcome));
static SECONDS: Handles<&str, Histogram> =
    Handles::new(|outcome| histogram!(COMMAND_SECONDS, "outcome" => outcome));
static BATCHES: Handles<(), Histogram> = Handles::new(|()| histogram!(BATCH_COMMANDS));
static AT_WORK: Handles<(), Gauge> = Handles::new(|()| gauge!(MAILBOXES));
static PARTITIONS: Handles<(), Gauge> = Handles::new(|()| gauge!(OWNED));
static DEPTHS: Handles<(), Histogram> = Handles::new(|()| histogram!(MAILBOX_DEPTH));

/// Tells the exporter what the metrics mean.
pub(crate) fn describe() {
    describe_counter!(
        COMMANDS,
        Unit::Count,
        "Commands that were answered, by command and outcome (applied, unchanged, replayed, rejected, unavailable)."
    );
    describe_counter!(
        MISFITS,
        Unit::Count,
        "Requests that were refused because their sender may not ask for this, by what does not fit (subject, target, command, principal)."
    );
    describe_histogram!(
        COMMAND_SECONDS,
        Unit::Seconds,
        "From the arrival of a command to its answer, by outcome."
    );
    describe_histogram!(BATCH_COMMANDS, Unit::Count, "Commands that were answered by one commit.");
    describe_gauge!(MAILBOXES, Unit::Count, "Mailboxes that are at work.");
    describe_histogram!(MAILBOX_DEPTH, Unit::Count, "Commands that a mailbox found waiting when it looked.");
    describe_gauge!(OWNED, Unit::Count, "Partitions that this replica owns.");
    describe_gauge!(DUE, Unit::Count, "Work of the process manager whose moment has come.");
    describe_counter!(SWEPT, Unit::Count, "Work of the process manager that was done, by job.");
    describe_counter!(
        SWEEP_FAILURES,
        Unit::Count,
        "Work of the process manager that failed and is tried again, by job."
    );
    ANSWERED.of(("unknown", "unavailable")).increment(0);
    for misfit in Misfit::ALL {
        counter!(MISFITS, "what" => misfit.as_str()).increment(0);
    }
    for work in Work::ALL {
        counter!(SWEPT, "job" => work.name()).increment(0);
        counter!(SWEEP_FAILURES, "job" => work.name()).increment(0);
    }
}

/// A command was answered.
pub(crate) fn command(command: &'static str, outcome: &'static str, took: Duration) {
    ANSWERED.of((command, outcome)).increment(1);
    SECONDS.of(outcome).record(took.as_secs_f64());
}

/// A request did not fit the subject that it came on.
pub(crate) fn misfit(misfit: Misfit) {
    counter!(MISFITS, "what" => misfit.as_str()).increment(1);
}

#[expect(clippy::cast_precision_loss, reason = "a batch has at most 64 commands")]
pub(crate) fn batch(commands: usize) {
    BATCHES.of(()).record(commands as f64);
}

#[expect(clippy::cast_precision_loss, reason = "there are at most some thousand mailboxes")]
pub(crate) fn mailboxes(count: usize) {
    AT_WORK.of(()).set(count as f64);
}

pub(crate) fn owned(partitions: usize) {
    PARTITIONS.of(()).set(f64::from(u32::try_from(partitions).unwrap_or(u32::MAX)));
}

#[expect(clippy::cast_precision_loss, reason = "a mailbox holds at most some thousand commands")]
pub(crate) fn mailbox_depth(commands: usize) {
    DEPTHS.of(()).record(commands as f64);
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
