//! Which roles of a deployment nobody does the work of at this moment, as a process last saw it.

use berth_runtime::Role;
use tokio::sync::watch;

/// Who is away. Written by the watch of the process, read by whoever waits for others. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Presence(watch::Receiver<Vec<Role>>);

// === impl Presence ===

impl Presence {
    /// What a watch says from now on: the roles that are away.
    pub const fn of(away: watch::Receiver<Vec<Role>>) -> Self {
        Self(away)
    }

    /// Everybody is here, since all roles are one process.
    pub fn of_one_process() -> Self {
        Self(watch::channel(Vec::new()).1)
    }

    /// Whether nobody did the work of this role when it was looked last. What was not seen yet is not away.
    pub fn lacks(&self, role: Role) -> bool {
        self.0.borrow().contains(&role)
    }
}
