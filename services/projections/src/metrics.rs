//! The metrics of the projections: names, units and help in one place.

use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

const QUERIES: &str = "berth_projections_queries_total";
const QUERY_SECONDS: &str = "berth_projections_query_seconds";
const TEXTS: &str = "berth_projections_texts";
const OWNED: &str = "berth_projections_partitions";
const PUBLIC_EVENTS: &str = "berth_projections_public_events_total";
const INSTANCES: &str = "berth_instances";

/// Tells the exporter what the metrics mean.
pub(crate) fn describe() {
    describe_counter!(
        QUERIES,
        Unit::Count,
        "Queries that were answered, by outcome (page, rebuilding, invalid, overloaded)."
    );
    describe_histogram!(QUERY_SECONDS, Unit::Seconds, "How long queries took.");
    describe_gauge!(TEXTS, Unit::Count, "Instances that can be found by their texts.");
    describe_counter!(PUBLIC_EVENTS, Unit::Count, "Public events that were published.");
    describe_gauge!(OWNED, Unit::Count, "Partitions whose public events this replica publishes.");
    counter!(PUBLIC_EVENTS).increment(0);
    owned(0);
    describe_gauge!(
        INSTANCES,
        Unit::Count,
        "Instances of the whole deployment by state: each replica that answers lists says it of all of them."
    );
}

/// How many instances have which word for their state.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and 2^53 instances do not fit a machine")]
pub(crate) fn instances(state: &'static str, count: u64) {
    gauge!(INSTANCES, "state" => state).set(count as f64);
}

/// The public events of so many partitions are published here.
#[expect(clippy::cast_precision_loss, reason = "there are 64")]
pub(crate) fn owned(partitions: usize) {
    gauge!(OWNED).set(partitions as f64);
}

/// A query was answered.
pub(crate) fn query(outcome: &'static str, took: Duration) {
    counter!(QUERIES, "outcome" => outcome).increment(1);
    histogram!(QUERY_SECONDS).record(took.as_secs_f64());
}

/// Instances that can be found by their texts.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and 2^53 instances do not fit a machine")]
pub(crate) fn texts(count: usize) {
    gauge!(TEXTS).set(count as f64);
}

/// A public event was published.
pub(crate) fn published() {
    counter!(PUBLIC_EVENTS).increment(1);
}
