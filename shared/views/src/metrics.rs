//! Names of the metrics of views; each has the label `view`.

use metrics::{counter, gauge};

/// Commits that were folded.
pub(crate) fn commits(view: &'static str, count: u64) {
    counter!("berth_view_commits_total", "view" => view).increment(count);
}

/// Commits that could not be folded and were skipped.
pub(crate) fn skipped(view: &'static str) {
    counter!("berth_view_skipped_total", "view" => view).increment(1);
}

/// Folders that were put aside, so that the view is built anew.
pub(crate) fn quarantined(view: &'static str) {
    counter!("berth_view_quarantined_total", "view" => view).increment(1);
}

/// Rows that the view has.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and 2^53 rows do not fit a disk")]
pub(crate) fn rows(view: &'static str, count: u64) {
    gauge!("berth_view_rows", "view" => view).set(count as f64);
}

/// Seconds between the decision of the last folded commit and its fold; 0 once the end is reached.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and lags are short")]
pub(crate) fn lag(view: &'static str, micros: i64) {
    gauge!("berth_view_lag_seconds", "view" => view).set(micros.max(0) as f64 / 1_000_000.0);
}

/// Whether the view stopped because the log lost commits: 1 or 0.
pub(crate) fn halted(view: &'static str, halted: bool) {
    gauge!("berth_view_halted", "view" => view).set(if halted { 1.0 } else { 0.0 });
}
