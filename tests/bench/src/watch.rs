//! What happens beside a measurement: the processor time of each process, and whether the followers keep up.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{task::JoinSet, time::sleep};

use crate::{
    Outcome,
    deployment::{self, Deployment},
    proc_fs::{self, TICK_MICROS},
    scrape::Appended,
};

/// How often the lag is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// A run counts only if no view was ever further behind the log than this. It is above what a burst may leave
/// for a moment, and below what grows.
pub(crate) const LAG_SECONDS_MAX: f64 = 2.0;
/// The process that makes the load: this one.
pub(crate) const CLIENT: &str = "load client";

/// The view that was furthest behind so far, and by how many seconds; written by the look, read at its end.
type Worst = Arc<Mutex<(String, f64)>>;

/// A look at a deployment while something is measured.
#[derive(Debug)]
pub(crate) struct Watch {
    before: BTreeMap<&'static str, u64>,
    appended: Appended,
    lag: JoinSet<()>,
    worst: Worst,
}

/// What was seen.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Microseconds of processor time by role, what followed the measurement included.
    pub(crate) micros: BTreeMap<&'static str, u64>,
    /// The view that was furthest behind, and by how many seconds.
    pub(crate) lag: (String, f64),
    /// The mean size of the commits, if there were any.
    pub(crate) commit_bytes: Option<f64>,
}

impl Watch {
    pub(crate) async fn start(deployment: &Deployment) -> Outcome<Self> {
        let worst = Worst::new(Mutex::new((String::new(), 0.0)));
        let mut lag = JoinSet::new();
        let appended = deployment.appended().await;
        lag.spawn(look(deployment.ports(), Arc::clone(&worst)));
        Ok(Self { before: ticks(deployment)?, appended, lag, worst })
    }

    /// Ends the look after the processes have finished what follows.
    pub(crate) async fn end(mut self, deployment: &Deployment) -> Outcome<Seen> {
        let client = proc_fs::ticks(std::process::id())?;
        deployment.idle().await?;
        self.lag.shutdown().await;
        let mut micros = BTreeMap::new();
        for (role, now) in ticks(deployment)? {
            let now = if role == CLIENT { client } else { now };
            let before = self.before.get(role).copied().unwrap_or_default();
            micros.insert(role, now.saturating_sub(before) * TICK_MICROS);
        }
        let commit_bytes = deployment.appended().await.mean_bytes_since(self.appended);
        let lag = self.worst.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(Seen { micros, lag, commit_bytes })
    }
}

impl Seen {
    /// Whether every follower kept up.
    pub(crate) fn counts(&self) -> bool {
        self.lag.1 <= LAG_SECONDS_MAX
    }
}

/// Asks all processes again and again how far their views are behind.
async fn look(ports: Vec<u16>, worst: Worst) {
    loop {
        for scrape in deployment::scrapes(&ports).await {
            let Some(lag) = scrape.lag() else { continue };
            let mut worst = worst.lock().unwrap_or_else(PoisonError::into_inner);
            if lag.1 > worst.1 {
                *worst = lag;
            }
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Processor time by role, several processes of one role together.
fn ticks(deployment: &Deployment) -> Outcome<BTreeMap<&'static str, u64>> {
    let mut ticks = BTreeMap::new();
    for (role, used) in deployment.ticks()? {
        *ticks.entry(role).or_default() += used;
    }
    ticks.insert(CLIENT, proc_fs::ticks(std::process::id())?);
    Ok(ticks)
}
