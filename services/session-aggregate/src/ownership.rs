//! The partitions that this replica owns: whoever owns one takes its commands, so that the states in memory stay valid,
//! and finishes its open work. Ownership is a hint for speed; what an append expects is what keeps replicas apart.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use berth_bus::{Grant, Lease, Leases};
use berth_proto::{Partition, subject::owner_filter};
use berth_runtime::{Lifecycle, Role, chain};
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::{flag::Flag, metrics, server::Server};

/// Pause before a partition is asked for again when leases do not work.
const LEASE_RETRY: Duration = Duration::from_secs(2);

/// The partitions that this replica owns at this moment. Written by the tasks that hold them, read by the process
/// manager. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Owned(Arc<watch::Sender<BTreeSet<Partition>>>);

/// What a replica owns partitions with.
#[derive(Debug)]
pub(crate) struct Ownership {
    pub(crate) leases: Arc<dyn Leases>,
    pub(crate) server: Arc<Server>,
    pub(crate) owned: Owned,
    pub(crate) stop: CancellationToken,
}

// === impl Owned ===

impl Owned {
    /// What is owned now.
    pub(crate) fn now(&self) -> BTreeSet<Partition> {
        self.0.borrow().clone()
    }

    /// Whether anything is.
    pub(crate) fn is_any(&self) -> bool {
        !self.0.borrow().is_empty()
    }

    /// Waits until something is.
    pub(crate) async fn any(&self) {
        let mut owned = self.0.subscribe();
        // The sender is ours.
        drop(owned.wait_for(|owned| !owned.is_empty()).await);
    }

    /// What is owned, from now on.
    pub(crate) fn watch(&self) -> watch::Receiver<BTreeSet<Partition>> {
        self.0.subscribe()
    }

    #[cfg(test)]
    pub(crate) fn everything() -> Self {
        Self(Arc::new(watch::Sender::new(Partition::all().collect())))
    }

    fn change(&self, change: impl FnOnce(&mut BTreeSet<Partition>) -> bool) {
        self.0.send_if_modified(change);
        metrics::owned(self.0.borrow().len());
    }
}

// === impl Ownership ===

impl Ownership {
    /// Owns what is to be this replica's, until it is stopped: a task for each partition, which does its commands too.
    pub(crate) fn start(self, lifecycle: &Lifecycle) {
        let this = Arc::new(self);
        for partition in Partition::all() {
            lifecycle.spawn(Arc::clone(&this).tend(partition));
        }
    }

    async fn tend(self: Arc<Self>, partition: Partition) {
        let lease = Lease { role: Role::SessionAggregate, partition };
        while let Some(held) = self.stop.run_until_cancelled(self.leases.hold(lease)).await {
            match held {
                Ok(grant) => self.while_held(partition, grant).await,
                Err(error) => {
                    warn!(%partition, reason = chain(&error), "a partition cannot be held: asking again");
                    self.stop.run_until_cancelled(sleep(LEASE_RETRY)).await;
                }
            }
        }
    }

    /// Owns a partition until it is lost or the replica stops. Whoever has it next gets it when what has arrived here is
    /// on its way.
    async fn while_held(&self, partition: Partition, grant: Grant) {
        let Grant { epoch, mut lost, guard: _guard, .. } = grant;
        debug!(%partition, epoch, "this replica owns a partition");
        self.owned.change(|owned| owned.insert(partition));
        let (over, filter) = (CancellationToken::new(), owner_filter(partition));
        let serving = Flag::default();
        let ends = async {
            tokio::select! {
                () = self.stop.cancelled() => {}
                _ = lost.wait_for(|lost| *lost) => {}
            }
            self.owned.change(|owned| owned.remove(&partition));
            over.cancel();
        };
        tokio::join!(ends, self.server.serve(&filter, &over, &serving));
    }
}
