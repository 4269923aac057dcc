//! Works off what is due in the partitions that this replica owns. A job that two replicas do while a partition moves does
//! no harm, since each is idempotent.

use std::{collections::BTreeSet, time::Duration};

use berth_domain::instance::{AHEAD_SECONDS, BAN_SECONDS_MAX};
use berth_proto::Timestamp;
use berth_runtime::chain;
use berth_views::ViewError;
use futures::{StreamExt, stream};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{
    ProcessManager,
    jobs::Stands,
    looks::{Looks, Rest},
};
use crate::metrics;

/// Pause between two looks at the agenda; far below the five seconds by which a deadline may be late.
const SWEEP_EVERY_MILLIS: u64 = 500;
/// Jobs that are worked on at once.
const JOBS_AT_ONCE: usize = 16;
/// How often the whole agenda is looked through for what stands further ahead than it can: another process, whose
/// clock had jumped ahead, may have put it there.
const LOOK_AHEAD_EVERY: Duration = Duration::from_mins(10);
/// How long a job rests after it was done: by then the view has followed.
const JOB_REST_SECONDS: u64 = 3;
/// How long a job rests after it failed.
const JOB_RETRY_SECONDS: u64 = 10;

/// When to look through the whole agenda.
#[derive(Debug, Default)]
struct LookAhead {
    /// When that was done last, and the clock then or later.
    last: Option<(Instant, Timestamp)>,
}

impl LookAhead {
    /// Whether it is time: at first, now and then, and when the clock went back. Says also whether it went back.
    fn is_time(&mut self, now: Timestamp) -> (bool, bool) {
        let Some((at, before)) = &mut self.last else {
            self.last = Some((Instant::now(), now));
            return (true, false);
        };
        let went_back = *before > now.plus_seconds(AHEAD_SECONDS);
        *before = now;
        let is_time = went_back || at.elapsed() >= LOOK_AHEAD_EVERY;
        if is_time {
            *at = Instant::now();
        }
        (is_time, went_back)
    }
}

impl ProcessManager {
    /// Sweeps the partitions that this replica owns, until it is stopped.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let sweeping = async {
            let (mut looks, mut look_ahead) = (Looks::default(), LookAhead::default());
            let mut before = BTreeSet::new();
            loop {
                self.owned.any().await;
                let owned = self.owned.now();
                if !owned.is_subset(&before) {
                    // What is open in a partition is its new owner's to find, also what stands too far ahead.
                    looks.look_whole();
                    look_ahead = LookAhead::default();
                }
                before = owned;
                if let Err(error) = self.sweep(&mut looks, &mut look_ahead).await {
                    debug!(%error, "the agenda cannot be read now");
                    // What was found by then was not worked on.
                    looks.look_whole();
                }
                sleep(Duration::from_millis(SWEEP_EVERY_MILLIS)).await;
            }
        };
        stop.run_until_cancelled(sweeping).await;
    }

    /// Does what is due, except what was worked on a moment ago.
    async fn sweep(&self, looks: &mut Looks, look_ahead: &mut LookAhead) -> Result<(), ViewError> {
        let (is_time, went_back) = look_ahead.is_time(self.clock.now());
        if went_back {
            warn!("the clock went back: open work is looked through for what it had put off");
            *looks = Looks::default();
        }
        let mut due = looks.due(&self.open_work).await?;
        // Where nothing can stand at all one row tells; the rest is many rows, most of which are where they belong.
        let from_seconds = if is_time { 0 } else { BAN_SECONDS_MAX };
        due.extend(self.open_work.too_far_ahead(from_seconds).await?);
        due.retain(|due| !looks.rests(due));
        metrics::due(due.len() + looks.resting());
        let mut done = stream::iter(due)
            .map(|due| async move { (due, Box::pin(self.work(due.1)).await) })
            .buffer_unordered(JOBS_AT_ONCE);
        while let Some((due, outcome)) = done.next().await {
            let after = |seconds| Instant::now() + Duration::from_secs(seconds);
            let job = due.1.work.name();
            let rest = match outcome {
                Ok(Stands::Done) => {
                    metrics::swept(job);
                    Rest::Done(after(JOB_REST_SECONDS))
                }
                Ok(Stands::GoesOn) => Rest::Until(Instant::now()),
                Ok(Stands::Waits(at)) => Rest::Moment(at),
                Err(error) => {
                    metrics::sweep_failed(job);
                    warn!(job, reason = chain(&error), "a job is tried again later");
                    Rest::Until(after(JOB_RETRY_SECONDS))
                }
            };
            looks.rest(due, rest);
        }
        Ok(())
    }
}
