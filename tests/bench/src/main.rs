//! The benchmark: what Berth takes beside the bare parts that it is made of, in the same run.
//!
//! `cargo run --release -p berth-bench` builds what it needs, starts every process itself, and prints a Markdown
//! table. BENCHMARKS.md says how to read it.
#![expect(clippy::print_stdout, reason = "the report is what it is for")]

mod bare;
mod deployment;
mod http;
mod load;
mod options;
mod process;
mod report;
mod rounds;

use clap::Parser;

use crate::options::{Options, Part};

/// Why the benchmark stops: there is nothing to handle, only to tell.
type Failure = Box<dyn std::error::Error + Send + Sync>;
type Outcome<T> = Result<T, Failure>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let options = Options::parse();
    match &options.part {
        Some(Part::EmptyHandler { port }) => return bare::empty_handler(*port).await,
        Some(Part::Echo { url }) => return bare::echo(url).await,
        None => {}
    }
    let binary = process::build_berth()?;
    let results = Box::pin(rounds::run(&options, &binary)).await?;
    print!("{}", report::render(&options, &results));
    Ok(())
}
