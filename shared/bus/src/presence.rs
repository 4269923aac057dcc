//! What a deployment lacks at this moment, as a process last saw it: roles that nobody does the work of, and leaders.

use berth_runtime::Role;
use tokio::sync::watch;

use crate::leaders::Leaders;

/// Who is away. Written by the watches of the process, read by whoever waits for others. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Presence {
    away: watch::Receiver<Vec<Role>>,
    leaders: Leaders,
}

// === impl Presence ===

impl Presence {
    /// What watches say from now on: the roles that are away, and what has no leader.
    pub const fn of(away: watch::Receiver<Vec<Role>>, leaders: Leaders) -> Self {
        Self { away, leaders }
    }

    /// Everybody is here, since all roles are one process.
    pub fn of_one_process() -> Self {
        Self::of(watch::channel(Vec::new()).1, Leaders::of_one_process())
    }

    /// Whether nobody did the work of this role when it was looked last. What was not seen yet is not away.
    pub fn lacks(&self, role: Role) -> bool {
        self.away.borrow().contains(&role)
    }

    /// Which streams have no leader.
    pub const fn leaders(&self) -> &Leaders {
        &self.leaders
    }
}
