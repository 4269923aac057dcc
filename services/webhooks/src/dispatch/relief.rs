//! Which instances leave memory when much is in it: all are looked at, some lanes at a time; pure.

use std::time::Duration;

use berth_proto::{InstanceId, Timestamp};
use tokio::time::Instant;

use super::{board::Board, lane::LaneKey};

/// Lanes that are looked at in a turn of the loop.
const LANES_AT_ONCE: usize = 256;
/// How long it rests at most where there is no room for what comes, after all were looked at.
const PRESSED_REST: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub(super) struct Relief {
    /// The last lane that was looked at; none before the first.
    looked_at: Option<LaneKey>,
    /// When it goes on.
    next: Instant,
}

// === impl Relief ===

impl Relief {
    pub(super) const fn new(now: Instant) -> Self {
        Self { looked_at: None, next: now }
    }

    /// Goes on, if much is in memory. `stays`: of whom that is not known.
    pub(super) fn go_on(
        &mut self,
        board: &mut Board,
        (begun, now): (Instant, Timestamp),
        stays: impl Fn(InstanceId) -> bool,
    ) {
        if !board.is_crowded() || begun < self.next {
            return;
        }
        let (instances, last) = board.instances_with(|_| true, self.looked_at, LANES_AT_ONCE);
        for instance in instances {
            if !stays(instance) {
                board.may_go(instance, now);
            }
        }
        self.looked_at = last;
        if last.is_none() {
            let rest = board.looks_each();
            self.next = begun + if board.is_pressed() { rest.min(PRESSED_REST) } else { rest };
        }
    }

    /// When it goes on; none if there is no need.
    pub(super) fn wake_at(&self, board: &Board) -> Option<Instant> {
        board.is_crowded().then_some(self.next)
    }
}
