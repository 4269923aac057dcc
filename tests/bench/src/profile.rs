//! How much is measured: every number that bounds a run.

use std::time::Duration;

use clap::ValueEnum;

use crate::{
    options::{Options, Section},
    topology::{Engine, Shape, Topology},
};

/// A profile by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Name {
    /// About two minutes: the ratios to steer by while working. One server; up to 5,000 instances.
    Quick,
    /// About twenty minutes: the targets, in three rounds of three seconds, so that what the stores write behind a command
    /// falls into every window. One server; up to 100,000 instances.
    Steady,
    /// About two and a half hours: the figures to publish. Five rounds of five seconds; three servers too; up to 1,000,000
    /// instances; processes killed under load.
    Full,
    /// One embedded deployment with a million instances and ten million commits, all but the first thousand made without
    /// requests.
    Large,
    /// Seconds: every section with numbers that say nothing. For the benchmark's own tests.
    #[value(hide = true)]
    Smoke,
    /// The same for what `large` does otherwise.
    #[value(hide = true)]
    SmokeLarge,
}

/// What a profile means.
#[derive(Debug, Clone)]
pub(crate) struct Profile {
    /// The time of one measurement, after a warm-up of a fifth of it.
    pub(crate) window: Duration,
    /// Rounds over the commands, and those of them that have all else too, but for the large populations.
    pub(crate) rounds: u32,
    pub(crate) rounds_of_all: u32,
    /// Clients where not one.
    pub(crate) clients: usize,
    /// Clients of the open loop: what may be under way at once.
    pub(crate) open_clients: usize,
    /// Instances of a measurement that is not about their number.
    pub(crate) instances: usize,
    /// Instances that are linked and logged out in one burst.
    pub(crate) sessions: usize,
    /// Instances with twenty endpoints each for which notices wait, and those that are logged out one at a time; each twice.
    pub(crate) told: usize,
    pub(crate) single: usize,
    /// Instances at a host that hangs, and as many beside them.
    pub(crate) stuck: usize,
    /// Devices that are linked over two connectors.
    pub(crate) links: usize,
    /// Instances in the list of the console, and how long it is looked at while they change.
    pub(crate) console_instances: usize,
    pub(crate) console_window: Duration,
    /// Notices that wait for endpoints which take nothing.
    pub(crate) waiting: usize,
    /// Uploads that are passed on at once, and the bytes of each.
    pub(crate) uploads: (usize, usize),
    /// Instances of one deployment that grows; sizes beyond the first are done in the first round alone.
    pub(crate) sizes: Vec<usize>,
    /// Commits that the log has before the largest population is measured.
    pub(crate) commits: u64,
    /// Instances of a log in which each has many commits, and how many, about.
    pub(crate) long: (usize, u64),
    /// Whether what is beyond the first size is made through the log's port and not by requests.
    pub(crate) made: bool,
    /// How long one growth may take; what is there by then is what is measured.
    pub(crate) growth_max: Duration,
    /// Topologies that commands are measured on.
    pub(crate) topologies: Vec<Topology>,
    /// Topologies that all else is measured on.
    pub(crate) few: Vec<Topology>,
    /// Also accounts' tokens on every topology, and large states.
    pub(crate) thorough: bool,
    /// Topology whose processes are killed, if any, and for how long load runs.
    pub(crate) kill: Option<(Topology, Duration)>,
    /// No section is begun after this, and none is repeated.
    pub(crate) budget: Duration,
}

/// Commits of an instance that has many.
pub(crate) const MANY_COMMITS: u64 = 100;
/// The bytes of settings that make a state of about 40 KB.
pub(crate) const LARGE_STATE_BYTES: usize = 38_000;
/// The rates of the open loop, as parts of the capacity that the closed loop has found.
pub(crate) const RATES: [f64; 5] = [0.25, 0.5, 0.75, 0.9, TOO_MUCH];
/// More than can be done.
pub(crate) const TOO_MUCH: f64 = 3.0;
/// Endpoints of the instances that are logged out.
pub(crate) const ENDPOINTS: [usize; 3] = [0, 1, 3];

const fn apart(engine: Engine, shape: Shape) -> Topology {
    Topology { engine, shape }
}

impl Name {
    /// Whether a section is measured when none is named.
    pub(crate) const fn measures(self, section: Section) -> bool {
        match self {
            Self::Quick | Self::Steady | Self::Full | Self::Smoke => true,
            // What is made is folded by all views afterwards, so they need not be rebuilt once more.
            Self::Large | Self::SmokeLarge => matches!(
                section,
                Section::Creates | Section::Spread | Section::Reads | Section::Lists | Section::Memory
            ),
        }
    }
}

