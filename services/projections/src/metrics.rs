//! Names of the metrics of the projections.

use std::time::Duration;

use metrics::{counter, gauge, histogram};

/// Queries that were answered: `page`, `rebuilding`, `invalid` or `overloaded`.
pub(crate) fn query(outcome: &'static str, took: Duration) {
    counter!("berth_projections_queries_total", "outcome" => outcome).increment(1);
    histogram!("berth_projections_query_seconds").record(took.as_secs_f64());
}

/// Instances that can be found by their texts.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and 2^53 instances do not fit a machine")]
pub(crate) fn texts(count: usize) {
    gauge!("berth_projections_texts").set(count as f64);
}

/// Public events that were published.
pub(crate) fn published() {
    counter!("berth_projections_public_events_total").increment(1);
}
