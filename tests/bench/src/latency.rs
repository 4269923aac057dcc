//! Latencies as a histogram of three digits, so that a p99.9 is one and memory is bounded however long a run is.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::Outcome;

/// The longest latency that is told from a longer one.
const MICROS_MAX: u64 = 120_000_000;
/// Digits that a latency is kept with.
const DIGITS: u8 = 3;

/// Latencies in microseconds.
#[derive(Debug, Clone)]
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    pub(crate) fn new() -> Outcome<Self> {
        Ok(Self(Histogram::new_with_max(MICROS_MAX, DIGITS)?))
    }

    /// Notes one; those above the maximum count as the maximum.
    pub(crate) fn record(&mut self, latency: Duration) {
        self.0.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(MICROS_MAX).max(1));
    }

    /// Adds those of another client.
    pub(crate) fn merge(&mut self, other: &Self) -> Outcome<()> {
        Ok(self.0.add(&other.0)?)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// The latency in microseconds that this share (0.99, …) does not exceed.
    #[expect(clippy::cast_precision_loss, reason = "latencies stay far below 2^53 microseconds")]
    pub(crate) fn at(&self, share: f64) -> f64 {
        self.0.value_at_quantile(share) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_of_a_thousand_shows_at_the_top_and_not_in_the_middle() {
        let mut latencies = Latencies::new().unwrap();
        let mut slow = Latencies::new().unwrap();
        (0..1_998).for_each(|_| latencies.record(Duration::from_micros(100)));
        (0..2).for_each(|_| slow.record(Duration::from_secs(3)));
        latencies.merge(&slow).unwrap();
        assert_eq!(latencies.count(), 2_000);
        assert!((latencies.at(0.5) - 100.0).abs() < 1.0);
        assert!((latencies.at(0.99) - 100.0).abs() < 1.0);
        assert!(latencies.at(0.9995) > 2_990_000.0);
    }
}
