//! What the operator's log says of the connections to NATS: a line when they go, and one when they are back. How often they were
//! tried between is counted, and stands in the second line.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use tokio::time::Instant;

use crate::metrics;

/// The connections of this process that are lost. A process has more than one, to the same servers: they go and come back together,
/// which is one outage.
static OUTAGE: Mutex<Outage> = Mutex::new(Outage::none());

#[derive(Debug)]
struct Outage {
    /// Connections that are lost now.
    lost: usize,
    /// Attempts to connect again that failed since the first of them was lost.
    tries: u64,
    /// Why the last of them failed.
    last: String,
    since: Option<Instant>,
}

/// What is over, when it is over.
#[derive(Debug, PartialEq, Eq)]
struct Over {
    tries: u64,
    lasted_ms: u128,
}

/// One connection, as far as it was told of.
#[derive(Debug, Default)]
pub(super) struct Told {
    is_lost: AtomicBool,
}

// === impl Told ===

impl Told {
    /// The connection is lost.
    pub(super) fn lost(&self) {
        if self.is_lost.swap(true, Ordering::Relaxed) {
            return;
        }
        if with(|outage| outage.begin(Instant::now())) {
            tracing::warn!("the connection to NATS is lost; connecting again");
        }
    }

    /// The connection stands, for the first time or again.
    pub(super) fn stands(&self) {
        if !self.is_lost.swap(false, Ordering::Relaxed) {
            tracing::info!("connected to NATS");
        } else if let Some(Over { tries, lasted_ms }) = with(|outage| outage.end(Instant::now())) {
            tracing::info!(tries, lasted_ms, "connected to NATS again");
        }
    }

    /// Something failed in the client: to connect again, if the connection is lost.
    pub(super) fn failed(&self, error: &dyn std::fmt::Display) {
        if self.is_lost.load(Ordering::Relaxed) {
            metrics::nats_try_failed();
            with(|outage| outage.fail(error.to_string()));
            tracing::debug!(%error, "NATS cannot be reached");
        } else {
            tracing::warn!(%error, "the NATS client met an error");
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        // A connection that was given up while it was lost is no part of an outage any more.
        if *self.is_lost.get_mut() {
            with(|outage| outage.end(Instant::now()));
        }
    }
}

/// Whether a connection of this process to NATS is lost: what fails for want of it needs no line of its own.
pub fn is_away() -> bool {
    with(|outage| outage.lost > 0)
}

/// What is to be said of a connection that is lost, wherever somebody asks how it stands.
pub(super) fn sentence() -> String {
    with(|outage| outage.sentence())
}

fn with<T>(what: impl FnOnce(&mut Outage) -> T) -> T {
    what(&mut OUTAGE.lock().unwrap_or_else(PoisonError::into_inner))
}

// === impl Outage ===

impl Outage {
    const fn none() -> Self {
        Self { lost: 0, tries: 0, last: String::new(), since: None }
    }

    fn fail(&mut self, why: String) {
        self.tries = self.tries.saturating_add(1);
        self.last = why;
    }

    fn sentence(&self) -> String {
        let lost = "the connection is lost; connecting again";
        if self.tries == 0 {
            lost.to_owned()
        } else {
            format!("{lost} ({} tries failed; the last: {})", self.tries, self.last)
        }
    }

    /// One more connection is lost. Whether it is the first.
    fn begin(&mut self, now: Instant) -> bool {
        self.lost += 1;
        let is_first = self.lost == 1;
        if is_first {
            (self.tries, self.since) = (0, Some(now));
        }
        is_first
    }

    /// One of them is back. What is over, if it was the last.
    fn end(&mut self, now: Instant) -> Option<Over> {
        self.lost = self.lost.saturating_sub(1);
        let since = self.since.take_if(|_| self.lost == 0)?;
        Some(Over { tries: self.tries, lasted_ms: now.duration_since(since).as_millis() })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn connections_that_go_together_are_one_outage() {
        let mut outage = Outage::none();
        let began = Instant::now();
        for tries in [3, 0] {
            assert!(outage.begin(began));
            assert!(!outage.begin(began), "the second is told of with the first");
            assert_eq!(outage.sentence(), "the connection is lost; connecting again");
            (0..tries).for_each(|_| outage.fail("TLS error".to_owned()));
            assert_eq!(outage.sentence().contains("3 tries failed; the last: TLS error"), tries == 3);
            assert_eq!(outage.end(began), None);
            let over = outage.end(began + Duration::from_secs(2));
            assert_eq!(over, Some(Over { tries, lasted_ms: 2_000 }), "the next one begins at nothing");
        }
    }
}
