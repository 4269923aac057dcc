//! Simulations of a bounded number of seeds, and of a deployment that is broken on purpose.

use std::process::Command;

/// Runs the simulation; gives what it printed and whether it ended well.
fn simulate(arguments: &[&str]) -> (String, bool) {
    let output = Command::new(env!("CARGO_BIN_EXE_berth-simulate")).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (text.into_owned(), output.status.success())
}

fn ends_well(arguments: &[&str]) {
    let (text, ended_well) = simulate(arguments);
    assert!(ended_well, "{text}");
}

/// So many seeds find a deployment that is broken: of forty, several do, and the first of them ends the search.
fn is_found(mutant: &str) {
    ends_well(&["--seeds", "40", "--jobs", "1", "--break", mutant]);
}

#[test]
fn nothing_is_found_by_a_bounded_number_of_seeds() {
    ends_well(&["--seeds", "60"]);
}

#[test]
fn a_seed_is_one_run_however_often() {
    for seed in ["3", "4"] {
        let last = |text: &str| text.lines().last().unwrap().to_owned();
        let (first, _) = simulate(&["one", seed]);
        assert!(first.starts_with(&format!("seed {seed}: ")), "{first}");
        for again in [&["one", seed][..], &["one", seed, "--trace"]] {
            assert_eq!(last(&simulate(again).0), last(&first));
        }
    }
    let [(three, _), (four, _)] = [simulate(&["one", "3"]), simulate(&["one", "4"])];
    assert_ne!(three.split("trace").last(), four.split("trace").last());
}

#[test]
fn a_fence_that_is_ignored_is_found() {
    is_found("fence-ignored");
}

#[test]
fn a_gate_that_is_read_once_is_found() {
    is_found("gate-read-once");
}

#[test]
fn a_receipt_that_is_dropped_is_found() {
    is_found("receipt-dropped");
}

#[test]
fn a_version_that_is_off_by_one_is_found() {
    is_found("version-off-by-one");
}

#[test]
fn a_takeover_without_cancelling_is_found() {
    is_found("takeover-without-cancelling");
}

#[test]
fn no_seed_is_begun_after_the_steps_that_were_asked_for() {
    let (text, ended_well) = simulate(&["--steps", "1", "--jobs", "1", "--tell-every", "1"]);
    assert!(ended_well && text.contains("from seed 1: 1 seeds, "), "{text}");
}
