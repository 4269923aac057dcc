//! What is open and due in the partitions that this replica owns, as the agenda has it.

use std::sync::Arc;

use berth_domain::instance::AHEAD_SECONDS;
use berth_proto::Timestamp;
use berth_runtime::Clock;
use berth_views::{Row, ViewError, ViewReader};

use super::job::{BY_MOMENT, Job, Work, jobs_of, moment_in, moment_key};
use crate::ownership::Owned;

/// Rows that are read at once.
pub(super) const PAGE_ROWS: usize = 256;
/// Jobs that are worked on in one sweep.
pub(super) const SWEEP_JOBS_MAX: usize = 16 * 1_024;

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
    /// The jobs whose moment has come, but no sooner than `from`, and that are not among those that rest, in the order of their moments; and
    /// whether these are all. What rests takes no place of the others, or deletions that wait for their upstreams would keep deadlines
    /// waiting.
    pub(super) async fn due(
        &self,
        from: Timestamp,
        resting: impl Fn(&(Timestamp, Job)) -> bool,
    ) -> Result<(Vec<(Timestamp, Job)>, bool), ViewError> {
        let (now, owned) = (self.clock.now(), self.owned.now());
        let mut jobs = Vec::new();
        // Most looks find nothing: one row tells.
        let mut limit = 1;
        let mut after = Some(moment_key(from));
        while jobs.len() < SWEEP_JOBS_MAX {
            let page = self.page(BY_MOMENT.to_vec(), after.take(), limit).await?;
            let full = page.len() == limit;
            limit = PAGE_ROWS;
            for (key, _) in page {
                let Some((due, job)) = Job::read(&key) else { continue };
                if due > now {
                    return Ok((jobs, true));
                }
                if owned.contains(&job.partition()) && !resting(&(due, job)) {
                    jobs.push((due, job));
                }
                after = Some(key);
            }
            if !full {
                return Ok((jobs, true));
            }
        }
        Ok((jobs, false))
    }

    /// Where these jobs stand now, of those that are open and this replica's.
    pub(super) async fn stand(&self, jobs: Vec<Job>) -> Result<Vec<(Timestamp, Job)>, ViewError> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let (agenda, owned) = (Arc::clone(&self.agenda), self.owned.now());
        let stands = move |job: Job| match agenda.get(&job.index_key()) {
            Ok(row) => Some(Ok((moment_in(&row?)?, job))),
            Err(error) => Some(Err(error)),
        };
        let jobs = jobs.into_iter().filter(move |job| owned.contains(&job.partition()));
        read(move || jobs.filter_map(stands).collect()).await
    }

    /// The jobs of a kind that are due or stand further ahead than such are ever put, whoever's they are and whether they rest, of a page
    /// behind a key; and behind which key the next ones begin, none at the end.
    pub(super) async fn due_of(
        &self,
        work: Work,
        after: Option<Vec<u8>>,
    ) -> Result<(Vec<Job>, Option<Vec<u8>>), ViewError> {
        let now = self.clock.now();
        let too_far = now.plus_seconds(work.ahead_seconds_max() + AHEAD_SECONDS);
        let rows = self.page(jobs_of(work), after, PAGE_ROWS).await?;
        let is_due = |row: &[u8]| moment_in(row).is_some_and(|due| due <= now || due > too_far);
        let due = rows.iter().filter(|(_, row)| is_due(row)).filter_map(|(key, _)| key.last_chunk());
        let jobs = due.map(|id| Job { work, id: *id }).collect();
        let last = rows.last().filter(|_| rows.len() == PAGE_ROWS);
        Ok((jobs, last.map(|(key, _)| key.clone())))
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

    /// Rows whose keys start with a prefix, behind a key.
    pub(super) async fn page(
        &self,
        prefix: Vec<u8>,
        after: Option<Vec<u8>>,
        limit: usize,
    ) -> Result<Vec<Row>, ViewError> {
        let agenda = Arc::clone(&self.agenda);
        read(move || agenda.scan(&prefix, after.as_deref(), limit)).await
    }
}

/// Reads rows off the asynchronous threads, since a read may wait for the disk.
async fn read<T: Send + 'static>(
    rows: impl FnOnce() -> Result<T, ViewError> + Send + 'static,
) -> Result<T, ViewError> {
    berth_runtime::spawn_blocking(rows).await.map_err(|error| ViewError::Store(error.to_string().into()))?
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use berth_runtime::ManualClock;

    use super::*;
    use crate::process::table::Table;

    const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

    fn job(work: Work, number: usize) -> Job {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&u64::try_from(number).unwrap().to_be_bytes());
        Job { work, id }
    }

    /// What is open there, for a replica that owns nothing.
    fn open_work(table: &Arc<Table>) -> OpenWork {
        let clock = Arc::new(ManualClock::new(NOW));
        OpenWork { agenda: table.clone(), owned: Owned::default(), clock }
    }

    #[tokio::test]
    async fn every_open_create_is_found_whatever_is_due_before_it_and_whoever_owns_it() {
        let table = Arc::new(Table::default());
        for number in 0..20_000 {
            table.put(job(Work::Erasure, number), Some(NOW.plus_seconds(-60)));
        }
        // One of now is waited for by whoever makes it.
        table.put(job(Work::Create, 0), Some(NOW.plus_seconds(30)));
        let open: Vec<_> = (1..=PAGE_ROWS + 1).map(|number| job(Work::Create, number)).collect();
        for create in &open {
            let ahead = if *create == open[6] { 60 * 60 } else { -1 };
            table.put(*create, Some(NOW.plus_seconds(ahead)));
        }
        let open_work = open_work(&table);
        let (mut found, last) = open_work.due_of(Work::Create, None).await.unwrap();
        found.extend(open_work.due_of(Work::Create, last).await.unwrap().0);
        assert_eq!(found, open);
        let (mine, is_whole) = open_work.due(Timestamp::default(), |_| false).await.unwrap();
        assert!(mine.is_empty() && is_whole, "nothing is this replica's to finish");
    }

    #[tokio::test]
    async fn many_creates_are_looked_through_a_part_at_a_time() {
        let table = Arc::new(Table::default());
        for number in 0..5_000 {
            table.put(job(Work::Create, number), Some(NOW.plus_seconds(-1)));
        }
        let (open_work, mut found, mut after) = (open_work(&table), 0, None);
        loop {
            let before = table.read.swap(0, Ordering::SeqCst);
            assert!(before <= PAGE_ROWS, "{before} rows were read");
            let (due, last) = open_work.due_of(Work::Create, after).await.unwrap();
            found += due.len();
            if last.is_none() {
                break;
            }
            after = last;
        }
        assert_eq!(found, 5_000);
    }
}
