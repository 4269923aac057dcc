//! What can be asked of the benchmark.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::profile::Name;

/// Measures Berth beside the bare parts that it is made of, all on this machine and in the same run.
///
/// It builds `berth`, starts every process itself (NATS servers too), shows its progress on the standard error, and
/// prints Markdown: the targets first, met or not, then all figures. What counts is the ratio to the bare parts of
/// the same run; absolute figures do not travel.
#[derive(Debug, Parser)]
#[command(
    name = "berth-bench",
    version,
    after_help = "Examples:\n  \
        cargo run --profile dist -p berth-bench                                   two minutes, everything that fits\n  \
        cargo run --profile dist -p berth-bench -- --only creates,reads           one question\n  \
        cargo run --profile dist -p berth-bench -- --profile full --only commands --rounds 1   that, on every topology\n  \
        cargo run --profile dist -p berth-bench -- --profile large                a million instances, ten million commits\n  \
        cargo run --profile dist -p berth-bench -- --profile full --json full.json > full.md\n  \
        cargo run --profile dist -p berth-bench -- make FOLDER --commits 100000 --instances 10000   a deployment to try things with\n\n\
        A busy machine is refused, since its figures say nothing: stop what else runs, or say --anyway, and the\n\
        report will say so too. TMPDIR says on which disk the logs lie; a tmpfs has no disk to wait for."
)]
pub(crate) struct Options {
    /// How much is measured.
    #[arg(long, value_enum, default_value_t = Name::Quick)]
    pub(crate) profile: Name,
    /// Measures only these sections; separated by commas, or given more than once.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "SECTIONS")]
    pub(crate) only: Vec<Section>,
    /// Measures so many rounds instead of those of the profile, for one question on many topologies.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: Option<u32>,
    /// Writes every figure of every round to this file, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Measures although the machine is busy; the report says so.
    #[arg(long)]
    pub(crate) anyway: bool,
    /// Measures this binary of berth instead of building one.
    #[arg(long, value_name = "PATH", global = true)]
    pub(crate) berth: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) part: Option<Part>,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Section {
    /// Keyed no-op logouts on every topology beside the composite, with processor time: most targets need it.
    Commands,
    /// The same commands on R1 with an evidence key and without one: what signed checkpoints cost.
    Signing,
    /// Latencies at fixed rates: 25, 50, 75 and 90 % of the capacity, and three times as much.
    Open,
    /// Real logouts of linked instances with 0, 1 and 3 endpoints, and how their notices keep up.
    Logouts,
    /// Signed notices to a thousand endpoints of a fast receiver: many that wait, one at a time, and both beside endpoints that hang.
    Notices,
    /// Pages of the console over 10,000 instances, alone and while they change a thousand times in a second.
    Console,
    /// Creates, up to the largest population of the profile.
    Creates,
    /// No-op logouts over that population, uniform and by Zipf's law.
    Spread,
    /// Reads of one instance over that population.
    Reads,
    /// Pages and searches of the list of that population.
    Lists,
    /// The gate beside the empty handler, messages that are passed to an upstream beside the same sent to it, and large uploads.
    Passing,
    /// A restart, and the rebuild of all views.
    Rebuild,
    /// Memory by the number of instances, and over time while nobody reads the metrics.
    Memory,
    /// Memory, and commits, beside notices that wait for endpoints which take nothing.
    Waiting,
    /// Linked devices over two connectors, of which one is killed.
    Links,
    /// An aggregate and a leader of the log killed under load, and the log checked afterwards (full profile).
    Kill,
}

/// What the benchmark makes, and the processes that it starts from its own binary.
#[derive(Debug, Subcommand)]
pub(crate) enum Part {
    /// Makes a deployment with many instances and a long log, without requests, and says how to serve it.
    Make {
        /// An empty folder, or one that is not there.
        folder: PathBuf,
        /// Instances that it has.
        #[arg(long, value_name = "NUMBER", default_value_t = 1_000_000)]
        instances: usize,
        /// Commits that its log has, at least; a create takes about five.
        #[arg(long, value_name = "NUMBER", default_value_t = 10_000_000)]
        commits: u64,
    },
    /// Serves an answer that lies in a folder.
    #[command(hide = true)]
    EmptyHandler {
        /// The port of the loopback interface.
        port: u16,
        /// The folder.
        answer: PathBuf,
    },
    /// Is an upstream whose instances are all open.
    #[command(hide = true)]
    Upstream {
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

impl Options {
    /// Whether a section was asked for, by its name or with the profile.
    pub(crate) fn wants(&self, section: Section) -> bool {
        if self.only.is_empty() { self.profile.measures(section) } else { self.only.contains(&section) }
    }
}
