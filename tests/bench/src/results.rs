//! Every figure of a run: what was measured, where, of what, and its value in each round.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{closed_loop::Closed, watch::Seen};

/// The tables of the report, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Table {
    Commands,
    Bare,
    Cpu,
    Open,
    Logouts,
    Notices,
    Links,
    Console,
    Creates,
    Spread,
    Reads,
    Lists,
    Passing,
    Restart,
    Memory,
    Disk,
    Kill,
}

/// A figure is found by these.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Key {
    pub(crate) table: Table,
    /// A topology, or the engine of a bare part.
    pub(crate) on: String,
    pub(crate) work: String,
    /// What the number is, with its unit.
    pub(crate) measure: String,
}

/// A number for each round.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Values {
    pub(crate) rounds: BTreeMap<u32, f64>,
    /// Rounds that do not count, with the reason: a follower fell behind.
    pub(crate) behind: BTreeMap<u32, String>,
}

/// The median over the rounds, and the range.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

/// Everything that was measured, in the order of its first measurement.
#[derive(Debug, Default)]
pub(crate) struct Results {
    figures: Vec<(Key, Values)>,
    /// Parts that broke, with the reason: the others go on.
    pub(crate) broken: Vec<String>,
    /// Parts that were left out for want of time.
    pub(crate) left_out: Vec<String>,
}

/// Where a figure belongs.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) table: Table,
    pub(crate) on: String,
    pub(crate) work: String,
    pub(crate) round: u32,
}

impl Table {
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Commands => "Keyed logouts without a session (no-ops), closed loop",
            Self::Bare => "The bare parts, and the composite of them",
            Self::Cpu => "Processor time per answer, in core-µs",
            Self::Open => "Open loop: latencies from the intended moment",
            Self::Logouts => "Real logouts of linked instances, and their notices",
            Self::Notices => "Signed notices to a fast receiver",
            Self::Links => "Device links over two connectors, one of which is killed",
            Self::Console => "The console, and an open list of it",
            Self::Creates => "Creates",
            Self::Spread => "Keyed logouts over many instances",
            Self::Reads => "Reads of one instance",
            Self::Lists => "The list of an account's instances, pages of fifty, one client",
            Self::Passing => "The gate, and messages that are passed on",
            Self::Restart => "Restart, and the rebuild of all views",
            Self::Memory => "Memory (resident, all processes of Berth)",
            Self::Disk => "The log's length, and the disk",
            Self::Kill => "Killed under load",
        }
    }
}

impl Place {
    pub(crate) fn new(table: Table, on: &impl ToString, work: impl Into<String>, round: u32) -> Self {
        Self { table, on: on.to_string(), work: work.into(), round }
    }
}

impl Results {
    /// Notes a number.
    pub(crate) fn note(&mut self, place: &Place, measure: &str, value: f64) {
        self.values_mut(place, measure).rounds.insert(place.round, value);
    }

    /// Notes the rate and the latencies of a closed loop.
    pub(crate) fn note_closed(&mut self, place: &Place, closed: &Closed) {
        self.note(place, PER_SECOND, closed.per_second);
        for (measure, share) in LATENCIES {
            self.note(place, measure, closed.latencies.at(share));
        }
    }

    /// Notes the processor time of a measurement, and of a run whose followers fell behind that it does not count.
    #[expect(clippy::cast_precision_loss, reason = "times and counts stay far below 2^53")]
    pub(crate) fn note_seen(&mut self, place: &Place, seen: &Seen, answers: u64) {
        let cpu = Place { table: Table::Cpu, work: cpu_work(place), ..place.clone() };
        let mut sum = 0.0;
        for (role, micros) in &seen.micros {
            let each = *micros as f64 / answers.max(1) as f64;
            self.note(&cpu, role, each);
            if *role != crate::watch::CLIENT {
                sum += each;
            }
        }
        self.note(&cpu, CPU_SUM, sum);
        if !seen.counts() {
            let (view, seconds) = &seen.lag;
            let reason = format!("the view `{view}` was {seconds:.1} s behind");
            for (key, values) in &mut self.figures {
                let at = |of: &Place| (key.table, &key.on, &key.work) == (of.table, &of.on, &of.work);
                if (at(place) || at(&cpu)) && values.rounds.contains_key(&place.round) {
                    values.behind.insert(place.round, reason.clone());
                }
            }
        }
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Values> {
        self.figures.iter().find(|(known, _)| known == key).map(|(_, values)| values)
    }

    /// One number of one round.
    pub(crate) fn value(&self, place: &Place, measure: &str) -> Option<f64> {
        self.get(&key(place, measure))?.rounds.get(&place.round).copied()
    }

    pub(crate) fn figures(&self) -> &[(Key, Values)] {
        &self.figures
    }

    fn values_mut(&mut self, place: &Place, measure: &str) -> &mut Values {
        let key = key(place, measure);
        let at = self.figures.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            self.figures.push((key, Values::default()));
            self.figures.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "it was found or pushed above")]
        &mut self.figures[at].1
    }
}

