//! Holding the partitions of a role: what every service with owned work does in the same way.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use berth_proto::Partition;
use berth_runtime::{Role, chain};
use futures::future::join_all;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    lease::Lease,
    port::{Grant, Holds, Leases},
};

/// Pause before a partition is asked for again when that failed, or when another holder was met.
const RETRY: Duration = Duration::from_secs(2);

/// One holding of a partition, under its epoch. Clones are the same.
#[derive(Debug, Clone)]
pub struct Tenure {
    partition: Partition,
    epoch: u64,
    lease: Holds,
    /// Cancelled by whoever finds out first: the lease has ended, or another holder was met.
    over: CancellationToken,
    /// Cancelled when another process is to have the partition, and waits for it.
    asked_back: CancellationToken,
}

/// Holds each partition of a role whenever it is to be this process's, until stopped. While one is held `reign` runs; the
/// partition is given back when that ends, which is to be soon after it was asked back, its tenure is over or the process
/// stops.
pub async fn hold_all<F>(
    leases: &dyn Leases,
    role: Role,
    stop: &CancellationToken,
    reign: impl Fn(Tenure) -> F + Sync,
) where
    F: Future<Output = ()> + Send,
{
    let reign = &reign;
    let each = |partition| async move {
        let lease = Lease { role, partition };
        while let Some(held) = stop.run_until_cancelled(leases.hold(lease)).await {
            let moved = match held {
                Ok(grant) => while_held(lease, grant, reign).await,
                Err(error) => {
                    tracing::warn!(%lease, reason = chain(&error), "a partition cannot be held: asking again");
                    false
                }
            };
            if !moved {
                stop.run_until_cancelled(sleep(RETRY)).await;
            }
        }
    };
    join_all(Partition::all().map(each)).await;
}

/// Says whether it ended because the lease did.
async fn while_held<F>(lease: Lease, grant: Grant, reign: &(impl Fn(Tenure) -> F + Sync)) -> bool
where
    F: Future<Output = ()> + Send,
{
    let Grant { epoch, holds, mut lost, guard: _guard } = grant;
    tracing::debug!(%lease, epoch, "this process holds a partition");
    let tenure = Tenure::new(lease.partition, epoch, holds);
    let mut reigning = pin!(reign(tenure.clone()));
    let is_over = async {
        drop(lost.wait_for(|lost| *lost).await);
    };
    let reigns_on = tokio::select! {
        biased;
        () = is_over => true,
        () = &mut reigning => false,
    };
    if reigns_on {
        if !tenure.is_over() {
            tenure.asked_back.cancel();
        }
        reigning.await;
    }
    // Whoever kept a part of it may do nothing with it from now on.
    tenure.end();
    *lost.borrow()
}

// === impl Tenure ===

impl Tenure {
    /// A holding that lasts while the lease is held, until it is ended.
    pub fn new(partition: Partition, epoch: u64, lease: Holds) -> Self {
        let over = CancellationToken::new();
        Self { partition, epoch, lease, asked_back: over.child_token(), over }
    }

    /// What is held.
    pub const fn partition(&self) -> Partition {
        self.partition
    }

    /// The fencing epoch: higher than that of every earlier holder.
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether nothing may be done under it any more. Asked right before whatever cannot be taken back.
    pub fn is_over(&self) -> bool {
        if !self.lease.now() {
            self.over.cancel();
        }
        self.over.is_cancelled()
    }

    /// Tells at any moment whether it is not over yet.
    pub fn holds(&self) -> Holds {
        let this = self.clone();
        Holds::new(move || !this.is_over())
    }

    /// Waits until it is over.
    pub async fn over(&self) {
        self.over.cancelled().await;
    }

    /// Waits until it is asked back, or is over: the partition is another process's as soon as it is given back.
    pub async fn asked_back(&self) {
        self.asked_back.cancelled().await;
    }

    /// Ends it: another holder was met, or it is about to be given back.
    pub fn end(&self) {
        self.over.cancel();
    }

    /// Cancelled when it is over; its children end with it.
    pub const fn token(&self) -> &CancellationToken {
        &self.over
    }

    /// Does something for as long as it lasts; none if it was over first. That is asked before each step, so a process that
    /// was suspended in between goes on with nothing.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let mut over = pin!(self.over.cancelled());
        poll_fn(|context| {
            if self.is_over() || over.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            work.as_mut().poll(context).map(Some)
        })
        .await
    }
}

#[cfg(test)]
mod tests;
