//! What attempts at notices of one instance share that begin together: one read of the instance, and one of the commit that they
//! tell of.
//!
//! An instance may have twenty endpoints, which are told of one commit in one moment. Each attempt asks the gate for itself, on
//! what was read for all of them once their turns had come (R1); one that is too late for that reads for itself.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use berth_bus::Tenure;
use berth_notices::derive::Step;
use berth_proto::{EndpointId, InstanceId, delivery::NoticeKeyV1};
use tokio::sync::OnceCell;

use super::{
    attempt::Tools,
    lane::Pending,
    permit::{Fault, Permit, Reach, read, read_step},
};
use crate::outbox::CommitStands;

/// See the module.
#[derive(Default)]
pub(crate) struct Together {
    /// Whom the attempts are for.
    endpoints: Mutex<Vec<EndpointId>>,
    permit: OnceCell<Arc<Permit>>,
    step: OnceCell<Arc<Step>>,
    /// Whether one of them failed to read for all.
    failed: AtomicBool,
}

/// An attempt that is about to begin.
pub(super) struct Begin {
    pub(super) pending: Pending,
    pub(super) tenure: Tenure,
    pub(super) together: Arc<Together>,
}

/// Attempts that begin in one turn of the loop: none does before all of them are known.
#[derive(Default)]
pub(super) struct Turn {
    begin: Vec<Begin>,
    by_instance: HashMap<InstanceId, Arc<Together>>,
}

// === impl Turn ===

impl Turn {
    /// An attempt begins in this turn.
    pub(super) fn add(&mut self, pending: Pending, tenure: Tenure) {
        let together = Arc::clone(self.by_instance.entry(pending.key.instance).or_default());
        together.endpoints.lock().unwrap_or_else(PoisonError::into_inner).push(pending.key.endpoint);
        self.begin.push(Begin { pending, tenure, together });
    }

    /// All of them.
    pub(super) fn begin(self) -> Vec<Begin> {
        self.begin
    }
}

// === impl Together ===

impl Together {
    /// The instance as the log has it now, with what its account says of the endpoint of a notice.
    pub(super) async fn permit(&self, tools: &Tools, notice: &NoticeKeyV1) -> Result<Arc<Permit>, Fault> {
        let shared = self.shared(&self.permit, || async {
            let endpoints = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner).clone();
            read(tools, notice.instance, Reach::Endpoints(&endpoints)).await
        });
        match shared.await? {
            Some(permit) if permit.is_fresh() && permit.knows(notice.endpoint) => Ok(permit),
            Some(_) | None => {
                Ok(Arc::new(read(tools, notice.instance, Reach::Endpoint(notice.endpoint)).await?))
            }
        }
    }

    /// The commit of a notice.
    pub(super) async fn step(
        &self,
        tools: &Tools,
        notice: &NoticeKeyV1,
        commit: CommitStands,
    ) -> Result<Arc<Step>, Fault> {
        let shared = self.shared(&self.step, || read_step(tools, notice, commit));
        match shared.await? {
            Some(step) if step.version == notice.version => Ok(step),
            Some(_) | None => Ok(Arc::new(read_step(tools, notice, commit).await?)),
        }
    }

    /// What one of them reads for all; none if somebody failed to: then each reads for itself, or they would wait for a log that
    /// does not answer one after the other.
    async fn shared<T, F>(
        &self,
        cell: &OnceCell<Arc<T>>,
        reader: impl FnOnce() -> F,
    ) -> Result<Option<Arc<T>>, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let read_for_all = || async {
            if self.failed.load(Ordering::Relaxed) {
                return Err(None);
            }
            reader().await.map(Arc::new).map_err(|fault| {
                self.failed.store(true, Ordering::Relaxed);
                Some(fault)
            })
        };
        match cell.get_or_try_init(read_for_all).await {
            Ok(shared) => Ok(Some(Arc::clone(shared))),
            Err(None) => Ok(None),
            Err(Some(fault)) => Err(fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use futures::future::join_all;

    use super::*;

    /// Twenty that begin together read; gives what each got, and how many reads there were.
    async fn twenty(works: bool) -> (Vec<Result<Option<Arc<u8>>, Fault>>, usize) {
        let (together, cell, reads) = (Together::default(), OnceCell::new(), AtomicUsize::new(0));
        let read = async || {
            let read = async || {
                reads.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                if works { Ok(7) } else { Err(Fault::Missing) }
            };
            together.shared(&cell, read).await
        };
        let all = join_all((0..20).map(|_| read())).await;
        (all, reads.into_inner())
    }

    #[tokio::test]
    async fn what_one_reads_is_for_all_that_begin_with_it() {
        let (all, reads) = twenty(true).await;
        assert!(all.iter().all(|read| matches!(read, Ok(Some(seven)) if **seven == 7)));
        assert_eq!(reads, 1);
    }

    #[tokio::test]
    async fn where_one_could_not_read_for_all_each_reads_for_itself() {
        let (all, reads) = twenty(false).await;
        let failed = all.iter().filter(|read| read.is_err()).count();
        let alone = all.iter().filter(|read| matches!(read, Ok(None))).count();
        assert_eq!((failed, alone, reads), (1, 19, 1), "and nobody waits for the log one after the other");
    }
}