impl Profile {
    /// The profile that is asked for, with as many rounds as are asked for.
    pub(crate) fn asked(options: &Options) -> Self {
        let profile = Self::of(options.profile);
        let rounds = options.rounds.unwrap_or(profile.rounds);
        Self { rounds, rounds_of_all: profile.rounds_of_all.min(rounds), ..profile }
    }

    fn of(name: Name) -> Self {
        match name {
            Name::Quick => Self::quick(),
            Name::Steady => Self::steady(),
            Name::Full => Self::full(),
            Name::Large => Self::large(),
            Name::Smoke => Self::smoke(),
            Name::SmokeLarge => Self::smoke_large(),
        }
    }

    /// What the others differ from.
    fn quick() -> Self {
        Self {
            window: Duration::from_millis(500),
            rounds: 2,
            rounds_of_all: 1,
            clients: 64,
            open_clients: 256,
            instances: 256,
            sessions: 500,
            told: 50,
            single: 100,
            stuck: 1_000,
            links: 1_000,
            console_instances: 10_000,
            console_window: Duration::from_secs(5),
            waiting: 10_000,
            uploads: (100, 10_000_000),
            sizes: vec![1_000, 5_000],
            commits: 0,
            long: (1_000, MANY_COMMITS),
            made: false,
            growth_max: Duration::from_secs(8),
            topologies: vec![
                Topology::EMBEDDED,
                Topology::serve(Engine::R1),
                apart(Engine::R1, Shape::Roles),
                apart(Engine::R1, Shape::TwoAggregates),
                Topology::serve(Engine::R1Always),
            ],
            few: vec![Topology::EMBEDDED],
            thorough: false,
            kill: None,
            budget: Duration::from_mins(3),
        }
    }

    fn steady() -> Self {
        Self {
            window: Duration::from_secs(3),
            rounds: 3,
            open_clients: 1_024,
            instances: 1_000,
            sessions: 2_000,
            single: 500,
            links: 10_000,
            console_window: Duration::from_secs(20),
            waiting: 100_000,
            uploads: (100, 100_000_000),
            sizes: vec![1_000, 20_000, 100_000],
            long: (5_000, MANY_COMMITS),
            growth_max: Duration::from_mins(1),
            budget: Duration::from_mins(30),
            ..Self::quick()
        }
    }

    fn full() -> Self {
        let mut topologies = Self::quick().topologies;
        topologies.extend([
            apart(Engine::R1, Shape::TwoOfEach),
            apart(Engine::R1Always, Shape::Roles),
            Topology::serve(Engine::R3),
            Topology::serve(Engine::R3Always),
            apart(Engine::R3, Shape::TwoOfEach),
        ]);
        Self {
            window: Duration::from_secs(5),
            rounds: 5,
            rounds_of_all: 5,
            open_clients: 1_024,
            instances: 1_000,
            sessions: 5_000,
            single: 1_000,
            links: 10_000,
            console_window: Duration::from_mins(1),
            waiting: 1_000_000,
            uploads: (100, 100_000_000),
            sizes: vec![1_000, 100_000, 1_000_000],
            long: (10_000, MANY_COMMITS),
            growth_max: Duration::from_mins(15),
            topologies,
            few: vec![Topology::EMBEDDED, Topology::serve(Engine::R1)],
            thorough: true,
            kill: Some((apart(Engine::R3, Shape::TwoOfEach), Duration::from_secs(30))),
            budget: Duration::from_hours(4),
            ..Self::quick()
        }
    }

    fn large() -> Self {
        Self {
            window: Duration::from_secs(5),
            rounds: 1,
            sizes: vec![1_000, 1_000_000],
            commits: 10_000_000,
            made: true,
            topologies: vec![Topology::EMBEDDED],
            budget: Duration::from_mins(90),
            ..Self::quick()
        }
    }

    fn smoke_large() -> Self {
        Self { sizes: vec![8, 400], commits: 4_000, made: true, ..Self::smoke() }
    }

    fn smoke() -> Self {
        Self {
            window: Duration::from_millis(60),
            rounds: 1,
            clients: 4,
            open_clients: 32,
            instances: 8,
            sessions: 8,
            told: 3,
            single: 4,
            stuck: 20,
            links: 24,
            console_instances: 60,
            console_window: Duration::from_millis(1_500),
            waiting: 80,
            uploads: (4, 1_000_000),
            sizes: vec![8, 16],
            commits: 200,
            long: (200, 10),
            growth_max: Duration::from_secs(20),
            topologies: vec![Topology::EMBEDDED, apart(Engine::R1, Shape::Roles)],
            thorough: true,
            kill: Some((apart(Engine::R3, Shape::TwoAggregates), Duration::from_millis(1_500))),
            budget: Duration::from_mins(5),
            ..Self::quick()
        }
    }
}
