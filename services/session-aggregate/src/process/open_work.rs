//! What is open and due in the partitions that this replica owns, as the agenda has it.

use std::{collections::HashMap, sync::Arc};

use berth_domain::instance::AHEAD_SECONDS;
use berth_proto::Timestamp;
use berth_runtime::Clock;
use berth_views::{Row, ViewError, ViewReader};
use tokio::time::Instant;

use super::job::{BY_MOMENT, Job, moment_key};
use crate::ownership::Owned;

/// Rows that are read at once.
pub(super) const PAGE_ROWS: usize = 256;
/// Jobs that are worked on in one sweep.
const SWEEP_JOBS_MAX: usize = 16 * 1_024;

/// When a job that was looked at is looked at again.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rest {
    /// When this has passed.
    Until(Instant),
    /// When the clock says so.
    Moment(Timestamp),
}

/// The jobs that rest. One whose moment changed meanwhile does not: something new is to be done for it.
pub(super) type Resting = HashMap<(Timestamp, Job), Rest>;

/// Reads the agenda.
#[derive(Debug, Clone)]
pub(crate) struct OpenWork {
    pub(crate) agenda: Arc<dyn ViewReader>,
    /// The partitions whose open work is this replica's to finish.
    pub(crate) owned: Owned,
    pub(crate) clock: Arc<dyn Clock>,
}

// === impl OpenWork ===

impl OpenWork {
    /// The jobs whose moment has come and that do not rest, in the order of their moments, and how many rest: these take no place of the
    /// others, or deletions that wait for their upstreams would keep deadlines waiting.
    pub(super) async fn due(&self, rested: &Resting) -> Result<(Vec<(Timestamp, Job)>, usize), ViewError> {
        let (now, owned) = (self.clock.now(), self.owned.now());
        let (mut jobs, mut resting) = (Vec::new(), 0);
        // Most looks find nothing: one row tells.
        let mut limit = 1;
        let mut after: Option<Vec<u8>> = None;
        while jobs.len() < SWEEP_JOBS_MAX {
            let page = self.page(BY_MOMENT.to_vec(), after.take(), limit).await?;
            let full = page.len() == limit;
            limit = PAGE_ROWS;
            for (key, _) in page {
                let Some((due, job)) = Job::read(&key) else { continue };
                if due > now {
                    return Ok((jobs, resting));
                }
                if rested.contains_key(&(due, job)) {
                    resting += 1;
                } else if owned.contains(&job.partition()) {
                    jobs.push((due, job));
                }
                after = Some(key);
            }
            if !full {
                break;
            }
        }
        Ok((jobs, resting))
    }

    /// The jobs that stand further ahead than work of their kind is ever put, of those that are due no sooner than in
    /// so many seconds.
    pub(super) async fn too_far_ahead(&self, from_seconds: i64) -> Result<Vec<(Timestamp, Job)>, ViewError> {
        let (now, owned) = (self.clock.now(), self.owned.now());
        let mut jobs = Vec::new();
        let mut after = Some(moment_key(now.plus_seconds(from_seconds + AHEAD_SECONDS)));
        while jobs.len() < SWEEP_JOBS_MAX {
            let page = self.page(BY_MOMENT.to_vec(), after.take(), PAGE_ROWS).await?;
            let full = page.len() == PAGE_ROWS;
            after = page.last().map(|(key, _)| key.clone());
            jobs.extend(page.iter().filter_map(|(key, _)| Job::read(key)).filter(|(due, job)| {
                *due > now.plus_seconds(job.work.ahead_seconds_max() + AHEAD_SECONDS)
                    && owned.contains(&job.partition())
            }));
            if !full {
                break;
            }
        }
        Ok(jobs)
    }

    /// Rows are read off the asynchronous threads, since a read may wait for the disk.
    pub(super) async fn page(
        &self,
        prefix: Vec<u8>,
        after: Option<Vec<u8>>,
        limit: usize,
    ) -> Result<Vec<Row>, ViewError> {
        let agenda = Arc::clone(&self.agenda);
        berth_runtime::spawn_blocking(move || agenda.scan(&prefix, after.as_deref(), limit))
            .await
            .map_err(|error| ViewError::Store(error.to_string().into()))?
    }
}
