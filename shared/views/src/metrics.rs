//! The metrics of views, each with the label `view`: names, units and help in one place.

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

const COMMITS: &str = "berth_view_commits_total";
const SKIPPED: &str = "berth_view_skipped_total";
const QUARANTINED: &str = "berth_view_quarantined_total";
const ROWS: &str = "berth_view_rows";
const LAG_SECONDS: &str = "berth_view_lag_seconds";
const LEFT: &str = "berth_view_lag_commits";
const REBUILD_LEFT: &str = "berth_view_rebuild_lag_commits";
const HALTED: &str = "berth_view_halted";

/// Tells the exporter what the metrics mean, and that nothing went wrong yet with this view.
pub(crate) fn describe(view: &'static str) {
    describe_counter!(COMMITS, Unit::Count, "Commits that were folded, by view.");
    describe_counter!(
        SKIPPED,
        Unit::Count,
        "Commits that could not be read or folded and were skipped, by view."
    );
    describe_counter!(
        QUARANTINED,
        Unit::Count,
        "Times that a damaged view was put aside and built anew, by view."
    );
    describe_gauge!(ROWS, Unit::Count, "Rows of the view.");
    describe_gauge!(
        LAG_SECONDS,
        Unit::Seconds,
        "How long ago was decided what the view folded last, by view; 0 once the end of the log is reached."
    );
    describe_gauge!(
        LEFT,
        Unit::Count,
        "Commits of the log that the view has not looked at, by view; looked at every five seconds."
    );
    describe_gauge!(
        REBUILD_LEFT,
        Unit::Count,
        "Commits of the log that rows which are built beside those of the view have not looked at, by view; 0 if none are built."
    );
    describe_gauge!(HALTED, Unit::Count, "1 if the view stopped because the log lost commits, else 0.");
    for name in [COMMITS, SKIPPED, QUARANTINED] {
        counter!(name, "view" => view).increment(0);
    }
    halted(view, false);
    left(view, 0);
    rebuild_left(view, 0);
}

/// Commits that were folded.
pub(crate) fn commits(view: &'static str, count: u64) {
    counter!(COMMITS, "view" => view).increment(count);
}

/// Commits could not be folded, or not be read, and were skipped.
pub(crate) fn skipped(view: &'static str, count: u64) {
    counter!(SKIPPED, "view" => view).increment(count);
}

/// A folder was put aside, so that the view is built anew.
pub(crate) fn quarantined(view: &'static str) {
    counter!(QUARANTINED, "view" => view).increment(1);
}

/// Rows that the view has.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and 2^53 rows do not fit a disk")]
pub(crate) fn rows(view: &'static str, count: u64) {
    gauge!(ROWS, "view" => view).set(count as f64);
}

/// Microseconds between the decision of the last folded commit and its fold; 0 once the end is reached.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and lags are short")]
pub(crate) fn lag(view: &'static str, micros: i64) {
    gauge!(LAG_SECONDS, "view" => view).set(micros.max(0) as f64 / 1_000_000.0);
}

/// Whether the view stopped because the log lost commits.
pub(crate) fn halted(view: &'static str, halted: bool) {
    gauge!(HALTED, "view" => view).set(if halted { 1.0 } else { 0.0 });
}

/// Commits that the view has not looked at.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and 2^53 commits do not fit a disk")]
pub(crate) fn left(view: &'static str, commits: u64) {
    gauge!(LEFT, "view" => view).set(commits as f64);
}

/// Commits that rows which are built beside have not looked at.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and 2^53 commits do not fit a disk")]
pub(crate) fn rebuild_left(view: &'static str, commits: u64) {
    gauge!(REBUILD_LEFT, "view" => view).set(commits as f64);
}
