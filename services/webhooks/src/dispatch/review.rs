//! Reviews: the gate is asked about what waits of an instance, without waiting for it to be due.
//!
//! A commit may cancel what waits for hours, and what is cancelled holds up what comes after it in its lane: the
//! end of a session above all. So a review is owed after every commit that finds something waiting and after
//! every attempt that failed, and it is owed until the instance was read.

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use berth_proto::{InstanceId, instance::InstanceStateV1};

use super::{attempt::Tools, permit::read};

/// Instances that are read at once.
const REVIEWS_MAX: usize = 64;
/// How long one read of an instance may take before it is given up and repeated.
const READ_MAX: Duration = Duration::from_secs(1);
/// How long to wait after a read that failed.
const PAUSE: Duration = Duration::from_millis(250);

/// Which instances are to be reviewed; at most once at a time each. Pure.
#[derive(Debug, Default)]
pub(super) struct Reviews {
    /// In the order in which they were asked for.
    queue: VecDeque<InstanceId>,
    /// What is in the queue.
    asked: BTreeSet<InstanceId>,
    running: BTreeSet<InstanceId>,
}

// === impl Reviews ===

impl Reviews {
    /// An instance is to be read from now on: a read that runs already may be older than what asks.
    pub(super) fn ask(&mut self, instance: InstanceId) {
        if self.asked.insert(instance) {
            self.queue.push_back(instance);
        }
    }

    /// The next instance to read; none while as many are being read as may be.
    pub(super) fn start(&mut self) -> Option<InstanceId> {
        if self.running.len() >= REVIEWS_MAX {
            return None;
        }
        // At most as many are passed over as are running.
        let at = self.queue.iter().position(|instance| !self.running.contains(instance))?;
        let instance = self.queue.remove(at)?;
        self.asked.remove(&instance);
        self.running.insert(instance);
        Some(instance)
    }

    /// An instance was read.
    pub(super) fn end(&mut self, instance: InstanceId) {
        self.running.remove(&instance);
    }
}

/// Reads the instance as it is now, again and again while the log does not answer. None if it will not be read
/// whatever the log does: what waits is then only asked about before it is sent.
pub(super) async fn state_now(tools: &Tools, instance: InstanceId) -> Option<InstanceStateV1> {
    loop {
        match tokio::time::timeout(READ_MAX, read(tools, instance)).await {
            Ok(Ok(permit)) => return Some(permit.step.state),
            Ok(Err(fault)) if fault.lasts() => {
                tracing::warn!(%instance, %fault, "what an instance owes cannot be reviewed");
                return None;
            }
            Ok(Err(fault)) => tracing::warn!(%instance, %fault, "what an instance owes is reviewed later"),
            Err(_) => tracing::warn!(%instance, "the log is slow: what an instance owes is reviewed later"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(number: u8) -> InstanceId {
        InstanceId::from_bytes([number; 16])
    }

    #[test]
    fn each_is_read_once_at_a_time_and_again_if_asked_meanwhile() {
        let mut reviews = Reviews::default();
        reviews.ask(instance(1));
        reviews.ask(instance(1));
        reviews.ask(instance(2));
        assert_eq!(reviews.start(), Some(instance(1)));
        reviews.ask(instance(1));
        assert_eq!((reviews.start(), reviews.start()), (Some(instance(2)), None));
        reviews.end(instance(1));
        assert_eq!((reviews.start(), reviews.start()), (Some(instance(1)), None));
    }

    #[test]
    fn no_more_at_once_than_may_be() {
        let mut reviews = Reviews::default();
        for number in 0..=u8::MAX {
            reviews.ask(instance(number));
        }
        assert_eq!(std::iter::from_fn(|| reviews.start()).count(), REVIEWS_MAX);
        reviews.end(instance(0));
        assert!(reviews.start().is_some());
    }
}
