//! A whole deployment in one thread, from a seed, with every fault of networks and processes.
//!
//! `tests/run simulate --seeds 1000` runs a thousand seeds; the first that ends with something wrong is run again, and
//! what happened is printed. From the outside in:
//!
//! - `many`: seeds, each in a process of its own; `tally`: what became of them; `run`: one of them
//! - `deployment`, `process`, `roles`: the processes, started by the functions that the binary calls
//! - `client`: what is asked of them; `model`: what was answered
//! - `checks`, `history`, `silence`, `shown`, `told`: what must be true in the end; `mutant`: what is broken on purpose to see that
//!   it is found
//! - `ambush`: faults amid a call
//! - `world`, `odds`, `chance`, `trace`: time, faults and decisions; `ports`: the product's ports on them
//! - `randomness`: what the operating system would decide
#![expect(clippy::print_stdout, reason = "the report is what it is for")]

mod ambush;
mod chance;
mod checks;
mod client;
mod deployment;
mod history;
mod logs;
mod many;
mod model;
mod mutant;
mod odds;
mod ports;
mod process;
mod randomness;
mod roles;
mod run;
mod shown;
mod silence;
mod tally;
mod told;
mod trace;
mod world;

use std::{process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};

use crate::mutant::Mutant;

/// As what is shipped has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Seeds that are run unless more are asked for.
const SEEDS: u64 = 100;

#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    only: Option<Only>,
    /// How many seeds; 100 unless --steps says how long.
    #[arg(long)]
    seeds: Option<u64>,
    /// No seed is begun after so many steps of all together.
    #[arg(long)]
    steps: Option<u64>,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// How many at once.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Breaks something on purpose, and ends well only if a seed finds it.
    #[arg(long = "break", value_enum)]
    mutant: Option<Mutant>,
    /// Lines of the trace that are printed of a seed that ends with something wrong.
    #[arg(long, default_value_t = 200)]
    lines: usize,
    /// Goes on after a seed that ends with something wrong: each is told of when it ends, and the lowest is replayed in the end.
    #[arg(long)]
    go_on: bool,
    /// Seconds between two lines that say how far it is.
    #[arg(long, default_value_t = 60)]
    tell_every: u64,
}

#[derive(Debug, Subcommand)]
enum Only {
    /// Runs one seed in this process.
    One {
        seed: u64,
        /// Breaks something on purpose.
        #[arg(long = "break", value_enum)]
        mutant: Option<Mutant>,
        /// Prints every step, and what the processes log.
        #[arg(long)]
        trace: bool,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.only {
        Some(Only::One { seed, mutant, trace }) => one(seed, mutant, trace),
        None => {
            let seeds = arguments.seeds.unwrap_or(if arguments.steps.is_some() { u64::MAX } else { SEEDS });
            many::run(&many::Wanted {
                seeds: arguments.from..arguments.from.saturating_add(seeds),
                steps_max: arguments.steps.unwrap_or(u64::MAX),
                jobs: arguments.jobs.max(1),
                mutant: arguments.mutant,
                lines: arguments.lines,
                goes_on: arguments.go_on,
                tell_every: Duration::from_secs(arguments.tell_every.max(1)),
            })
        }
    }
}

fn one(seed: u64, mutant: Option<Mutant>, trace: bool) -> ExitCode {
    let outcome = run::run(seed, mutant, trace);
    if trace {
        for line in &outcome.trace {
            println!("{line}");
        }
    }
    for fault in &outcome.faults {
        println!("fault: {fault}");
    }
    println!(
        "seed {seed}: {} steps, {} commits, trace {:016x}",
        outcome.steps, outcome.commits, outcome.digest
    );
    if outcome.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) }
}
