//! What became of the seeds so far.

use std::{fmt, time::Duration};

use tokio::time::Instant;

/// Seeds with something wrong after which no other is begun: whoever looks at these will run the rest anew.
const FOUND_MAX: usize = 100;

/// What a process said of its seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) seed: u64,
    pub(crate) faults: Vec<String>,
    /// The last line, which tells of the whole run.
    pub(crate) last: String,
    pub(crate) steps: u64,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Tally {
    began: Instant,
    told: Instant,
    seeds: u64,
    steps: u64,
    /// Those that ended with something wrong.
    found: Vec<Said>,
}

// === impl Tally ===

impl Tally {
    pub(crate) fn new() -> Self {
        let began = Instant::now();
        Self { began, told: began, seeds: 0, steps: 0, found: Vec::new() }
    }

    /// Counts a seed that has ended.
    pub(crate) fn count(&mut self, said: Said) {
        self.seeds += 1;
        self.steps += said.steps;
        if !said.faults.is_empty() {
            self.found.push(said);
        }
    }

    /// Whether no other seed is to be begun.
    pub(crate) fn is_over(&self, steps_max: u64, goes_on: bool) -> bool {
        let found_max = if goes_on { FOUND_MAX } else { 1 };
        self.steps >= steps_max || self.found.len() >= found_max
    }

    /// Whether it is time to say how far it is; once for each time.
    pub(crate) fn is_to_tell(&mut self, every: Duration) -> bool {
        let due = self.told.elapsed() >= every;
        if due {
            self.told = Instant::now();
        }
        due
    }

    /// Those that ended with something wrong, the lowest first.
    pub(crate) fn found(mut self) -> Vec<Said> {
        self.found.sort_by_key(|said| said.seed);
        self.found
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seeds, steps, found, .. } = self;
        let seconds = self.began.elapsed().as_secs();
        let rate = steps / seconds.max(1);
        write!(
            f,
            "{seeds} seeds, {steps} steps in {seconds} s, {rate} in a second; {} with something wrong",
            found.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(seed: u64, steps: u64, fault: Option<&str>) -> Said {
        Said { seed, faults: fault.into_iter().map(str::to_owned).collect(), last: String::new(), steps }
    }

    #[test]
    fn it_is_over_when_enough_was_done_or_found() {
        let mut tally = Tally::new();
        tally.count(said(2, 10, None));
        assert!(!tally.is_over(11, false) && tally.is_over(10, false));
        tally.count(said(3, 10, Some("P1")));
        assert!(tally.is_over(100, false) && !tally.is_over(100, true));
        tally.count(said(1, 10, Some("P2")));
        assert!(
            tally.to_string().starts_with("3 seeds, 30 steps in 0 s, 30 in a second; 2 with something wrong")
        );
        assert_eq!(tally.found().into_iter().map(|said| said.seed).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn how_far_it_is_is_told_once_each_time() {
        let mut tally = Tally::new();
        assert!(!tally.is_to_tell(Duration::from_hours(1)));
        assert!(tally.is_to_tell(Duration::ZERO));
    }
}
