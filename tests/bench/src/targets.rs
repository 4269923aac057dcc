//! What Berth is to reach, and whether it did: each target is one row, whether it was measured or not.

use std::fmt;

use serde::Serialize;

use crate::{
    composite::{self, COMPOSITE},
    profile::{MANY_COMMITS, TOO_MUCH},
    results::{CPU_SUM, Key, P50, P99, PER_SECOND, Results, Spread, Table},
    sections::{
        commands, console, filling, hanging, links, lists, logouts, long_log, notices, open, passing,
        population, signing, waiting,
    },
    topology::{Engine, Shape, Topology},
};

/// Clients where not one: those of every profile but that of the tests.
const MANY: usize = 64;
/// Sizes of populations in any profile, from small to large.
const SIZES: [usize; 5] = [1_000, 5_000, STEADY, LARGE, MILLION];
const STEADY: usize = 20_000;
const LARGE: usize = 100_000;
const MILLION: usize = 1_000_000;
/// Instances of a long log in any profile, from many to few.
const LONG: [usize; 3] = [10_000, 5_000, 1_000];
/// Instances in the list of the console.
const LISTED: usize = 10_000;
/// Links over two connectors.
const LINKS: usize = 10_000;
/// Endpoints that are told in a burst.
const TOLD: usize = 1_000;
/// Instances at a host that hangs.
const STUCK: usize = 1_000;
/// Notices that wait beside commits.
const WAITING: usize = 100_000;

/// A bound of a number.
#[derive(Debug, Clone, Copy)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// One target.
#[derive(Debug, Clone)]
struct Target {
    what: String,
    /// The figure, or several of which the first that was measured counts.
    figures: Vec<Key>,
    beside: Option<Key>,
    bound: Bound,
}

/// What became of it.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    pub(crate) what: String,
    pub(crate) target: String,
    /// The figure, and what it is compared with; none if it was not measured.
    pub(crate) figure: Option<Spread>,
    pub(crate) beside: Option<Spread>,
    /// What the target bounds: the ratio, or the figure itself.
    pub(crate) value: Option<Spread>,
    /// None if it was not measured, or if no round counts.
    pub(crate) met: Option<bool>,
    /// Why it is none.
    pub(crate) why_not: Option<&'static str>,
}

/// All targets against the results.
pub(crate) fn judge(results: &Results) -> Vec<Verdict> {
    all().into_iter().map(|target| target.judge(results)).collect()
}

fn key(table: Table, on: &impl ToString, work: String, measure: &str) -> Key {
    Key { table, on: on.to_string(), work, measure: measure.to_owned() }
}

fn command(on: Topology, name: &str, clients: usize, measure: &str) -> Key {
    key(Table::Commands, &on, commands::work(name, clients), measure)
}

fn composite(on: Engine, clients: usize, measure: &str) -> Key {
    key(Table::Bare, &on, composite::work(COMPOSITE, clients), measure)
}

fn all() -> Vec<Target> {
    let embedded = Topology::EMBEDDED;
    let apart = |shape| Topology { engine: Engine::R1, shape };
    let (one, two) = (apart(Shape::Roles), apart(Shape::TwoAggregates));
    let by_id = |on, clients, measure| command(on, commands::BY_ID, clients, measure);
    let mut targets = vec![
        target("embedded, 64 clients, keyed logouts/s", by_id(embedded, MANY, PER_SECOND)).at_least(15_000.0),
        target(
            "embedded, 1 client, p50 to the empty handler's and one synced append's",
            by_id(embedded, 1, P50),
        )
        .beside(composite(Engine::Embedded, 1, P50))
        .at_most(1.5),
    ];
    for engine in [Engine::R1, Engine::R1Always] {
        let on = Topology::serve(engine);
        let to = |clients, measure| composite(engine, clients, measure);
        targets.extend([
            target(&format!("{engine}, 64 clients, to the composite"), by_id(on, MANY, PER_SECOND))
                .beside(to(MANY, PER_SECOND))
                .at_least(0.7),
            target(&format!("{engine}, 1 client, p50 to the composite"), by_id(on, 1, P50))
                .beside(to(1, P50))
                .at_most(1.2),
            target(&format!("{engine}, 1 client, p99 to the composite"), by_id(on, 1, P99))
                .beside(to(1, P99))
                .at_most(2.0),
        ]);
    }
    for engine in [Engine::Embedded, Engine::R1, Engine::R1Always] {
        let on = Topology::serve(engine);
        targets.push(
            target(
                &format!("{engine}, one hot instance, to the composite"),
                command(on, commands::HOT, MANY, PER_SECOND),
            )
            .beside(composite(engine, MANY, PER_SECOND))
            .at_least(1.5),
        );
    }
    targets.extend([
        target("R1, roles apart, one aggregate, 64 clients, to the composite", by_id(one, MANY, PER_SECOND))
            .beside(composite(Engine::R1, MANY, PER_SECOND))
            .at_least(0.55),
        target("R1, two aggregates, to one aggregate on the same cores", by_id(two, MANY, PER_SECOND))
            .beside(by_id(one, MANY, PER_SECOND))
            .at_least(0.95),
        target(
            "R1, roles apart, core-µs per command without the client",
            key(Table::Cpu, &one, commands::work(commands::BY_ID, MANY), CPU_SUM),
        )
        .at_most(150.0),
    ]);
    let signed = |work: &str| key(Table::Cpu, &Topology::serve(Engine::R1), work.to_owned(), CPU_SUM);
    targets.push(
        target("R1, core-µs per command with signed checkpoints, to without", signed(signing::SIGNED))
            .beside(signed(signing::UNSIGNED))
            .at_most(1.05),
    );
    targets.extend(of_too_much(embedded));
    targets.extend(of_populations(embedded));
    targets.extend(of_logouts(embedded));
    targets.extend(of_notices(embedded));
    targets.extend(of_links(apart(Shape::TwoConnectors)));
    targets.extend(of_console(embedded));
    targets.extend(of_passing(embedded));
    targets
}

