//! Many seeds, each in a process of its own: what tokio draws from the system's randomness depends on what was drawn in
//! the process before.

use std::{
    ops::Range,
    process::{Command, ExitCode},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use clap::ValueEnum;

use crate::mutant::Mutant;

/// What is wanted.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) seeds: Range<u64>,
    pub(crate) jobs: usize,
    pub(crate) mutant: Option<Mutant>,
    pub(crate) lines: usize,
}

/// What a process said of its seed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    seed: u64,
    faults: Vec<String>,
    /// The last line, which tells of the whole run.
    last: String,
    steps: u64,
}

/// Runs the seeds until one ends with something wrong, and replays that one.
pub(crate) fn run(wanted: &Wanted) -> ExitCode {
    let (next, steps) = (AtomicU64::new(wanted.seeds.start), AtomicU64::new(0));
    let found: Mutex<Option<Said>> = Mutex::new(None);
    let found_one = || found.lock().unwrap_or_else(PoisonError::into_inner).is_some();
    thread::scope(|scope| {
        for _ in 0..wanted.jobs {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= wanted.seeds.end || found_one() {
                        return;
                    }
                    let said = one(seed, wanted.mutant, &[]);
                    steps.fetch_add(said.steps, Ordering::SeqCst);
                    if !said.faults.is_empty() {
                        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                        // The lowest of those that run at once.
                        if found.as_ref().is_none_or(|before| seed < before.seed) {
                            *found = Some(said);
                        }
                        return;
                    }
                }
            });
        }
    });
    let ran = next.load(Ordering::SeqCst).min(wanted.seeds.end) - wanted.seeds.start;
    let steps = steps.load(Ordering::SeqCst);
    println!("{ran} seeds from {}, {steps} steps", wanted.seeds.start);
    match (found.into_inner().unwrap_or_else(PoisonError::into_inner), wanted.mutant) {
        (None, None) => {
            println!("nothing was found");
            ExitCode::SUCCESS
        }
        (None, Some(mutant)) => {
            println!("{mutant:?} was not found");
            ExitCode::from(1)
        }
        (Some(said), Some(mutant)) => {
            println!("{mutant:?} is found by seed {}: {}", said.seed, said.faults.join("\n  "));
            ExitCode::SUCCESS
        }
        (Some(said), None) => {
            replay(&said, wanted);
            ExitCode::from(1)
        }
    }
}

/// Runs a seed in a process of its own.
fn one(seed: u64, mutant: Option<Mutant>, more: &[&str]) -> Said {
    let (text, ended_well) = output(seed, mutant, more);
    let mut faults: Vec<String> =
        text.lines().filter_map(|line| line.strip_prefix("fault: ")).map(str::to_owned).collect();
    let last = text.lines().last().unwrap_or_default().to_owned();
    let steps = last.split_once(": ").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
    if faults.is_empty() && (!ended_well || steps.is_none()) {
        faults.push(format!("the process of seed {seed} did not end as it should: {text}"));
    }
    Said { seed, faults, last, steps: steps.unwrap_or_default() }
}

fn output(seed: u64, mutant: Option<Mutant>, more: &[&str]) -> (String, bool) {
    let itself = std::env::current_exe().expect("the path of this program");
    let mut command = Command::new(itself);
    command.arg("one").arg(seed.to_string()).args(more);
    if let Some(mutant) = mutant.and_then(|mutant| mutant.to_possible_value()) {
        command.arg("--break").arg(mutant.get_name());
    }
    let output = command.output().expect("this program again");
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    (text, output.status.success())
}

/// Runs a seed again and prints what happened.
fn replay(said: &Said, wanted: &Wanted) {
    let (text, _) = output(said.seed, wanted.mutant, &["--trace"]);
    let lines: Vec<&str> = text.lines().collect();
    let skipped = lines.len().saturating_sub(wanted.lines);
    println!("... {skipped} lines before these: `berth-simulate one {} --trace` prints them all", said.seed);
    for line in lines.iter().skip(skipped) {
        println!("{line}");
    }
    for fault in &said.faults {
        println!("seed {}: {fault}", said.seed);
    }
    let again = one(said.seed, wanted.mutant, &[]);
    let exactly = if again == *said { "exactly" } else { "NOT exactly" };
    println!("{}\nit was run again {exactly} as before", said.last);
}
