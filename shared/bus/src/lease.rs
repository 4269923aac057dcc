//! What is owned by one replica at a time.

use std::fmt;

/// Work that one replica of a role owns at a time. Its name says whose it is, so that NATS lets each role write its
/// own leases only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lease {
    /// The process manager of the session-aggregate.
    ProcessManager,
    /// Publishing the public events, by the projections.
    PublicEvents,
    /// Delivering webhooks.
    Deliveries,
    /// The device links of the connector.
    Links,
}

impl Lease {
    /// Every lease.
    pub const ALL: [Self; 4] = [Self::ProcessManager, Self::PublicEvents, Self::Deliveries, Self::Links];

    /// The role that does the work.
    pub const fn role(self) -> &'static str {
        match self {
            Self::ProcessManager => "session-aggregate",
            Self::PublicEvents => "projections",
            Self::Deliveries => "webhooks",
            Self::Links => "connector",
        }
    }
}

/// `<role>.all`: the work is not spread, so it is that of all partitions.
impl fmt::Display for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.all", self.role())
    }
}
