//! The dispatcher: one replica, under a lease, sends what is owed.
//!
//! Whoever holds the lease reads the outbox, keeps what is owed in lanes, tries heads of lanes that are due
//! and settles what came to an end. Losing the lease drops everything at once, running attempts included:
//! their fate is unknown and the next holder repeats them under the same id. The holder also serves those who
//! fetch notices that have nowhere to be sent to.

mod attempt;
mod board;
mod desk;
mod disable;
mod extent;
mod lane;
mod open;
mod permit;
mod prepare;
mod pull;
mod receipt;
mod redelivery;
mod review;
mod scan;
mod send;
mod serving;
mod settle;
mod shares;
mod tenure;
mod test_notice;
mod trace;

use std::{sync::Arc, time::Duration};

use berth_bus::{Lease, Leases};
use berth_runtime::Role;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub(crate) use attempt::Tools;
use desk::Desk;
pub(crate) use permit::{Fault, read};
use pull::Queue;
use redelivery::Redelivery;
pub(crate) use scan::of_endpoint;
pub(crate) use settle::{SettleError, Settler};
use tenure::{End, Tenure};

use crate::{metrics, outbox::Touched};

/// What is asked of a tenure from beside it and waits for its loop.
const ORDERS_WAITING_MAX: usize = 64;
/// How long to wait before asking for the lease again when that failed.
const LEASE_RETRY: Duration = Duration::from_secs(1);

/// What a dispatcher works with.
#[derive(Debug)]
pub(crate) struct Dispatcher {
    pub(crate) tools: Tools,
    pub(crate) leases: Arc<dyn Leases>,
    pub(crate) touched: Arc<Touched>,
}

// === impl Dispatcher ===

impl Dispatcher {
    /// Holds the lease and dispatches, again and again, until told to stop; then finishes what is in flight.
    pub(crate) async fn run(self, stop: CancellationToken) {
        while let Some(held) = stop.run_until_cancelled(self.leases.hold(Lease::whole(Role::Webhooks))).await
        {
            let grant = match held {
                Ok(grant) => grant,
                Err(error) => {
                    tracing::warn!(%error, "the lease of the webhook dispatcher cannot be had");
                    stop.run_until_cancelled(tokio::time::sleep(LEASE_RETRY)).await;
                    continue;
                }
            };
            tracing::info!(epoch = grant.epoch, "this replica dispatches webhooks");
            let settler = Settler::new(&self.tools, grant.epoch);
            let desk = Arc::new(Desk::default());
            let (tools, touched) = (self.tools.clone(), self.touched.clone());
            let (orders, ordered) = mpsc::channel(ORDERS_WAITING_MAX);
            let holds = grant.holds.clone();
            let tenure =
                Tenure::new(tools, touched, desk.clone(), (settler.clone(), holds), ordered, stop.clone());
            let queue = Queue { tools: self.tools.clone(), settler: settler.clone(), desk };
            let redelivery = Redelivery {
                tools: self.tools.clone(),
                settler: settler.clone(),
                holds: grant.holds.clone(),
                orders,
            };
            let end = tokio::select! {
                end = tenure.run(grant.lost.clone()) => end,
                end = serving::serve(queue, self.tools.clone(), settler.clone()) => end,
                end = serving::serve(redelivery, self.tools.clone(), settler.clone()) => end,
            };
            metrics::idle();
            match end {
                End::Stopped => return,
                End::Lost => tracing::info!(epoch = grant.epoch, "this replica dispatches webhooks no more"),
                End::Fenced => {
                    tracing::warn!(epoch = grant.epoch, "another replica dispatches webhooks: stopped");
                    drop(grant);
                    stop.run_until_cancelled(tokio::time::sleep(LEASE_RETRY)).await;
                }
            }
        }
    }
}
