//! Makes a deployment of many instances and commits in minutes: without requests, through the log's port.
//!
//! Nothing is written here that a service would not write. `parts` opens the folder of a deployment that is stopped, with
//! Berth's own adapters, and puts the gateway's and the session-aggregate's own code on them; creates and logouts go
//! through those as if they had come as requests, many at once, so that they share the batches of the log's writer. What is
//! left out is HTTP, and every view, which the deployment builds when it is started next.

mod parts;

use std::{
    fs,
    ops::Range,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{task::JoinSet, time::Instant};

use self::parts::Parts;
use crate::{
    Outcome,
    closed_loop::per_second,
    deployment::{Deployment, settings_in},
    topology::Topology,
    workload::Instance,
};

/// Instances that are made and logged out together. Fewer than the aggregate keeps states of in memory; so many that the
/// commits of one instance lie far apart, as they do where requests come from all customers.
const BLOCK: usize = 50_000;
/// Commands that are under way at once.
const AT_ONCE: usize = 512;

/// What was made.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) instances: Vec<Instance>,
    /// Commits that were written.
    pub(crate) written: u64,
    /// Commits that the log has now.
    pub(crate) commits: u64,
    pub(crate) took: Duration,
}

/// What has been done and what is left.
struct Making {
    parts: Arc<Parts>,
    wanted: Range<usize>,
    commits: u64,
    before: u64,
    started: Instant,
}

/// Makes a deployment in a folder that is empty or not there, and says how it is served.
pub(crate) async fn in_folder(
    berth: &Path,
    folder: &Path,
    instances: usize,
    commits: u64,
) -> Outcome<String> {
    fs::create_dir_all(folder)?;
    if fs::read_dir(folder)?.next().is_some() {
        return Err(format!("{} is not empty", folder.display()).into());
    }
    let folder = fs::canonicalize(folder)?;
    let mut deployment = Deployment::start_in(berth, Topology::EMBEDDED, &folder).await?;
    deployment.stop().await?;
    let made = make(&deployment.data(), 0..instances, commits).await?;
    Ok(format!(
        "{} instances and {} commits were made in {:.0?}. Serve them with\n\n{} \\\n  berth serve\n",
        made.instances.len(),
        made.commits,
        made.took,
        settings_in(&deployment.data())
    ))
}

/// Adds the instances with these numbers to the deployment that has its data in this folder and is stopped, and no-op
/// logouts of them until its log has so many commits.
pub(crate) async fn make(data: &Path, wanted: Range<usize>, commits: u64) -> Outcome<Made> {
    let parts = Arc::new(Parts::open(data).await?);
    let before = parts.commits().await?;
    let making = Making { parts, wanted, commits, before, started: Instant::now() };
    let instances = making.all().await?;
    let (written, took) = (making.parts.commits().await?.saturating_sub(before), making.started.elapsed());
    let commits = Arc::into_inner(making.parts).ok_or("something is still under way")?.close().await?;
    Ok(Made { instances, written, commits, took })
}

// === impl Making ===

impl Making {
    async fn all(&self) -> Outcome<Vec<Instance>> {
        let mut made = Vec::with_capacity(self.wanted.len());
        for first in self.wanted.clone().step_by(BLOCK) {
            let block = first..(first + BLOCK).min(self.wanted.end);
            let created = self.create(block.clone()).await?;
            made.extend(created.iter().cloned());
            self.lengthen(created.into(), block.end).await?;
            self.tell(block.end).await?;
        }
        Ok(made)
    }

    /// Creates these instances.
    async fn create(&self, numbers: Range<usize>) -> Outcome<Vec<Instance>> {
        let count = numbers.len() as u64;
        let create = move |parts: Arc<Parts>, at: u64| async move {
            parts.create(numbers.start + usize::try_from(at)?).await
        };
        self.at_once(0..count, create).await
    }

    /// Logs a block out until the log has its part of all commits. Logouts of one instance that meet share a commit, so that
    /// it is asked for again what is missing.
    async fn lengthen(&self, block: Arc<[Instance]>, end: usize) -> Outcome<()> {
        let (done, all) = (end - self.wanted.start, self.wanted.len());
        let more = self.commits.saturating_sub(self.before);
        let target = self.before + more * done as u64 / all as u64;
        let mut sent = 0;
        loop {
            let missing = target.saturating_sub(self.parts.commits().await?);
            if missing == 0 {
                return Ok(());
            }
            let block = Arc::clone(&block);
            let log_out = move |parts: Arc<Parts>, at: u64| {
                let block = Arc::clone(&block);
                async move {
                    let count = block.len() as u64;
                    let instance = block.get(usize::try_from(at % count)?).ok_or("there is no instance")?;
                    // Known beforehand, so that whoever looks can ask again under it.
                    let key = format!("made-{}-{}", instance.name, at / count);
                    parts.log_out(&instance.id, &key).await
                }
            };
            self.at_once(sent..sent + missing, log_out).await?;
            sent += missing;
        }
    }

    /// Does something for each number, many at once. Gives what it gave, in no order.
    async fn at_once<T, F>(
        &self,
        numbers: Range<u64>,
        of: impl Fn(Arc<Parts>, u64) -> F + Clone + Send + 'static,
    ) -> Outcome<Vec<T>>
    where
        T: Send + 'static,
        F: Future<Output = Outcome<T>> + Send,
    {
        let next = Arc::new(AtomicU64::new(numbers.start));
        let mut working = JoinSet::new();
        for _ in 0..AT_ONCE {
            let (parts, next, of) = (Arc::clone(&self.parts), Arc::clone(&next), of.clone());
            working.spawn(async move {
                let mut given = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= numbers.end {
                        return Outcome::Ok(given);
                    }
                    given.push(of(Arc::clone(&parts), number).await?);
                }
            });
        }
        let mut given = Vec::new();
        while let Some(ended) = working.join_next().await {
            given.extend(ended??);
        }
        Ok(given)
    }

    async fn tell(&self, end: usize) -> Outcome<()> {
        let commits = self.parts.commits().await?;
        let rate = per_second(commits - self.before, self.started.elapsed());
        eprintln!(
            "  {} of {} instances, {commits} commits, {rate:.0} commits/s …",
            end - self.wanted.start,
            self.wanted.len()
        );
        Ok(())
    }
}
