//! How Berth is run: what it keeps its log in, and in which processes.

use std::fmt;

/// What the log lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    /// A folder of the one process, synced before every answer.
    Embedded,
    /// A NATS server that syncs its disk every two minutes.
    R1,
    /// A NATS server that syncs its disk before every answer.
    R1Always,
    /// Three NATS servers on this machine that sync every two minutes.
    R3,
    /// Three that sync before every answer.
    R3Always,
}

/// Which processes there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// All roles in one.
    Serve,
    /// One for each role.
    Roles,
    /// One for each role, and a second session-aggregate.
    TwoAggregates,
    /// One for each role, and a second connector.
    TwoConnectors,
    /// Two for each role.
    TwoOfEach,
}

/// A way to run Berth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Topology {
    pub(crate) engine: Engine,
    pub(crate) shape: Shape,
}

impl Engine {
    /// Copies of each stream.
    pub(crate) const fn replicas(self) -> usize {
        match self {
            Self::Embedded | Self::R1 | Self::R1Always => 1,
            Self::R3 | Self::R3Always => 3,
        }
    }

    pub(crate) const fn syncs_always(self) -> bool {
        matches!(self, Self::R1Always | Self::R3Always)
    }
}

impl Shape {
    /// The subcommands of the processes.
    pub(crate) fn processes(self) -> Vec<&'static str> {
        const ROLES: [&str; 5] = ["session-aggregate", "projections", "webhooks", "connector", "gateway"];
        match self {
            Self::Serve => vec!["serve"],
            Self::Roles => ROLES.to_vec(),
            Self::TwoAggregates => [&ROLES[..], &["session-aggregate"]].concat(),
            Self::TwoConnectors => [&ROLES[..], &["connector"]].concat(),
            Self::TwoOfEach => [ROLES, ROLES].concat(),
        }
    }
}

impl Topology {
    pub(crate) const EMBEDDED: Self = Self { engine: Engine::Embedded, shape: Shape::Serve };

    /// `serve` on this engine.
    pub(crate) const fn serve(engine: Engine) -> Self {
        Self { engine, shape: Shape::Serve }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Embedded => "embedded",
            Self::R1 => "R1",
            Self::R1Always => "R1 always",
            Self::R3 => "R3",
            Self::R3Always => "R3 always",
        })
    }
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.engine.fmt(f)?;
        f.write_str(match self.shape {
            Shape::Serve => "",
            Shape::Roles => ", roles apart",
            Shape::TwoAggregates => ", roles apart, two aggregates",
            Shape::TwoConnectors => ", roles apart, two connectors",
            Shape::TwoOfEach => ", two of each role",
        })
    }
}
