//! Many seeds, each in a process of its own: what tokio draws from the system's randomness depends on what was drawn in
//! the process before.

use std::{
    ops::Range,
    process::{Command, ExitCode},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use clap::ValueEnum;

use crate::{
    mutant::Mutant,
    tally::{Said, Tally},
};

/// What is wanted.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) seeds: Range<u64>,
    /// No seed is begun after so many steps.
    pub(crate) steps_max: u64,
    pub(crate) jobs: usize,
    pub(crate) mutant: Option<Mutant>,
    pub(crate) lines: usize,
    /// Whether others are run after one that ended with something wrong.
    pub(crate) goes_on: bool,
    /// The time between two lines that say how far it is.
    pub(crate) tell_every: Duration,
}

fn locked(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs the seeds, as many at once as there are jobs, and replays the lowest of those that end with something wrong.
pub(crate) fn run(wanted: &Wanted) -> ExitCode {
    let next = AtomicU64::new(wanted.seeds.start);
    let tally = Mutex::new(Tally::new());
    thread::scope(|scope| {
        for _ in 0..wanted.jobs {
            scope.spawn(|| {
                while !locked(&tally).is_over(wanted.steps_max, wanted.goes_on) {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= wanted.seeds.end {
                        return;
                    }
                    let said = one(seed, wanted.mutant, &[]);
                    let mut tally = locked(&tally);
                    if wanted.goes_on && !said.faults.is_empty() {
                        println!("seed {seed}: {}", said.faults.join("\n  "));
                    }
                    tally.count(said);
                    if tally.is_to_tell(wanted.tell_every) {
                        println!("{tally}");
                    }
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("from seed {}: {tally}", wanted.seeds.start);
    match (tally.found().first(), wanted.mutant) {
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
            replay(said, wanted);
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
