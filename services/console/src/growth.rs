//! How the log grew: how many commits it had, every half minute, while this process ran and for a day at most.
//!
//! A chart is made of it on the server, so that it is there without a script too.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use berth_gateway::App;
use berth_proto::Timestamp;
use tokio::time::{MissedTickBehavior, interval};
use tracing::debug;

/// How often is looked.
const EVERY: Duration = Duration::from_secs(30);
/// Looks that are kept: those of a day and a quarter of an hour, 16 bytes each.
const LOOKS_MAX: usize = 2 * 60 * 24 + 30;
/// How high the highest bar of a chart is.
const HEIGHT: u64 = 100;

/// What was seen of the log. Cheap to clone: [`Growth::watch`] writes, the page of the cluster reads.
#[derive(Debug, Clone, Default)]
pub struct Growth(Arc<Mutex<VecDeque<Look>>>);

/// How many commits there were.
#[derive(Debug, Clone, Copy)]
struct Look {
    at: Timestamp,
    commits: u64,
}

/// The commits of a span of time, part by part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chart {
    pub(crate) bars: Vec<Bar>,
    /// The commits of all parts that are known.
    pub(crate) sum: u64,
    /// Those of the part that has most.
    pub(crate) peak: u64,
}

/// A part of a chart, in units of the chart's picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bar {
    pub(crate) x: u64,
    pub(crate) y: u64,
    pub(crate) height: u64,
}

impl Growth {
    /// Looks again and again, without end.
    pub async fn watch(self, app: App) {
        let mut every = interval(EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            match app.histories.commits().await {
                Ok(commits) => self.note(app.now(), commits),
                // The page shows a gap, and whoever operates the log hears of it elsewhere.
                Err(failure) => debug!("how the log grows cannot be seen: {failure}"),
            }
        }
    }

    fn note(&self, at: Timestamp, commits: u64) {
        let mut looks = self.looks();
        while looks.len() >= LOOKS_MAX {
            looks.pop_front();
        }
        looks.push_back(Look { at, commits });
    }

    /// So many parts of so many seconds each, up to the one that runs.
    pub(crate) fn chart(&self, now: Timestamp, parts: i64, seconds: i64) -> Chart {
        let looks = self.looks();
        let at = |moment: i64| {
            looks.iter().rev().find(|look| look.at.seconds() <= moment).map(|look| look.commits)
        };
        // The parts begin at whole multiples, so that a chart stays as it is until there is something new.
        let end = (now.seconds().div_euclid(seconds) + 1) * seconds;
        let grown = |part: i64| {
            let from = end - (parts - part) * seconds;
            Some(at(from + seconds)?.saturating_sub(at(from)?))
        };
        let grown: Vec<u64> = (0..parts).map(|part| grown(part).unwrap_or_default()).collect();
        let peak = grown.iter().copied().max().unwrap_or_default();
        let bar = |(x, count): (u64, &u64)| {
            // Whatever is not nothing can be seen.
            let height = if *count == 0 { 0 } else { (count * HEIGHT / peak.max(1)).max(2) };
            Bar { x: x * 10 + 1, y: HEIGHT - height, height }
        };
        Chart { bars: (0..).zip(&grown).map(bar).collect(), sum: grown.iter().sum(), peak }
    }

    fn looks(&self) -> MutexGuard<'_, VecDeque<Look>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Chart {
    /// Units of its picture from left to right.
    pub(crate) fn width(&self) -> usize {
        self.bars.len() * 10
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grown(looks: &[(i64, u64)]) -> Growth {
        let growth = Growth::default();
        for (seconds, commits) in looks {
            growth.note(Timestamp(seconds * 1_000_000), *commits);
        }
        growth
    }

    #[test]
    fn a_chart_shows_what_came_in_each_part_and_nothing_where_nobody_looked() {
        let growth = grown(&[(120, 1_000), (150, 1_010), (180, 1_050), (210, 1_050), (240, 1_051)]);
        let chart = growth.chart(Timestamp(245_000_000), 5, 60);
        let heights: Vec<u64> = chart.bars.iter().map(|bar| bar.height).collect();
        assert_eq!(heights, [0, 0, 100, 2, 0]);
        assert_eq!((chart.sum, chart.peak), (51, 50));
        assert_eq!(chart, growth.chart(Timestamp(299_000_000), 5, 60), "it stays while nothing is new");
    }

    #[test]
    fn a_log_that_is_another_one_shows_no_growth_and_old_looks_go() {
        let growth = grown(&[(0, 500), (60, 3)]);
        assert_eq!(growth.chart(Timestamp(60_000_000), 2, 60).sum, 0);
        let long = grown(&(0..5_000).map(|at| (at * 30, 1)).collect::<Vec<_>>());
        assert_eq!(long.looks().len(), LOOKS_MAX);
    }
}
