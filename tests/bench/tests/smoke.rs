//! Does each section run and report? With numbers so small that they say nothing else.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper of a story fails it")]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// What a run said.
struct Report {
    markdown: String,
    json: Value,
}

/// The binary of berth: `BERTH_TEST_BINARY`, else the one beside the benchmark.
fn berth() -> PathBuf {
    let beside = || Path::new(env!("CARGO_BIN_EXE_berth-bench")).with_file_name("berth");
    let path = std::env::var_os("BERTH_TEST_BINARY").map_or_else(beside, PathBuf::from);
    assert!(path.is_file(), "{} is not built: run `cargo build -p berth`", path.display());
    path
}

/// Runs these sections and gives the report, in which nothing may be broken or left out.
fn measured(sections: &str) -> Report {
    measured_as("smoke", &["--only", sections])
}

/// The same with a profile, and arguments beside it.
fn measured_as(profile: &str, arguments: &[&str]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    let output = Command::new(env!("CARGO_BIN_EXE_berth-bench"))
        .args(["--profile", profile, "--anyway", "--berth"])
        .arg(berth())
        .args(arguments)
        .arg("--json")
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains(" …"), "progress is shown");
    let json: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(json["broken"], serde_json::json!([]), "{said}");
    assert_eq!(json["left_out"], serde_json::json!([]), "{said}");
    Report { markdown: String::from_utf8(output.stdout).unwrap(), json }
}

impl Report {
    /// Figures of a table in JSON, each with a number.
    fn figures(&self, table: &str) -> Vec<&Value> {
        let all = self.json["figures"].as_array().unwrap();
        let figures: Vec<&Value> = all.iter().filter(|figure| figure["table"] == table).collect();
        assert!(!figures.is_empty(), "{table} has figures");
        assert!(figures.iter().all(|figure| figure["median"].is_number()), "{figures:?}");
        figures
    }

    /// The median of one figure.
    fn median(&self, table: &str, work: &str, measure: &str) -> f64 {
        let found = self
            .figures(table)
            .into_iter()
            .find(|figure| figure["work"] == work && figure["measure"] == measure);
        found.unwrap_or_else(|| panic!("no {measure} of {work} in {table}"))["median"].as_f64().unwrap()
    }
}

#[test]
fn commands_stand_beside_their_composite_with_the_time_of_each_process_on_nats_and_embedded() {
    let report = measured("commands");
    for work in ["by id, 1 client", "one hot instance, 4 clients", "state of 40 KB, 4 clients"] {
        assert!(report.median("commands", work, "per second") > 0.0);
    }
    assert!(report.median("bare", "composite, 4 clients", "per second") > 0.0);
    let roles: Vec<&str> =
        report.figures("cpu").iter().map(|figure| figure["measure"].as_str().unwrap()).collect();
    for role in ["serve", "gateway", "session-aggregate", "webhooks", "NATS server", "load client"] {
        assert!(roles.contains(&role), "{role} is in {roles:?}");
    }
    // A run says what it is worth, in both forms.
    assert_eq!(report.json["run"]["profile"], "smoke");
    assert!(report.json["run"]["load_before"].is_number());
    assert!(report.markdown.contains("- commit "), "{}", report.markdown);
    assert!(report.markdown.contains("| embedded, creates/s | – | – | – | ≥ 4000 | not measured |"));
}

#[test]
fn rates_are_offered_up_to_three_times_the_capacity() {
    let report = measured("open");
    for part in [25, 50, 75, 90, 300] {
        let work = format!("no-op logouts at {part} % of the capacity");
        assert!(report.median("open", &work, "p99.9 µs") >= report.median("open", &work, "p50 µs"));
        assert!(report.median("open", &work, "refused %") <= 100.0);
        assert!(report.median("open", &work, "broken per second").abs() < 0.5);
    }
    let too_much = "no-op logouts at 300 % of the capacity";
    // So short a time may not fill the room.
    if report.median("open", too_much, "refused %") > 0.0 {
        assert!(report.median("open", too_much, "refused without Retry-After").abs() < 0.5);
        assert!(report.median("open", too_much, "refusal p99 µs") > 0.0);
    }
    assert!(report.median("open", too_much, "recovered after s") >= 0.0);
}

#[test]
fn real_logouts_end_sessions_and_no_notice_is_missing() {
    let report = measured("logouts");
    for work in
        ["logouts, 0 endpoints", "logouts, 1 endpoint", "logouts, 3 endpoints", "logouts, 20 endpoints"]
    {
        assert!(report.median("logouts", work, "per second") > 0.0);
        assert!(report.median("logouts", work, "notices missing").abs() < 0.5);
    }
    assert!(report.median("logouts", "logouts, 3 endpoints", "notices per second") > 0.0);
    assert!(report.median("logouts", "logouts, 1 endpoint (by name)", "notice after p99 µs") >= 0.0);
}

#[test]
fn what_waits_for_endpoints_is_sent_and_so_is_one_at_a_time_also_beside_some_that_hang() {
    let report = measured("notices");
    for hangs in ["", ", a hundredth of the endpoints hangs"] {
        let burst = format!("60 endpoints for which many wait{hangs}");
        assert!(report.median("notices", &burst, "notices per second") > 0.0);
        assert!(report.median("notices", &burst, "notices missing").abs() < 0.5);
        let single = format!("a logout at a time, from its question to the notice{hangs}");
        assert!(report.median("notices", &single, "p99 µs") > 0.0);
        assert!(report.median("notices", &single, "notices missing").abs() < 0.5);
    }
    let beside = "logouts of 4 clients beside 20 instances at a host that hangs";
    assert!(report.median("notices", beside, "p99 µs") > 0.0);
    assert!(report.median("notices", beside, "notices missing").abs() < 0.5);
    let connections = report.median("notices", beside, "connections to the host that hangs");
    assert!((1.0..=16.0).contains(&connections), "{connections}");
}