/// Three times what can be done: as much is done as ever, the rest is refused at once, and it passes.
fn of_too_much(on: Topology) -> Vec<Target> {
    let of = |measure| key(Table::Open, &on, open::work(TOO_MUCH), measure);
    let capacity = key(Table::Open, &on, open::CAPACITY.to_owned(), PER_SECOND);
    let at = |what: &str| format!("{on}, at three times the capacity, {what}");
    vec![
        target(&at("answered/s to the capacity"), of(PER_SECOND)).beside(capacity).at_least(0.9),
        // A tenth of a second of it is the wait for room.
        target(&at("a refusal, p99 µs"), of(open::REFUSAL_P99)).at_most(250_000.0),
        target(&at("refusals that do not say when to ask again"), of(open::WITHOUT_WHEN)).at_most(0.0),
        target(&at("recovered after, s"), of(open::RECOVERED_SECONDS)).at_most(5.0),
    ]
}

fn of_logouts(on: Topology) -> Vec<Target> {
    let of = |endpoints, measure| key(Table::Logouts, &on, logouts::work(endpoints), measure);
    vec![
        target(&format!("{on}, real logouts/s with one endpoint"), of(1, PER_SECOND)).at_least(4_000.0),
        target(&format!("{on}, their notices/s to the logouts/s"), of(1, logouts::NOTICES_PER_SECOND))
            .beside(of(1, PER_SECOND))
            .at_least(0.9),
        target(&format!("{on}, a burst of notices/s, three endpoints"), of(3, logouts::NOTICES_PER_SECOND))
            .at_least(5_000.0),
        target(&format!("{on}, notices missing after it"), of(3, logouts::NOTICES_MISSING)).at_most(0.0),
        target(
            &format!("{on}, a burst of notices/s, twenty endpoints each"),
            of(logouts::MANY_ENDPOINTS, logouts::NOTICES_PER_SECOND),
        )
        .at_least(5_000.0),
    ]
}

/// A thousand endpoints that are told as fast as they answer, whoever does not.
fn of_notices(on: Topology) -> Vec<Target> {
    let of = |work: String, measure| key(Table::Notices, &on, work, measure);
    let burst = |hangs| of(notices::burst_work(TOLD, hangs), notices::PER_SECOND);
    let single = |hangs, measure| of(notices::single_work(hangs), measure);
    let stuck = |measure| of(hanging::work(STUCK), measure);
    let at = |what: &str| format!("{on}, {what}");
    vec![
        target(&at("signed notices/s to a thousand endpoints"), burst(false)).at_least(5_000.0),
        target(&at("the same where ten of them hang, to that"), burst(true))
            .beside(burst(false))
            .at_least(0.9),
        target(&at("one notice when idle, p50 µs from the command"), single(false, P50)).at_most(5_000.0),
        target(&at("one notice when idle, p99 µs from the command"), single(false, P99)).at_most(20_000.0),
        target(&at("one notice beside endpoints that hang, p99 µs"), single(true, P99)).at_most(20_000.0),
        target(&at("a notice beside 1,000 instances at a host that hangs, p99 µs"), stuck(P99))
            .at_most(250_000.0),
        target(&at("connections to that host at once"), stuck(hanging::CONNECTIONS)).at_most(16.0),
    ]
}

