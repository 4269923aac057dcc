//! The figures as Markdown, beside the targets.

use std::fmt::Write;

use crate::{
    load::Sample,
    options::{Engine, Options},
    rounds::{CLIENTS, Measured, Pair, Results},
};

/// How often Berth's latency may be the composite's: the median and the 99th percentile.
const P50_RATIO_MAX: f64 = 1.2;
const P99_RATIO_MAX: f64 = 2.0;
/// What Berth must reach of the composite's throughput.
const THROUGHPUT_RATIO_MIN: f64 = 0.7;
/// What it must reach of it on one instance, since commits are shared.
const HOT_RATIO_MIN: f64 = 1.0;
/// Durable commands per second of the embedded engine.
const EMBEDDED_PER_SECOND_MIN: f64 = 15_000.0;

/// The median over the rounds, and the range.
#[derive(Debug, Clone, Copy)]
struct Spread {
    median: f64,
    min: f64,
    max: f64,
}

/// Latencies added, in microseconds, and throughputs that share one budget of time.
struct Composite {
    p50: f64,
    p99: f64,
    per_second: f64,
}

/// What stands in one row of the table of ratios.
struct Row {
    what: String,
    figure: Spread,
    composite: Option<Spread>,
    ratio: Option<Spread>,
    target: String,
    met: Option<bool>,
}

/// The whole report.
pub(crate) fn render(options: &Options, results: &[Results]) -> String {
    let mut text = format!(
        "{CLIENTS} clients where not one; {} instances; median of {} rounds of {} s each, in brackets the range.\n\n",
        options.instances, options.rounds, options.seconds
    );
    ratios(&mut text, results);
    parts(&mut text, results);
    once(&mut text, options, results);
    text
}

fn ratios(text: &mut String, results: &[Results]) {
    line(text, "| engine | what | Berth | composite | ratio | target | met |");
    line(text, "|---|---|---|---|---|---|---|");
    for result in results {
        for row in rows(result) {
            let composite = row.composite.map_or_else(|| "–".to_owned(), Spread::whole);
            let ratio = row.ratio.map_or_else(|| "–".to_owned(), Spread::fine);
            let met = match row.met {
                Some(true) => "yes",
                Some(false) => "**no**",
                None => "–",
            };
            let Row { what, figure, target, .. } = row;
            let (engine, figure) = (result.engine.name(), figure.whole());
            line(
                text,
                &format!("| {engine} | {what} | {figure} | {composite} | {ratio} | {target} | {met} |"),
            );
        }
    }
}

fn rows(result: &Results) -> Vec<Row> {
    let embedded = result.engine == Engine::Embedded;
    let rounds = &result.rounds;
    let latency = |name: &str, pair: fn(&Measured) -> Sample, max: (f64, f64)| {
        let p50 = |of: &Measured| micros(pair(of).p50);
        let p99 = |of: &Measured| micros(pair(of).p99);
        [
            compared(rounds, format!("{name}, 1 client, p50 µs"), p50, |c| c.p50, Bound::AtMost(max.0)),
            compared(rounds, format!("{name}, 1 client, p99 µs"), p99, |c| c.p99, Bound::AtMost(max.1)),
        ]
    };
    let rate = |name: &str, of: fn(&Measured) -> f64, min| {
        compared(rounds, format!("{name}, commands/s"), of, |c| c.per_second, min)
    };
    let least = Bound::AtLeast(THROUGHPUT_RATIO_MIN);
    let mut rows = Vec::new();
    rows.extend(latency("logout", |of| of.berth.one, (P50_RATIO_MAX, P99_RATIO_MAX)));
    rows.extend(latency("the same, account token", |of| of.account.one, (P50_RATIO_MAX, P99_RATIO_MAX)));
    rows.push(rate("logouts", |of| of.berth.many.per_second, least));
    rows.push(rate("the same, account token", |of| of.account.many.per_second, least));
    rows.push(rate("all on one instance", |of| of.hot.per_second, Bound::AtLeast(HOT_RATIO_MIN)));
    if embedded {
        let figure = Spread::of(rounds.iter().map(|of| of.berth.many.per_second));
        rows.push(Row {
            what: "logouts, commands/s, in itself".to_owned(),
            figure,
            composite: None,
            ratio: None,
            target: format!("≥ {EMBEDDED_PER_SECOND_MIN}"),
            met: Some(figure.median >= EMBEDDED_PER_SECOND_MIN),
        });
    }
    rows
}

/// A target for a ratio.
#[derive(Debug, Clone, Copy)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// Ratios are taken within each round, so that noise which meets the whole round does not count.
fn compared(
    rounds: &[Measured],
    what: String,
    berth: impl Fn(&Measured) -> f64,
    part: impl Fn(&Composite) -> f64,
    bound: Bound,
) -> Row {
    let composite = |of: &Measured| part(&Composite::of(of));
    let ratio = Spread::of(rounds.iter().map(|of| berth(of) / composite(of)));
    let (target, met) = match bound {
        Bound::AtMost(max) => (format!("≤ {max}"), ratio.median <= max),
        Bound::AtLeast(min) => (format!("≥ {min}"), ratio.median >= min),
    };
    Row {
        what,
        figure: Spread::of(rounds.iter().map(&berth)),
        composite: Some(Spread::of(rounds.iter().map(composite))),
        ratio: Some(ratio),
        target,
        met: Some(met),
    }
}

