//! Metrics in the text format of Prometheus.

use std::time::Duration;

use metrics::counter;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::interval;

use super::{TelemetryError, process};
use crate::lifecycle::Lifecycle;

/// Upper bounds of the buckets of every metric that ends in `_seconds`: from a cached read to a command that
/// waits for an election.
const SECONDS_BUCKETS: [f64; 14] =
    [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0];

/// How often recorded values are taken in when nobody scrapes.
const UPKEEP_EACH: Duration = Duration::from_secs(5);
pub(super) const UPKEEPS: &str = "berth_metrics_upkeeps_total";

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

    /// Takes in by itself what was recorded, until the process stops. Recorded values wait in memory for the next
    /// scrape, one by one, and nobody may ever scrape.
    pub fn keep_small(&self, lifecycle: &Lifecycle) {
        let (recorded, stop) = (self.clone(), lifecycle.stop().clone());
        lifecycle.spawn(async move {
            let mut turns = interval(UPKEEP_EACH);
            while stop.run_until_cancelled(turns.tick()).await.is_some() {
                recorded.0.run_upkeep();
                counter!(UPKEEPS).increment(1);
            }
        });
    }

    /// The text of `/metrics`.
    pub fn render(&self) -> String {
        process::record();
        self.0.run_upkeep();
        let mut text = self.0.render();
        process::append_processor_time(&mut text);
        text
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_recorded_is_taken_in_without_a_scrape_until_the_stop() {
        let recorder = builder().build_recorder();
        let metrics = Metrics(recorder.handle());
        let _here = metrics::set_default_local_recorder(&recorder);
        let life = Lifecycle::new();
        metrics.keep_small(&life);
        metrics::histogram!("berth_command_seconds").record(0.004);
        tokio::time::sleep(UPKEEP_EACH * 5 / 2).await;
        assert!(life.shut_down().await, "it ends with the process");
        let text = metrics.0.render();
        assert!(text.contains("berth_metrics_upkeeps_total 3"), "{text}");
        assert!(text.contains("berth_command_seconds_count 1"), "nothing is lost: {text}");
    }
}
