//! The public event feed: JSON `CloudEvents` for subscribers in any language.
//!
//! Every replica follows the log; the one that owns a partition publishes the events of its instances. The others keep what
//! they read in the last seconds, and publish that first when a partition comes to them: an event is published at least
//! once, sometimes twice, while a position is remembered. A replica without one begins at the end of the log.

use std::{
    collections::{BTreeMap, VecDeque},
    fs, io, mem,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use berth_bus::{Bus, Leases, Tenure, hold_all};
use berth_log::{FollowError, Followed, LogRead, Position, SharedCommit};
use berth_proto::{Kind, Partition, event::Event, public::cloud_event, subject::public_event_subject};
use berth_runtime::{Lifecycle, Role};
use bytes::Bytes;
use futures::StreamExt;
use tokio::{sync::watch, time::Instant};

use crate::metrics;

/// The name of the reader of the log.
const NAME: &str = "public-events";
/// The file with the position, in the folder of the service.
const POSITION_FILE: &str = "public-events.position";
/// How long a replica keeps events of partitions that others own: longer than a lease takes to move.
const KEEP: Duration = Duration::from_secs(15);
/// How long a replica that starts waits for a partition before it reads.
const LEASE_WAIT_MAX: Duration = Duration::from_secs(5);
/// Events that it keeps at most; the oldest go first.
const KEEP_EVENTS_MAX: usize = 8_192;
/// How often the position is written at most.
const POSITION_EVERY: Duration = Duration::from_secs(1);
/// The pause before another try to follow or publish.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// The partitions whose events this replica publishes.
type Owned = BTreeMap<Partition, Tenure>;

/// An event on its way.
#[derive(Debug)]
struct Rendered {
    partition: Partition,
    subject: String,
    payload: Bytes,
    read_at: Instant,
}

#[derive(Debug)]
struct Feed {
    log: Arc<dyn LogRead>,
    bus: Arc<dyn Bus>,
    file: PathBuf,
    /// Written by the tasks that hold the partitions.
    held: watch::Receiver<Owned>,
    /// As they were when what was kept of them was published.
    owned: Owned,
    position: Option<Position>,
    /// Events of partitions that others publish.
    kept: VecDeque<Rendered>,
}

/// Starts the feed.
pub(crate) fn start(
    log: Arc<dyn LogRead>,
    bus: Arc<dyn Bus>,
    leases: Arc<dyn Leases>,
    folder: &Path,
    lifecycle: &Lifecycle,
) {
    let (holding, held) = watch::channel(Owned::new());
    let stop = lifecycle.stop().clone();
    lifecycle.spawn(async move {
        hold_all(&*leases, Role::Projections, &stop, |tenure| {
            let (holding, stop) = (&holding, &stop);
            async move {
                change(holding, |owned| owned.insert(tenure.partition(), tenure.clone()));
                stop.run_until_cancelled(tenure.asked_back()).await;
                change(holding, |owned| owned.remove(&tenure.partition()));
            }
        })
        .await;
    });
    let file = folder.join(POSITION_FILE);
    let (owned, kept) = (Owned::new(), VecDeque::new());
    let mut feed = Feed { log, bus, position: None, file, held, owned, kept };
    let stop = lifecycle.stop().clone();
    lifecycle.spawn(async move {
        stop.run_until_cancelled(feed.run()).await;
        feed.write_position().await;
    });
}

fn change<T>(holding: &watch::Sender<Owned>, change: impl FnOnce(&mut Owned) -> T) {
    holding.send_modify(|owned| {
        change(owned);
        metrics::owned(owned.len());
    });
}

// === impl Feed ===

impl Feed {
    async fn run(&mut self) {
        self.position = read_position(&self.file).await;
        self.begin().await;
        // Usually partitions are free or come soon; whatever is read before they come may have to be dropped.
        drop(tokio::time::timeout(LEASE_WAIT_MAX, self.held.wait_for(|owned| !owned.is_empty())).await);
        self.held.mark_changed();
        loop {
            if let Err(error) = self.follow().await {
                if !matches!(error, FollowError::Unavailable(_)) {
                    tracing::error!(%error, "the public events go on from the end of the log");
                    self.position = None;
                    self.begin().await;
                }
                tracing::debug!(%error, "the public events follow the log again");
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    /// Begins at the end of the log if there is no position.
    async fn begin(&mut self) {
        while self.position.is_none() {
            match self.log.end().await {
                Ok(end) => self.position = Some(end),
                Err(error) => {
                    tracing::warn!(%error, "the public events wait for the log");
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
            }
        }
    }

    async fn follow(&mut self) -> Result<(), FollowError> {
        let from = self.position.clone().unwrap_or_default();
        let mut follow = self.log.follow(NAME, &[Kind::Instance], from).await?;
        let mut written = Instant::now();
        loop {
            tokio::select! {
                biased;
                changed = self.held.changed() => match changed {
                    Ok(()) => self.own().await,
                    Err(_) => return Ok(()),
                },
                followed = follow.next() => match followed {
                    Some(followed) => self.take(followed?).await,
                    None => return Ok(()),
                },
            }
            if written.elapsed() >= POSITION_EVERY {
                self.write_position().await;
                written = Instant::now();
            }
        }
    }

    /// Publishes what was kept of the partitions that came.
    async fn own(&mut self) {
        self.owned = self.held.borrow_and_update().clone();
        for event in mem::take(&mut self.kept) {
            self.pass_on(event).await;
        }
    }

    async fn take(&mut self, followed: Followed) {
        match followed {
            Followed::Commit(commit, at) => {
                for event in render(&commit) {
                    self.pass_on(event).await;
                }
                // Remembered once its events are published: a stop may come in between.
                self.position.get_or_insert_default().advance(commit.stored().shard, at);
            }
            Followed::Unreadable { shard, at, .. } => {
                self.position.get_or_insert_default().advance(shard, at);
            }
            Followed::CaughtUp(end) => self.position = Some(end),
        }
        let is_old = |event: &Rendered| event.read_at.elapsed() >= KEEP;
        while self.kept.len() > KEEP_EVENTS_MAX || self.kept.front().is_some_and(is_old) {
            self.kept.pop_front();
        }
    }

    /// Publishes an event if its partition is ours, else keeps it for a while.
    async fn pass_on(&mut self, event: Rendered) {
        if let Some(tenure) = self.owned.get(&event.partition)
            && tenure.run(self.publish(&event)).await.is_some()
        {
            return metrics::published();
        }
        self.kept.push_back(event);
    }

    async fn publish(&self, event: &Rendered) {
        while let Err(error) = self.bus.publish(&event.subject, event.payload.clone()).await {
            tracing::warn!(%error, "a public event cannot be published now");
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    /// Remembers how far everything is published, or would be if this replica owned all.
    async fn write_position(&self) {
        let Some(position) = &self.position else { return };
        if let Err(error) = write(&self.file, position).await {
            tracing::warn!(%error, "the position of the public events cannot be written");
        }
    }
}

/// The public events of a commit; what cannot be read is reported by the record view.
fn render(shared: &SharedCommit) -> Vec<Rendered> {
    let Ok(commit) = shared.commit() else { return Vec::new() };
    let Some(instance) = commit.stream.as_instance() else { return Vec::new() };
    if commit.events.is_empty() {
        return Vec::new();
    }
    let Ok(Some(state)) = shared.instance_state() else { return Vec::new() };
    let (subject, partition) = (public_event_subject(state.account, instance), commit.stream.partition());
    let events = commit.events.iter().enumerate().filter_map(|(index, record)| {
        let event = Event::from_record(record).ok()?;
        let payload = Bytes::from(cloud_event(commit, index, &event, state.account).to_string());
        Some(Rendered { partition, subject: subject.clone(), payload, read_at: Instant::now() })
    });
    events.collect()
}

async fn read_position(file: &Path) -> Option<Position> {
    let file = file.to_owned();
    let bytes = berth_runtime::spawn_blocking(move || fs::read(file)).await.ok()?.ok()?;
    serde_json::from_slice(&bytes).ok()
}

async fn write(file: &Path, position: &Position) -> io::Result<()> {
    let bytes = serde_json::to_vec(position)?;
    let (file, fresh) = (file.to_owned(), file.with_extension("position-new"));
    berth_runtime::spawn_blocking(move || {
        fs::write(&fresh, bytes)?;
        fs::rename(fresh, file)
    })
    .await?
}
