//! What can be asked of the benchmark.

use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

/// Measures Berth beside the bare parts that it is made of, all on this machine and in the same run: an empty
/// HTTP handler, a core NATS round trip and a bare publish or append. Prints a Markdown table; progress goes to
/// the standard error. TMPDIR says on which disk the logs lie.
#[derive(Debug, Parser)]
#[command(name = "berth-bench", version)]
pub(crate) struct Options {
    /// Seconds of each measurement, after a warm-up of a fifth of it.
    #[arg(long, default_value_t = 1.2, value_parser = seconds)]
    pub(crate) seconds: f64,
    /// Rounds over all measurements; the median counts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,
    /// Instances that the commands go to. More than a few thousand take minutes to create.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(64..=1_000_000))]
    pub(crate) instances: u32,
    /// Commits of the instance with a long history.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) history: u32,
    /// Measures only these engines; may be given more than once.
    #[arg(long, value_enum)]
    pub(crate) only: Vec<Engine>,
    #[command(subcommand)]
    pub(crate) part: Option<Part>,
}

/// What Berth keeps its log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// One process with its log in a folder, synced before every answer.
    Embedded,
    /// A NATS server that syncs its disk every two minutes.
    Nats,
    /// A NATS server that syncs its disk before every answer.
    NatsAlways,
}

/// The processes that the benchmark starts from its own binary.
#[derive(Debug, Subcommand)]
pub(crate) enum Part {
    /// Serves an HTTP handler that does nothing.
    #[command(hide = true)]
    EmptyHandler {
        /// The port of the loopback interface.
        port: u16,
    },
    /// Answers requests over core NATS with what they say.
    #[command(hide = true)]
    Echo {
        /// The server.
        url: String,
    },
}

impl Engine {
    pub(crate) const ALL: [Self; 3] = [Self::Embedded, Self::Nats, Self::NatsAlways];

    /// As the report calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Nats => "NATS R1",
            Self::NatsAlways => "NATS R1 always",
        }
    }
}

impl Options {
    /// The engines to measure.
    pub(crate) fn engines(&self) -> Vec<Engine> {
        let asked = |engine: &Engine| self.only.is_empty() || self.only.contains(engine);
        Engine::ALL.into_iter().filter(asked).collect()
    }

    /// How long one measurement takes.
    pub(crate) fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "a number is expected".to_owned())?;
    if (0.05..=600.0).contains(&seconds) { Ok(seconds) } else { Err("0.05 to 600 are possible".to_owned()) }
}
