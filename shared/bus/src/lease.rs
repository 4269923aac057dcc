//! What is owned by one process at a time.

use std::fmt;

use berth_proto::Partition;
use berth_runtime::Role;

/// The work of a role on one partition. Its name says whose it is, so that NATS lets each role write its own leases only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lease {
    /// Who does the work.
    pub role: Role,
    /// On what.
    pub partition: Partition,
}

// === impl Lease ===

impl Lease {
    /// The roles that own something. A gateway owns nothing.
    pub const ROLES: [Role; 4] = [Role::SessionAggregate, Role::Projections, Role::Webhooks, Role::Connector];

    /// The work of a role on every partition.
    pub fn all_of(role: Role) -> impl Iterator<Item = Self> {
        Partition::all().map(move |partition| Self { role, partition })
    }
}

/// `<role>.<partition>`
impl fmt::Display for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.role, self.partition)
    }
}