#[test]
fn a_list_of_the_console_opens_and_shows_what_changes() {
    let report = measured("console");
    for work in
        ["first page", "filtered by a state", "searched by a text", "first page, 1,000 changes a second"]
    {
        assert!(report.median("console", &format!("60 instances, {work}"), "p50 µs") > 0.0);
    }
    let open = "60 instances, looks of an open list, 1,000 changes a second";
    assert!(report.median("console", open, "words per second") > 0.0);
    let shown = "60 instances, from a change to the list, 1,000 changes a second";
    assert!(report.median("console", shown, "p99 µs") > 0.0);
    let load = "60 instances, the changes themselves, 1,000 changes a second";
    assert!(report.median("console", load, "changes per second") > 0.0);
}

#[test]
fn the_gate_is_asked_and_messages_and_uploads_are_passed_on() {
    let report = measured("passing");
    for work in ["the gate, 1 client", "the gate, 4 clients", "messages passed on, 1 client"] {
        assert!(report.median("passing", work, "per second") > 0.0);
    }
    assert!(report.median("passing", "4 uploads of 1 MB at once", "MB per second") > 0.0);
    assert!(report.median("passing", "4 uploads of 1 MB at once", "MiB more than before, at most") >= 0.0);
}

#[test]
fn a_population_is_created_commanded_read_and_rebuilt() {
    let report = measured("creates,spread,reads,lists,rebuild,memory");
    assert!(report.median("creates", "from 8 to 16", "created") > 7.5);
    assert!(report.median("spread", "16 instances, Zipf", "per second") > 0.0);
    assert!(report.median("reads", "16 instances, 4 clients", "per second") > 0.0);
    for asked in ["page after page", "a search for a name", "a search that finds nothing"] {
        assert!(report.median("lists", &format!("16 instances, {asked}"), "p99 µs") > 0.0);
    }
    assert!(report.median("disk", "16 instances", "commits") >= 200.0, "the log was lengthened");
    assert!(report.median("disk", "16 instances", "log, bytes per commit") > 0.0);
    assert!(report.median("restart", "16 instances", "texts found after s") > 0.0);
    assert!(report.median("restart", "16 instances", "commits") >= 200.0);
    assert!(report.median("restart", "200 instances, 10 commits each", "commits") >= 1_800.0);
    assert!(report.median("memory", "16 instances", "MiB after a restart") > 0.0);
    assert!(report.median("memory", "metrics unread, look 5", "MiB") > 0.0);
}

#[test]
fn a_large_population_is_made_without_requests_and_measured() {
    let report = measured_as("smoke-large", &[]);
    let made = "from 8 to 400, made through the log";
    assert!(report.median("creates", "from 0 to 8", "created") > 7.5);
    assert!(report.median("creates", made, "created") > 391.5);
    assert!(report.median("creates", made, "commits per second") > 0.0);
    assert!(report.median("restart", "400 instances", "commits") >= 3_000.0, "the views followed");
    assert!(report.median("disk", "400 instances", "commits") >= 4_000.0);
    assert!(report.median("spread", "400 instances, uniform", "per second") > 0.0);
    assert!(report.median("lists", "400 instances, a search for a name", "p99 µs") > 0.0);
    assert!(report.median("restart", "400 instances", "restart to ready s") > 0.0);
    for moment in ["after all views were built", "after commands, reads and lists", "after a restart"] {
        assert!(report.median("memory", "400 instances", &format!("MiB {moment}")) > 0.0);
    }
}

#[test]
fn links_are_spread_over_two_connectors_and_resumed_by_the_other_on_nats() {
    let report = measured("links");
    let work = "24 links, one connector killed";
    assert!((report.median("links", work, "linked") - 24.0).abs() < 0.5);
    let share = report.median("links", work, "at the connector with fewer, %");
    assert!(share > 0.0 && share <= 50.0, "{share}");
    assert!(report.median("links", work, "all at the other after s") > 0.0);
    assert!(report.median("links", work, "not linked any more").abs() < 0.5);
}

#[test]
fn notices_wait_for_what_takes_nothing_and_commits_go_on_beside_them() {
    let report = measured("waiting");
    assert!((report.median("memory", "80 notices wait", "notices that wait") - 80.0).abs() < 0.5);
    assert!(report.median("memory", "80 notices wait", "MiB") > 0.0);
    assert!(report.median("memory", "80 notices wait", "a new instance's notice after a restart s") > 0.0);
    let beside = "80 notices wait, commits beside them, 1 client";
    assert!(report.median("memory", beside, "p99 µs") > 0.0);
}

#[test]
fn nothing_acknowledged_is_missing_after_an_aggregate_and_a_leader_were_killed_on_nats() {
    let report = measured("kill");
    let work = "an aggregate, then a leader of the log";
    assert!(report.median("kill", work, "acknowledged") > 0.0);
    assert!(report.median("kill", work, "of the last ones missing").abs() < 0.5);
    assert!(report.median("kill", work, "damaged histories").abs() < 0.5);
}
