//! Which instance the next request goes to.

use std::sync::Arc;

/// How requests are spread over the instances.
#[derive(Debug, Clone)]
pub(crate) enum Picks {
    /// One after the other; every so many of them belong to this client, so that clients do not meet.
    Cycle {
        /// The client's first one, and its next.
        first: usize,
        next: usize,
        /// The clients.
        step: usize,
    },
    /// Any of them, alike.
    Uniform(Random),
    /// The first ones far more often than the last, as customers are.
    Zipf(Random, Arc<Zipf>),
    /// Always the first.
    Hot,
}

/// A small deterministic generator (`SplitMix64`), so that two rounds send the same.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

/// Zipf's law with exponent 1: the sums of 1/1, 1/2, … 1/n.
#[derive(Debug)]
pub(crate) struct Zipf(Vec<f64>);

impl Picks {
    /// Cycles for so many clients.
    pub(crate) fn cycles(clients: usize) -> Vec<Self> {
        (0..clients).map(|first| Self::Cycle { first, next: first, step: clients }).collect()
    }

    /// The same spread for so many clients, each with a seed of its own where there is one.
    pub(crate) fn uniform(clients: usize) -> Vec<Self> {
        (0..clients).map(|seed| Self::Uniform(Random::seeded(seed))).collect()
    }

    pub(crate) fn zipf(clients: usize, instances: usize) -> Vec<Self> {
        let law = Arc::new(Zipf::over(instances));
        (0..clients).map(|seed| Self::Zipf(Random::seeded(seed), Arc::clone(&law))).collect()
    }

    pub(crate) fn hot(clients: usize) -> Vec<Self> {
        vec![Self::Hot; clients]
    }

    /// The next index below `count`, which is above 0.
    pub(crate) fn next(&mut self, count: usize) -> usize {
        match self {
            Self::Cycle { first, next, step } => {
                let now = *next % count;
                *next = if *next + *step < count { *next + *step } else { *first };
                now
            }
            Self::Uniform(random) => random.below(count),
            Self::Zipf(random, law) => law.rank(random.unit()).min(count - 1),
            Self::Hot => 0,
        }
    }
}

impl Random {
    pub(crate) fn seeded(seed: usize) -> Self {
        Self(seed as u64)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in [0, 1).
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % count as u64).unwrap_or(0)
    }
}

impl Zipf {
    fn over(count: usize) -> Self {
        let mut sum = 0.0;
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        Self(
            (1..=count)
                .map(|rank| {
                    sum += 1.0 / f64::from(rank);
                    sum
                })
                .collect(),
        )
    }

    fn rank(&self, unit: f64) -> usize {
        let wanted = unit * self.0.last().copied().unwrap_or_default();
        self.0.partition_point(|sum| *sum < wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_that_cycle_never_meet_and_leave_nothing_out() {
        let mut seen = [0; 10];
        for picks in &mut Picks::cycles(4) {
            let own: Vec<usize> = (0..4).map(|_| picks.next(10)).collect();
            for at in &own {
                seen[*at] += 1;
            }
            assert!(own.iter().all(|at| at % 4 == own[0] % 4));
        }
        assert!(seen.iter().all(|times| *times > 0));
    }

    #[test]
    fn zipf_prefers_the_first_ten_of_a_thousand_and_uniform_does_not() {
        let share = |mut picks: Picks| (0..10_000).filter(|_| picks.next(1_000) < 10).count();
        // 2.93 / 7.49 of all by the law, a hundredth alike.
        let zipf = share(Picks::zipf(1, 1_000).remove(0));
        assert!((3_600..4_200).contains(&zipf), "{zipf}");
        let uniform = share(Picks::uniform(1).remove(0));
        assert!((50..200).contains(&uniform), "{uniform}");
    }
}