/// Links that are spread, and resumed by whoever is left.
fn of_links(on: Topology) -> Vec<Target> {
    let of = |measure| key(Table::Links, &on, links::work(LINKS), measure);
    let at = |what: &str| format!("{on}, {LINKS} links, {what}");
    vec![
        target(&at("% at the connector with fewer"), of(links::SMALLER_HALF)).at_least(33.0),
        target(&at("all at the other one after a kill, s"), of(links::RESUMED_SECONDS)).at_most(15.0),
        target(&at("not linked any more"), of(links::NOT_LINKED)).at_most(0.0),
    ]
}

/// A list that opens at once, and an open one that is neither late nor asked for with each change.
fn of_console(on: Topology) -> Vec<Target> {
    let of = |work: String, measure| key(Table::Console, &on, work, measure);
    let changing = |what| console::changing_work(LISTED, what);
    let of_ten_thousand = |what: &str| format!("{on}, console, {LISTED} instances, {what}");
    vec![
        target(&of_ten_thousand("the list opens, p99 µs"), of(console::work(LISTED, console::FIRST), P99))
            .at_most(100_000.0),
        target(
            &of_ten_thousand("the same under 1,000 changes a second, p99 µs"),
            of(changing(console::FIRST), P99),
        )
        .at_most(100_000.0),
        target(
            &of_ten_thousand("words to an open list in a second"),
            of(changing(console::LOOKS), console::WORDS_PER_SECOND),
        )
        .at_most(1.1),
        target(&of_ten_thousand("from a change to that list, p99 µs"), of(changing(console::SHOWN), P99))
            .at_most(2_000_000.0),
    ]
}

/// A gate that costs little, and bodies that are never held.
fn of_passing(on: Topology) -> Vec<Target> {
    let of = |work: String, measure| key(Table::Passing, &on, work, measure);
    vec![
        target(
            &format!("{on}, questions to the gate/s, 64 clients, to the empty handler"),
            of(passing::gate_work(MANY), PER_SECOND),
        )
        .beside(of(passing::handler_work(MANY), PER_SECOND))
        .at_least(0.5),
        target(
            &format!("{on}, a message that is passed on, p50 µs over the upstream's own"),
            of(passing::PASSED.to_owned(), passing::OVER_UPSTREAM),
        )
        .at_most(1_000.0),
        target(
            &format!("{on}, 100 uploads of 100 MB at once, MiB more than before"),
            of(passing::uploads_work(100, 100_000_000), passing::MORE_MIB),
        )
        .at_most(100.0),
    ]
}

fn of_populations(on: Topology) -> Vec<Target> {
    let restart = |size, measure| key(Table::Restart, &on, population::work(size), measure);
    let spread = |size| key(Table::Spread, &on, population::uniform_work(size), PER_SECOND);
    let listed = |what, at_most| {
        let figure = key(Table::Lists, &on, lists::work(MILLION, what), P99);
        target(&format!("embedded, 1,000,000 instances, {what}, p99 µs"), figure).at_most(at_most)
    };
    let memory = |measure| key(Table::Memory, &on, population::work(MILLION), measure);
    let reads = |size| key(Table::Reads, &on, population::reads_work(size, MANY), PER_SECOND);
    let handler = key(Table::Reads, &on, population::handler_work(MANY), PER_SECOND);
    let long = |instances| {
        key(Table::Restart, &on, long_log::work(instances, MANY_COMMITS), population::REBUILT_PER_SECOND)
    };
    vec![
        target(
            &format!("{on}, creates/s"),
            key(Table::Creates, &on, population::growth_work(0, SIZES[0]), PER_SECOND),
        )
        .at_least(4_000.0),
        Target {
            what: format!(
                "{on}, reads/s of one instance, 64 clients, to the empty handler, up to {LARGE} instances"
            ),
            figures: SIZES.iter().rev().filter(|size| **size <= LARGE).map(|size| reads(*size)).collect(),
            beside: Some(handler.clone()),
            bound: Bound::AtLeast(0.5),
        },
        target(&format!("{on}, the same over {STEADY} instances"), reads(STEADY))
            .beside(handler)
            .at_least(0.5),
        first_of(&format!("{on}, all views rebuilt, commits/s"), |size| {
            restart(size, population::REBUILT_PER_SECOND)
        })
        .at_least(150_000.0),
        Target {
            what: format!("{on}, all views rebuilt, commits/s, {MANY_COMMITS} commits an instance"),
            figures: LONG.map(long).into(),
            beside: None,
            bound: Bound::AtLeast(150_000.0),
        },
        target(
            "embedded, 1,000,000 instances, MiB after the creates",
            memory(population::MEMORY_CREATED_MIB),
        )
        .at_most(1_536.0),
        target(
            "embedded, 1,000,000 instances, MiB after all views were built",
            memory(filling::MEMORY_FOLDED_MIB),
        )
        .at_most(1_536.0),
        target(
            "embedded, 1,000,000 instances, MiB after commands, reads and lists",
            memory(population::MEMORY_USED_MIB),
        )
        .at_most(1_536.0),
        target("embedded, 1,000,000 instances, MiB after a restart", memory(population::MEMORY_MIB))
            .at_most(1_536.0),
        target(
            "embedded, 1,000,000 instances, restart to ready, s",
            restart(MILLION, population::READY_SECONDS),
        )
        .at_most(15.0),
        listed(lists::PAGES, 20_000.0),
        listed(lists::BY_NAME, 50_000.0),
        listed(lists::NOTHING, 50_000.0),
        target("embedded, 1,000,000 instances, keyed logouts/s to those over a thousand", spread(MILLION))
            .beside(spread(SIZES[0]))
            .at_least(0.8),
        target(
            "embedded, 1,000,000 notices that wait, MiB",
            key(Table::Memory, &on, waiting::work(MILLION), waiting::MEMORY_MIB),
        )
        .at_most(300.0),
        target(
            "embedded, beside 100,000 notices that wait, a new instance's notice after a restart, s",
            key(Table::Memory, &on, waiting::work(WAITING), waiting::NEW_SECONDS),
        )
        .at_most(1.0),
        target(
            "embedded, a commit beside 100,000 notices that wait, p99 µs",
            key(Table::Memory, &on, waiting::commits_work(WAITING), P99),
        )
        .at_most(5_000.0),
    ]
}

