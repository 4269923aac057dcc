//! What runs beside the loop, and how it comes to an end.

use std::{future::Future, pin::Pin};

use berth_bus::Tenure;
use berth_domain::instance::NoticeClass;
use berth_proto::{EndpointId, InstanceId, delivery::SettledV1};
use berth_runtime::Lifecycle;

use super::{
    attempt::{Ended, Tools, attempt},
    intake::Read,
    lane::Pending,
    permit::Permit,
    settle::SettleError,
    together::Begin,
};

/// Something that ran beside the loop came to an end.
pub(super) enum Done {
    /// What was tried, if its tenure was over first.
    Attempt(Tenure, Result<Box<Ended>, Box<Pending>>),
    /// None if the process stops first, since the view that is waited for ends with it, or the tenure is over.
    Taken(Tenure, Option<Result<(), SettleError>>),
    /// None if the tenure is over: whether it is settled is not known.
    Settled(Tenure, Vec<(SettledV1, NoticeClass)>, Option<Result<(), SettleError>>),
    /// None if the instance cannot be read, or the process stops first.
    Reviewed(InstanceId, Option<Box<Permit>>),
    /// None if the tenure is over, or the process stops first: the next owner looks by itself.
    Reported(Tenure, EndpointId, Option<Result<(), SettleError>>),
    /// Rows of the outbox.
    Read(Read),
}

/// Something that runs beside the loop.
pub(super) type Work = Pin<Box<dyn Future<Output = Done> + Send>>;

/// Begins an attempt, a task of its own.
pub(super) fn trying(tools: Tools, lifecycle: &Lifecycle, begin: Begin) -> Work {
    let Begin { pending, tenure, together } = begin;
    let trying = lifecycle.spawn(async move {
        let trying = Box::pin(attempt(tools, pending.clone(), together, tenure.holds()));
        let tried = tenure.run(trying).await;
        Done::Attempt(tenure, tried.map(Box::new).ok_or_else(|| Box::new(pending)))
    });
    Box::pin(async move {
        match trying.await {
            Ok(Some(done)) => done,
            // It was aborted or panicked, and so the process ends.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    })
}