fn parts(text: &mut String, results: &[Results]) {
    line(text, "\nThe bare parts:\n");
    line(text, "| engine | part | 1 client, p50 µs | 1 client, p99 µs | per second |");
    line(text, "|---|---|---|---|---|");
    for result in results {
        let bytes = result.rounds.iter().map(|of| of.bytes);
        let (min, max) = (bytes.clone().min().unwrap_or(0), bytes.max().unwrap_or(0));
        let append = match result.engine {
            Engine::Embedded => format!("group-committed append of {min}–{max} bytes"),
            Engine::Nats | Engine::NatsAlways => format!("publish of {min}–{max} bytes"),
        };
        part(text, result, "empty handler", |of| Some(of.handler));
        part(text, result, "core NATS round trip", |of| of.round_trip);
        part(text, result, &append, |of| Some(of.append));
    }
}

fn part(text: &mut String, result: &Results, name: &str, of: fn(&Measured) -> Option<Pair>) {
    let pairs: Vec<Pair> = result.rounds.iter().filter_map(of).collect();
    if pairs.is_empty() {
        return;
    }
    let spread = |value: fn(&Pair) -> f64| Spread::of(pairs.iter().map(value)).whole();
    let (p50, p99) = (spread(|pair| micros(pair.one.p50)), spread(|pair| micros(pair.one.p99)));
    let rate = spread(|pair| pair.many.per_second);
    line(text, &format!("| {} | {name} | {p50} | {p99} | {rate} |", result.engine.name()));
}

fn once(text: &mut String, options: &Options, results: &[Results]) {
    line(text, "\nMeasured once:\n");
    line(
        text,
        &format!(
            "| engine | empty folder to ready, ms | read of an instance with 1 commit, p50 / p99 µs | with {} \
             | memory after all rounds / at most, MiB |",
            options.history
        ),
    );
    line(text, "|---|---|---|---|---|");
    for result in results {
        let of = &result.once;
        let read = |sample: Sample| format!("{:.0} / {:.0}", micros(sample.p50), micros(sample.p99));
        let (start, (now, most)) = (of.start.as_millis(), of.memory_kib);
        line(
            text,
            &format!(
                "| {} | {start} | {} | {} | {} / {} |",
                result.engine.name(),
                read(of.read_fresh),
                read(of.read_long),
                now / 1024,
                most / 1024
            ),
        );
    }
}

fn line(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _infallible = writeln!(text, "{line}");
}

fn micros(duration: std::time::Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

impl Composite {
    fn of(measured: &Measured) -> Self {
        let parts = [Some(measured.handler), measured.round_trip, Some(measured.append)];
        let sum = |value: fn(&Pair) -> f64| parts.iter().flatten().map(value).sum::<f64>();
        Self {
            p50: sum(|pair| micros(pair.one.p50)),
            p99: sum(|pair| micros(pair.one.p99)),
            per_second: 1.0 / sum(|pair| 1.0 / pair.many.per_second),
        }
    }
}

impl Spread {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_unstable_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        let last = values.len().saturating_sub(1);
        Self { median: f64::midpoint(at(last / 2), at(last.div_ceil(2))), min: at(0), max: at(last) }
    }

    fn whole(self) -> String {
        format!("{:.0} ({:.0}–{:.0})", self.median, self.min, self.max)
    }

    fn fine(self) -> String {
        format!("{:.2} ({:.2}–{:.2})", self.median, self.min, self.max)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn sample(micros: u64, per_second: f64) -> Sample {
        Sample {
            p50: Duration::from_micros(micros),
            p99: Duration::from_micros(2 * micros),
            per_second,
            count: 1,
        }
    }

    #[test]
    fn the_composite_adds_latencies_and_shares_time() {
        let pair = |micros, per_second| {
            let both = sample(micros, per_second);
            Pair { one: both, many: both }
        };
        let measured = Measured {
            handler: pair(50, 40_000.0),
            round_trip: Some(pair(100, 40_000.0)),
            append: pair(150, 20_000.0),
            berth: pair(330, 7_000.0),
            account: pair(400, 5_000.0),
            hot: sample(100, 12_000.0),
            bytes: 1,
        };
        let composite = Composite::of(&measured);
        assert!((composite.p50 - 300.0).abs() < 1e-6);
        assert!((composite.p99 - 600.0).abs() < 1e-6);
        assert!((composite.per_second - 10_000.0).abs() < 1e-6);
        let row = compared(
            &[measured],
            String::new(),
            |of| of.berth.many.per_second,
            |c| c.per_second,
            Bound::AtLeast(0.7),
        );
        assert_eq!(row.met, Some(true));
    }

    #[test]
    fn the_median_stands_between_the_two_in_the_middle() {
        let spread = Spread::of([4.0, 1.0, 3.0, 2.0].into_iter());
        assert!((spread.median - 2.5).abs() < 1e-9);
        assert_eq!(spread.fine(), "2.50 (1.00–4.00)");
    }
}
