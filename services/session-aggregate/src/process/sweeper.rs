//! Works off what is due, on one replica at a time.

use std::{collections::HashMap, sync::Arc, time::Duration};

use berth_bus::{Grant, Lease};
use berth_proto::Timestamp;
use berth_views::{Row, ViewError, ViewReader};
use futures::{StreamExt, stream};
use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};

use super::{
    agenda::{BY_MOMENT, Job},
    jobs::Stands,
};
use crate::{aggregate::Aggregate, flag::Flag, metrics, trouble::chain};

/// Pause between two looks at the agenda; far below the five seconds by which a deadline may be late.
const SWEEP_EVERY_MILLIS: u64 = 500;
/// Pause before the lease is asked for again when leases do not work.
const LEASE_RETRY_SECONDS: u64 = 2;
/// Rows that are read at once.
pub(super) const PAGE_ROWS: usize = 256;
/// Jobs that are looked at in one sweep.
const SWEEP_JOBS_MAX: usize = 16 * 1_024;
/// Jobs that are worked on at once.
const JOBS_AT_ONCE: usize = 16;
/// How long a job rests after it was done: by then the view has followed.
const JOB_REST_SECONDS: u64 = 3;
/// How long a job rests after it failed.
const JOB_RETRY_SECONDS: u64 = 10;

/// When a job that was looked at is looked at again.
#[derive(Debug, Clone, Copy)]
enum Rest {
    /// When this has passed.
    Until(Instant),
    /// When the clock says so.
    Moment(Timestamp),
}

/// The jobs that rest. One whose moment changed meanwhile does not: something new is to be done for it.
type Resting = HashMap<(Timestamp, Job), Rest>;

/// Sweeps whenever this replica holds the lease, until the life cycle ends.
pub(crate) async fn run(aggregate: Arc<Aggregate>, agenda: Arc<dyn ViewReader>, sweeping: Flag) {
    let stop = aggregate.lifecycle.stop().clone();
    while !stop.is_cancelled() {
        let grant = match stop.run_until_cancelled(aggregate.ports.leases.hold(Lease::ProcessManager)).await {
            Some(Ok(grant)) => grant,
            Some(Err(error)) => {
                warn!(reason = chain(&error), "no lease for the process manager: asking again");
                stop.run_until_cancelled(sleep(Duration::from_secs(LEASE_RETRY_SECONDS))).await;
                continue;
            }
            None => return,
        };
        info!(epoch = grant.epoch, "this replica runs the process manager");
        sweeping.set(true);
        stop.run_until_cancelled(while_held(&aggregate, &agenda, grant)).await;
        sweeping.set(false);
    }
}

async fn while_held(aggregate: &Aggregate, agenda: &Arc<dyn ViewReader>, grant: Grant) {
    let Grant { mut lost, guard: _guard, .. } = grant;
    let mut rested = Resting::new();
    let sweeping = async {
        loop {
            if let Err(error) = sweep(aggregate, agenda, &mut rested).await {
                debug!(%error, "the agenda cannot be read now");
            }
            sleep(Duration::from_millis(SWEEP_EVERY_MILLIS)).await;
        }
    };
    tokio::select! {
        () = sweeping => {}
        _ = lost.wait_for(|lost| *lost) => info!("another replica runs the process manager"),
    }
}

/// Does what is due, except what was worked on a moment ago.
async fn sweep(
    aggregate: &Aggregate,
    agenda: &Arc<dyn ViewReader>,
    rested: &mut Resting,
) -> Result<(), ViewError> {
    let due = due(aggregate, agenda).await?;
    metrics::due(due.len());
    let (now, moment) = (Instant::now(), aggregate.ports.clock.now());
    rested.retain(|_, rest| match rest {
        Rest::Until(until) => *until > now,
        Rest::Moment(at) => *at > moment,
    });
    let ready: Vec<_> = due.into_iter().filter(|due| !rested.contains_key(due)).collect();
    let mut done = stream::iter(ready)
        .map(|due| async move { (due, Box::pin(aggregate.work(due.1, agenda)).await) })
        .buffer_unordered(JOBS_AT_ONCE);
    while let Some((due, outcome)) = done.next().await {
        let after = |seconds| Rest::Until(Instant::now() + Duration::from_secs(seconds));
        let job = due.1.work.name();
        let rest = match outcome {
            Ok(Stands::Done) => {
                metrics::swept(job);
                after(JOB_REST_SECONDS)
            }
            Ok(Stands::GoesOn) => continue,
            Ok(Stands::Waits(at)) => Rest::Moment(at),
            Err(error) => {
                metrics::sweep_failed(job);
                warn!(job, reason = chain(&error), "a job is tried again later");
                after(JOB_RETRY_SECONDS)
            }
        };
        rested.insert(due, rest);
    }
    Ok(())
}

/// The jobs whose moment has come, in the order of their moments.
pub(super) async fn due(
    aggregate: &Aggregate,
    agenda: &Arc<dyn ViewReader>,
) -> Result<Vec<(Timestamp, Job)>, ViewError> {
    let now = aggregate.ports.clock.now();
    let mut jobs = Vec::new();
    // Most looks find nothing: one row tells.
    let mut limit = 1;
    let mut after: Option<Vec<u8>> = None;
    while jobs.len() < SWEEP_JOBS_MAX {
        let page = page(agenda, BY_MOMENT.to_vec(), after.take(), limit).await?;
        let full = page.len() == limit;
        limit = PAGE_ROWS;
        for (key, _) in page {
            let Some((due, job)) = Job::read(&key) else { continue };
            if due > now {
                return Ok(jobs);
            }
            jobs.push((due, job));
            after = Some(key);
        }
        if !full {
            break;
        }
    }
    Ok(jobs)
}

/// Rows are read off the asynchronous threads, since a read may wait for the disk.
pub(super) async fn page(
    agenda: &Arc<dyn ViewReader>,
    prefix: Vec<u8>,
    after: Option<Vec<u8>>,
    limit: usize,
) -> Result<Vec<Row>, ViewError> {
    let agenda = Arc::clone(agenda);
    tokio::task::spawn_blocking(move || agenda.scan(&prefix, after.as_deref(), limit))
        .await
        .map_err(|error| ViewError::Store(error.to_string().into()))?
}