/// A target for the largest population that was measured.
fn first_of(what: &str, figure: impl Fn(usize) -> Key) -> Target {
    let figures = SIZES.iter().rev().map(|size| figure(*size)).collect();
    Target { what: format!("{what} (largest population)"), figures, beside: None, bound: Bound::AtLeast(0.0) }
}

/// A target that is not bounded yet.
fn target(what: &str, figure: Key) -> Target {
    Target { what: what.to_owned(), figures: vec![figure], beside: None, bound: Bound::AtLeast(0.0) }
}

impl Target {
    /// The ratio to this counts instead of the figure.
    fn beside(self, beside: Key) -> Self {
        Self { beside: Some(beside), ..self }
    }

    fn at_least(self, min: f64) -> Self {
        Self { bound: Bound::AtLeast(min), ..self }
    }

    fn at_most(self, max: f64) -> Self {
        Self { bound: Bound::AtMost(max), ..self }
    }

    fn judge(self, results: &Results) -> Verdict {
        let mut verdict = Verdict {
            what: self.what,
            target: self.bound.to_string(),
            figure: None,
            beside: None,
            value: None,
            met: None,
            why_not: Some("not measured"),
        };
        let Some(figure) = self.figures.iter().find_map(|key| results.get(key)) else { return verdict };
        verdict.figure = Some(figure.spread());
        let value = match &self.beside {
            None => Some(figure.spread()),
            Some(beside) => results.get(beside).and_then(|beside| {
                verdict.beside = Some(beside.spread());
                figure.ratio(beside)
            }),
        };
        let Some(value) = value else { return verdict };
        verdict.value = Some(value);
        if figure.counts() {
            verdict.met = Some(self.bound.holds(value.median));
            verdict.why_not = None;
        } else {
            verdict.why_not = Some("a follower fell behind");
        }
        verdict
    }
}

impl Bound {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtLeast(min) => value >= min,
            Self::AtMost(max) => value <= max,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(min) => write!(f, "≥ {min}"),
            Self::AtMost(max) => write!(f, "≤ {max}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Place;

    fn noted(results: &mut Results, key: &Key, round: u32, value: f64) {
        results.note(&Place::new(key.table, &key.on, key.work.clone(), round), &key.measure, value);
    }

    #[test]
    fn a_ratio_is_taken_within_each_round_and_what_was_not_measured_is_said() {
        let mut results = Results::default();
        let on = Topology::serve(Engine::R1);
        let (figure, beside) =
            (command(on, commands::BY_ID, MANY, PER_SECOND), composite(Engine::R1, MANY, PER_SECOND));
        // The machine was half as fast in the second round; the ratio does not show it.
        for (round, speed) in [(1, 1.0), (2, 0.5)] {
            noted(&mut results, &figure, round, 8_000.0 * speed);
            noted(&mut results, &beside, round, 10_000.0 * speed);
        }
        let verdicts = judge(&results);
        let met: Vec<&Verdict> = verdicts.iter().filter(|verdict| verdict.met.is_some()).collect();
        assert_eq!(met.len(), 1);
        assert_eq!(met[0].value, Some(Spread { median: 0.8, min: 0.8, max: 0.8 }));
        assert_eq!((met[0].met, met[0].target.as_str()), (Some(true), "≥ 0.7"));
        assert!(verdicts.iter().filter(|verdict| verdict.met.is_none()).all(|of| of.why_not.is_some()));
    }
}
