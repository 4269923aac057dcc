//! Metrics in the text format of Prometheus.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::{TelemetryError, process};

/// Upper bounds of the buckets of every metric that ends in `_seconds`: from a cached read to a command that
/// waits for an election.
const SECONDS_BUCKETS: [f64; 14] =
    [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0];

/// Renders what the `metrics` macros have recorded in this process. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Makes the `metrics` macros record into this, once in a process.
    pub(super) fn install() -> Result<Self, TelemetryError> {
        let recorder = builder().build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|_| TelemetryError)?;
        process::describe();
        Ok(Self(handle))
    }

    /// Metrics that nothing records into, for a router in a test.
    pub fn detached() -> Self {
        Self(builder().build_recorder().handle())
    }

    /// The text of `/metrics`.
    pub fn render(&self) -> String {
        process::record();
        self.0.run_upkeep();
        self.0.render()
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

fn builder() -> PrometheusBuilder {
    let buckets = [(Matcher::Suffix("_seconds".to_owned()), SECONDS_BUCKETS.as_slice())];
    buckets.into_iter().fold(PrometheusBuilder::new(), |builder, (matcher, bounds)| {
        match builder.set_buckets_for_metric(matcher, bounds) {
            Ok(builder) => builder,
            // Only an empty list is refused, and ours is not.
            Err(_) => PrometheusBuilder::new(),
        }
    })
}
