//! When the bytes of a request may be written.
//!
//! Whoever sends was permitted to, a moment ago and under a lease. Name, connection and handshake take seconds, and a
//! process may be stopped for minutes anywhere. So the permission is looked at where the bytes go, below TLS and with every
//! write: a process that goes on after its lease has ended writes nothing, and what it had begun stays a part.

use std::sync::{Arc, Mutex, PoisonError};

use berth_bus::Holds;
use tokio::time::Instant;

/// The permission to write one request. Clocks are monotonic.
#[derive(Debug, Clone)]
pub struct Pass {
    /// The lease under which is sent.
    pub holds: Holds,
    /// The first byte is written before this, or none is.
    pub begins_before: Instant,
}

/// What lets bytes through to a connection; shared with the exchanges on it.
#[derive(Debug, Clone, Default)]
pub(super) struct Barrier(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    phase: Phase,
    /// Whether something of the request was written.
    begun: bool,
    /// Whether something was held back.
    held_back: bool,
    /// Whether the last of what was to be written was not taken yet.
    is_stuck: bool,
}

/// What is written now.
#[derive(Debug, Default)]
enum Phase {
    /// A handshake, which tells nobody anything.
    #[default]
    Opening,
    /// A request.
    Request(Pass),
    /// Nothing: between two requests.
    Resting,
}

// === impl Barrier ===

impl Barrier {
    /// From now on what is written is the request.
    pub(super) fn arm(&self, pass: Pass) {
        self.with(|state| {
            (state.phase, state.begun, state.held_back) = (Phase::Request(pass), false, false);
        });
    }

    /// From now on nothing is written until there is another request.
    pub(super) fn rest(&self) {
        self.with(|state| state.phase = Phase::Resting);
    }

    /// Whether bytes may be written now. Once it was refused it stays so.
    pub(super) fn opens(&self) -> bool {
        self.with(|state| {
            let pass = match &state.phase {
                Phase::Opening => return true,
                Phase::Resting => return false,
                Phase::Request(pass) => pass,
            };
            let in_time = state.begun || Instant::now() < pass.begins_before;
            state.held_back |= !(in_time && pass.holds.now());
            !state.held_back
        })
    }

    /// Bytes were written: `all` that were to be.
    pub(super) fn passed(&self, all: bool) {
        self.with(|state| {
            state.begun |= matches!(state.phase, Phase::Request(_));
            state.is_stuck = !all;
        });
    }

    /// Bytes were not taken yet that were to be written.
    pub(super) fn got_stuck(&self) {
        self.with(|state| state.is_stuck = true);
    }

    /// Whether the last of what was to be written was not taken yet: it would be taken for a part of the next request.
    pub(super) fn is_stuck(&self) -> bool {
        self.with(|state| state.is_stuck)
    }

    /// Whether something of the request was written.
    pub(super) fn begun(&self) -> bool {
        self.with(|state| state.begun)
    }

    /// Whether something of the request was held back.
    pub(super) fn held_back(&self) -> bool {
        self.with(|state| state.held_back)
    }

    /// Whether all of the request was held back.
    pub(super) fn kept_all(&self) -> bool {
        self.with(|state| state.held_back && !state.begun)
    }

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicBool, Ordering},
        time::Duration,
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_request_begins_in_time_and_goes_on_under_its_lease() {
        let lease = Arc::new(AtomicBool::new(true));
        let held = lease.clone();
        let holds = Holds::new(move || held.load(Ordering::SeqCst));
        let pass = Pass { holds, begins_before: Instant::now() + Duration::from_secs(1) };

        let late = Barrier::default();
        late.passed(true);
        late.arm(pass.clone());
        let begun = Barrier::default();
        begun.arm(pass);
        assert!(begun.opens());
        begun.passed(true);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!late.opens() && late.kept_all(), "the handshake is no part of the request");
        assert!(begun.opens(), "the rest may take longer");

        lease.store(false, Ordering::SeqCst);
        assert!(!begun.opens() && !begun.kept_all());
        lease.store(true, Ordering::SeqCst);
        assert!(!begun.opens(), "what was given up is not gone on with");
    }

    #[tokio::test(start_paused = true)]
    async fn each_request_on_a_connection_has_a_pass_of_its_own() {
        let pass = |holds: bool| Pass {
            holds: Holds::new(move || holds),
            begins_before: Instant::now() + Duration::from_secs(1),
        };
        let barrier = Barrier::default();
        barrier.arm(pass(true));
        assert!(barrier.opens());
        barrier.passed(true);
        barrier.rest();
        assert!(!barrier.opens() && !barrier.kept_all(), "between two requests nothing is written");
        barrier.arm(pass(false));
        assert!(!barrier.opens() && barrier.kept_all(), "what was begun before says nothing of this one");
        tokio::time::advance(Duration::from_secs(2)).await;
        barrier.arm(pass(true));
        assert!(barrier.opens() && !barrier.begun());
        barrier.got_stuck();
        assert!(barrier.is_stuck());
        barrier.passed(false);
        assert!(barrier.is_stuck() && barrier.begun());
        barrier.passed(true);
        assert!(!barrier.is_stuck());
    }
}
