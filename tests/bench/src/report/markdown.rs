//! The figures as Markdown: the run, the targets, then a table for each section.

use std::{collections::BTreeSet, fmt::Write};

use crate::{
    machine::Stamp,
    results::{Key, Results, Spread, Table, Values},
    targets::{self, Verdict},
    watch::LAG_SECONDS_MAX,
};

/// The whole report.
pub(crate) fn render(stamp: &Stamp, results: &Results) -> String {
    let mut text = String::new();
    run(&mut text, stamp);
    line(
        &mut text,
        "Medians over the rounds; in brackets the range. † marks figures of which rounds do not count.\n",
    );
    line(&mut text, "## Targets\n");
    line(&mut text, "| target | figure | beside it | value | asked for | met |");
    line(&mut text, "|---|---|---|---|---|---|");
    for verdict in targets::judge(results) {
        line(&mut text, &row(&verdict));
    }
    let tables: BTreeSet<Table> = results.figures().iter().map(|(key, _)| key.table).collect();
    for table in tables {
        section(&mut text, table, results);
    }
    behind(&mut text, results);
    list(&mut text, "What broke", &results.broken);
    list(&mut text, "Left out", &results.left_out);
    text
}

fn run(text: &mut String, stamp: &Stamp) {
    let Stamp { commit, build, profile, cores, load_before, took_seconds, .. } = stamp;
    let dirty = if stamp.dirty { " with changes that are not committed" } else { "" };
    let given = if stamp.given_binary { ", a given binary that may be of another commit" } else { "" };
    line(text, &format!("- commit {commit}{dirty}{given}; `{build}` build"));
    line(text, &format!("- profile `{profile}`, {took_seconds:.0} s; {cores} cores"));
    let steal = stamp.steal * 100.0;
    line(text, &format!("- load average before {load_before:.2}; {steal:.1} % of the time stolen"));
    if stamp.busy {
        line(text, "- **The machine was busy: these figures decide nothing.**");
    }
    if build == "debug" {
        line(text, "- **A debug build: these figures say nothing.**");
    }
    line(text, "");
}

fn row(verdict: &Verdict) -> String {
    let Verdict { what, target, figure, beside, value, met, why_not } = verdict;
    let show = |spread: &Option<Spread>| spread.map_or_else(|| "–".to_owned(), shown);
    let met = match (met, why_not) {
        (Some(true), _) => "yes",
        (Some(false), _) => "**no**",
        (None, why) => why.unwrap_or("–"),
    };
    format!("| {what} | {} | {} | {} | {target} | {met} |", show(figure), show(beside), show(value))
}

/// One table: a row for each place, a column for each measure, both in the order of their first measurement.
fn section(text: &mut String, table: Table, results: &Results) {
    let figures: Vec<&(Key, Values)> =
        results.figures().iter().filter(|(key, _)| key.table == table).collect();
    let (mut rows, mut columns) = (Vec::new(), Vec::new());
    for (key, _) in &figures {
        let place = (&key.on, &key.work);
        if !rows.contains(&place) {
            rows.push(place);
        }
        if !columns.contains(&&key.measure) {
            columns.push(&key.measure);
        }
    }
    let names: Vec<&str> = columns.iter().map(|name| name.as_str()).collect();
    line(text, &format!("\n## {}\n", table.title()));
    line(text, &format!("| where | what | {} |", names.join(" | ")));
    line(text, &format!("|{}", "---|".repeat(names.len() + 2)));
    for (on, work) in rows {
        let cells: Vec<String> = columns
            .iter()
            .map(|measure| {
                let found = figures
                    .iter()
                    .find(|(key, _)| &key.on == on && &key.work == work && key.measure == **measure);
                found.map_or_else(|| "–".to_owned(), |(_, values)| cell(values))
            })
            .collect();
        line(text, &format!("| {on} | {work} | {} |", cells.join(" | ")));
    }
}

fn cell(values: &Values) -> String {
    let mark = if values.behind.is_empty() { "" } else { "†" };
    shown(values.spread()) + mark
}

/// Which rounds do not count.
fn behind(text: &mut String, results: &Results) {
    let reasons: BTreeSet<String> = results
        .figures()
        .iter()
        .flat_map(|(key, values)| {
            values
                .behind
                .iter()
                .map(move |(round, reason)| format!("{}, {}, round {round}: {reason}", key.on, key.work))
        })
        .collect();
    if !reasons.is_empty() {
        line(
            text,
            &format!("\n† A round counts if no view was ever more than {LAG_SECONDS_MAX} s behind:\n"),
        );
        for reason in reasons {
            line(text, &format!("- {reason}"));
        }
    }
}

fn list(text: &mut String, title: &str, lines: &[String]) {
    if !lines.is_empty() {
        line(text, &format!("\n## {title}\n"));
        for one in lines {
            line(text, &format!("- {one}"));
        }
    }
}

/// The median, and the range if there is one.
fn shown(spread: Spread) -> String {
    let Spread { median, min, max } = spread;
    let number = |value: f64| {
        if value.abs() < 10.0 && value.fract() != 0.0 { format!("{value:.2}") } else { format!("{value:.0}") }
    };
    let range = (number(min), number(max));
    if range.0 == range.1 {
        number(median)
    } else {
        format!("{} ({}–{})", number(median), range.0, range.1)
    }
}

fn line(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _infallible = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_mean_something() {
        assert_eq!(shown(Spread { median: 0.257, min: 0.2, max: 0.3 }), "0.26 (0.20–0.30)");
        assert_eq!(shown(Spread { median: 15_000.4, min: 15_000.4, max: 15_000.4 }), "15000");
    }
}
