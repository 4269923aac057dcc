//! The metrics of the log: names, units and help in one place.

use berth_runtime::telemetry::Handles;
use metrics::{
    Counter, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use tokio::time::Instant;

use crate::port::{AppendError, Appended};

const APPENDS: &str = "berth_log_appends_total";
const APPEND_SECONDS: &str = "berth_log_append_seconds";
const APPENDED_BYTES: &str = "berth_log_appended_bytes_total";
const UNREADABLE: &str = "berth_log_unreadable";
const FORGED: &str = "berth_log_forged";
const UNDELIVERABLE: &str = "berth_log_undeliverable";
const READER_LAG: &str = "berth_log_reader_lag_commits";

static OUTCOMES: Handles<&str, Counter> = Handles::new(|outcome| counter!(APPENDS, "outcome" => outcome));
static SECONDS: Handles<(), Histogram> = Handles::new(|()| histogram!(APPEND_SECONDS));
static BYTES: Handles<(), Counter> = Handles::new(|()| counter!(APPENDED_BYTES));

/// Tells the exporter what the metrics mean.
pub(crate) fn describe(shards: u8) {
    describe_counter!(
        APPENDS,
        Unit::Count,
        "Appends by outcome (stored, conflict, unknown, unavailable, full, too_large)."
    );
    describe_histogram!(
        APPEND_SECONDS,
        Unit::Seconds,
        "How long appends took, to the disk's word or a refusal."
    );
    describe_counter!(APPENDED_BYTES, Unit::Bytes, "Bytes of the commits that were stored.");
    describe_gauge!(
        UNREADABLE,
        Unit::Count,
        "Commits that followers of this process passed over, since the log cannot give them any more."
    );
    describe_gauge!(
        FORGED,
        Unit::Count,
        "Commits that this process has met in the log and that the deployment did not write."
    );
    describe_gauge!(
        UNDELIVERABLE,
        Unit::Count,
        "Messages of the log that followers of this process met, that no client can be given and behind which no good commit stands, by shard: somebody published what is no commit."
    );
    // An alarm on what has not happened yet needs something to look at.
    for outcome in ["stored", "conflict", "unknown", "unavailable", "full", "too_large"] {
        OUTCOMES.of(outcome).increment(0);
    }
    // Not set to 0: another handle of the log may have met some.
    gauge!(UNREADABLE).increment(0.0);
    gauge!(FORGED).increment(0.0);
    for shard in 0..shards {
        gauge!(UNDELIVERABLE, "shard" => shard.to_string()).increment(0.0);
    }
}

/// How many places of the log were passed over.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and 2^53 commits do not fit a disk")]
pub(crate) fn unreadable(places: u64) {
    gauge!(UNREADABLE).set(places as f64);
}

/// How many commits of the log are not the deployment's own.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and this is bounded")]
pub(crate) fn forged(commits: usize) {
    gauge!(FORGED).set(commits as f64);
}

/// How many messages of a shard no client can be given and need somebody.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and so many are not counted")]
pub(crate) fn undeliverable(shard: u8, messages: usize) {
    gauge!(UNDELIVERABLE, "shard" => shard.to_string()).set(messages as f64);
}

/// Tells the exporter what the lag of a reader means, and that nothing is known of this one yet.
pub(crate) fn describe_reader(reader: &'static str) {
    describe_gauge!(
        READER_LAG,
        Unit::Count,
        "Commits of the log that a reader which is no view has not looked at, by reader; looked at every five seconds."
    );
    reader_left(reader, 0);
}

/// How many commits a reader has not looked at.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and 2^53 commits do not fit a disk")]
pub(crate) fn reader_left(reader: &'static str, commits: u64) {
    gauge!(READER_LAG, "reader" => reader).set(commits as f64);
}

/// An append of that many bytes ended.
pub(crate) fn appended(outcome: &Result<Appended, AppendError>, bytes: usize, begun: Instant) {
    let word = match outcome {
        Ok(_) => "stored",
        Err(AppendError::Conflict { .. }) => "conflict",
        Err(AppendError::Unknown { .. }) => "unknown",
        Err(AppendError::Unavailable(_)) => "unavailable",
        Err(AppendError::Full(_)) => "full",
        Err(AppendError::TooLarge { .. }) => "too_large",
    };
    OUTCOMES.of(word).increment(1);
    SECONDS.of(()).record(begun.elapsed().as_secs_f64());
    if outcome.is_ok() {
        BYTES.of(()).increment(u64::try_from(bytes).unwrap_or(u64::MAX));
    }
}
