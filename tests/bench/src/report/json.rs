//! Every figure of every round, for tools.

use serde::Serialize;

use crate::{
    Outcome,
    machine::Stamp,
    results::{Key, Results, Spread, Values},
    targets::{self, Verdict},
    watch::LAG_SECONDS_MAX,
};

#[derive(Serialize)]
struct Report<'a> {
    run: &'a Stamp,
    lag_seconds_max: f64,
    targets: Vec<Verdict>,
    figures: Vec<Figure<'a>>,
    broken: &'a [String],
    left_out: &'a [String],
}

#[derive(Serialize)]
struct Figure<'a> {
    #[serde(flatten)]
    key: &'a Key,
    #[serde(flatten)]
    spread: Spread,
    #[serde(flatten)]
    values: &'a Values,
}

/// The whole report.
pub(crate) fn render(stamp: &Stamp, results: &Results) -> Outcome<String> {
    let figures = results.figures().iter();
    let report = Report {
        run: stamp,
        lag_seconds_max: LAG_SECONDS_MAX,
        targets: targets::judge(results),
        figures: figures.map(|(key, values)| Figure { key, spread: values.spread(), values }).collect(),
        broken: &results.broken,
        left_out: &results.left_out,
    };
    Ok(serde_json::to_string_pretty(&report)?)
}