/// The name of every rate, and of the sum of processor time over all processes but the client.
pub(crate) const PER_SECOND: &str = "per second";
pub(crate) const CPU_SUM: &str = "sum without the client";
/// The latencies that a table shows.
pub(crate) const LATENCIES: [(&str, f64); 3] = [(P50, 0.5), (P99, 0.99), ("p99.9 µs", 0.999)];
pub(crate) const P50: &str = "p50 µs";
pub(crate) const P99: &str = "p99 µs";

/// Work of one table keeps its name; that of the others says which.
fn cpu_work(place: &Place) -> String {
    match place.table {
        Table::Commands | Table::Bare => place.work.clone(),
        other => format!("{}: {}", other.title(), place.work),
    }
}

fn key(place: &Place, measure: &str) -> Key {
    let Place { table, on, work, .. } = place.clone();
    Key { table, on, work, measure: measure.to_owned() }
}

impl Values {
    /// The median and the range of the rounds that count; of all if none does.
    pub(crate) fn spread(&self) -> Spread {
        let counting = self.rounds.iter().filter(|(round, _)| !self.behind.contains_key(round));
        let counting: Vec<f64> = counting.map(|(_, value)| *value).collect();
        let all = || self.rounds.values().copied().collect();
        Spread::of(if counting.is_empty() { all() } else { counting })
    }

    /// What this is to another figure of the same rounds; none if they have no round in common.
    pub(crate) fn ratio(&self, other: &Self) -> Option<Spread> {
        let ratios =
            self.rounds.iter().filter(|(round, _)| !self.counts() || !self.behind.contains_key(round));
        let ratios: Vec<f64> =
            ratios.filter_map(|(round, value)| Some(value / other.rounds.get(round)?)).collect();
        (!ratios.is_empty()).then(|| Spread::of(ratios))
    }

    /// Whether a round counts at all.
    pub(crate) fn counts(&self) -> bool {
        self.rounds.keys().any(|round| !self.behind.contains_key(round))
    }
}

impl Spread {
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        let last = values.len().saturating_sub(1);
        Self { median: f64::midpoint(at(last / 2), at(last.div_ceil(2))), min: at(0), max: at(last) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_stands_between_the_two_in_the_middle() {
        let spread = Spread::of(vec![4.0, 1.0, 3.0, 2.0]);
        assert_eq!(spread, Spread { median: 2.5, min: 1.0, max: 4.0 });
    }

    #[test]
    fn a_round_whose_followers_fell_behind_does_not_count() {
        let mut results = Results::default();
        for round in 1..=3 {
            let place = Place::new(Table::Commands, &"R1", "work", round);
            results.note(&place, PER_SECOND, f64::from(round));
            let lag = if round == 3 { 9.0 } else { 0.1 };
            let seen = Seen { micros: BTreeMap::new(), lag: ("records".to_owned(), lag), commit_bytes: None };
            results.note_seen(&place, &seen, 1);
        }
        let place = Place::new(Table::Commands, &"R1", "work", 1);
        let values = results.get(&key(&place, PER_SECOND)).unwrap();
        assert_eq!(values.spread(), Spread { median: 1.5, min: 1.0, max: 2.0 });
        assert!(values.behind[&3].contains("records"));
    }
}
