//! The benchmark: what Berth takes beside the bare parts that it is made of, in the same run.
//!
//! `cargo run --profile dist -p berth-bench` builds what it needs, starts every process itself, and prints Markdown.
//! BENCHMARKS.md says how to read it. From the outside in:
//!
//! - `options`, `profile`: what is asked for, and how much that is; `machine`: whether it can be believed
//! - `sections`: what is measured, one file each; `targets`, `report`: what is said of it
//! - `workload`: what is asked of Berth; `closed_loop`, `open_loop`, `picks`: how often, and of which instance
//! - `make`: a deployment of a million instances in minutes
//! - `deployment`, `servers`, `topology`: the processes; `watch`, `scrape`, `proc_fs`, `disk`: what they use meanwhile
//! - `bare`, `composite`: what the parts take alone
#![expect(clippy::print_stdout, reason = "the report is what it is for")]

mod bare;
mod closed_loop;
mod composite;
mod deployment;
mod disk;
mod hanging;
mod http;
mod latency;
mod machine;
mod make;
mod open_loop;
mod options;
mod picks;
mod proc_fs;
mod process;
mod profile;
mod report;
mod results;
mod scrape;
mod sections;
mod servers;
mod sink;
mod targets;
mod topology;
mod watch;
mod workload;

use std::fs;

use clap::Parser;

use crate::{
    machine::Stamp,
    options::{Options, Part},
};

/// Why a part of the benchmark stops: there is nothing to handle, only to tell.
type Failure = Box<dyn std::error::Error + Send + Sync>;
type Outcome<T> = Result<T, Failure>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let options = Options::parse();
    match &options.part {
        Some(Part::EmptyHandler { port, answer }) => return bare::handler::serve(*port, answer).await,
        Some(Part::Upstream { port }) => return bare::upstream::serve(*port).await,
        Some(Part::Echo { url }) => return bare::echo::serve(url).await,
        Some(Part::Make { .. }) | None => {}
    }
    if cfg!(debug_assertions) {
        eprintln!(
            "This is a debug build: its figures say nothing. Use `cargo run --profile dist -p berth-bench`."
        );
    }
    let binary = match &options.berth {
        Some(binary) => fs::canonicalize(binary)?,
        None => process::build_berth()?,
    };
    if let Some(Part::Make { folder, instances, commits }) = &options.part {
        print!("{}", make::in_folder(&binary, folder, *instances, *commits).await?);
        return Ok(());
    }
    let mut stamp = Stamp::take(&options).await?;
    let results = Box::pin(sections::run(&options, &binary)).await;
    stamp.finish()?;
    print!("{}", report::markdown::render(&stamp, &results));
    if let Some(file) = &options.json {
        fs::write(file, report::json::render(&stamp, &results)?)?;
    }
    Ok(())
}
