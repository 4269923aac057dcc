//! The public event feed: JSON `CloudEvents` for subscribers in any language.
//!
//! Every replica follows the log; the one that holds the lease publishes. The others keep what they read
//! in the last seconds, and publish that first when the lease comes to them: an event is published at least
//! once, sometimes twice, while a position is remembered. A replica without one begins at the end of the log.

use std::{
    collections::VecDeque,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use berth_bus::{Bus, Lease, Leases};
use berth_log::{FollowError, Followed, LogRead, Position, SharedCommit};
use berth_proto::{Kind, event::Event, public::cloud_event, subject::public_event_subject};
use berth_runtime::{Lifecycle, Role};
use bytes::Bytes;
use futures::StreamExt;
use tokio::{sync::watch, time::Instant};

use crate::metrics;

/// The name of the reader of the log.
const NAME: &str = "public-events";
/// The file with the position, in the folder of the service.
const POSITION_FILE: &str = "public-events.position";
/// How long a replica that does not publish keeps events: longer than a lease takes to move.
const KEEP: Duration = Duration::from_secs(15);
/// How long a replica that starts waits for the lease before it reads.
const LEASE_WAIT_MAX: Duration = Duration::from_secs(5);
/// Events that it keeps at most; the oldest go first.
const KEEP_EVENTS_MAX: usize = 8_192;
/// How often the position is written at most.
const POSITION_EVERY: Duration = Duration::from_secs(1);
/// The pause before another try to follow, publish or hold the lease.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// An event on its way.
#[derive(Debug)]
struct Rendered {
    subject: String,
    payload: Bytes,
    read_at: Instant,
}

#[derive(Debug)]
struct Feed {
    log: Arc<dyn LogRead>,
    bus: Arc<dyn Bus>,
    file: PathBuf,
    /// Whether this replica holds the lease; written by the task that holds it.
    publishing: watch::Receiver<bool>,
    position: Option<Position>,
    waiting: VecDeque<Rendered>,
}

/// Starts the feed.
pub(crate) fn start(
    log: Arc<dyn LogRead>,
    bus: Arc<dyn Bus>,
    leases: Arc<dyn Leases>,
    folder: &Path,
    lifecycle: &Lifecycle,
) {
    let (publishing, held) = watch::channel(false);
    let stop = lifecycle.stop().clone();
    lifecycle.spawn(async move { stop.run_until_cancelled(hold_lease(leases, publishing)).await });
    let file = folder.join(POSITION_FILE);
    let mut feed = Feed { log, bus, position: None, file, publishing: held, waiting: VecDeque::new() };
    let stop = lifecycle.stop().clone();
    lifecycle.spawn(async move {
        stop.run_until_cancelled(feed.run()).await;
        feed.write_position().await;
    });
}

/// Holds the lease for as long as there is one to hold.
async fn hold_lease(leases: Arc<dyn Leases>, publishing: watch::Sender<bool>) {
    loop {
        match leases.hold(Lease::whole(Role::Projections)).await {
            Ok(mut grant) => {
                publishing.send_replace(true);
                let _ended = grant.lost.wait_for(|lost| *lost).await;
                publishing.send_replace(false);
            }
            Err(error) => tracing::warn!(%error, "the lease of the public events cannot be held"),
        }
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}

// === impl Feed ===

impl Feed {
    async fn run(&mut self) {
        self.position = read_position(&self.file).await;
        self.begin().await;
        // Usually the lease is free or comes soon; whatever is read before it comes may have to be dropped.
        drop(tokio::time::timeout(LEASE_WAIT_MAX, self.publishing.wait_for(|held| *held)).await);
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
                followed = follow.next() => match followed {
                    Some(followed) => self.take(followed?),
                    None => return Ok(()),
                },
                changed = self.publishing.changed() => if changed.is_err() { return Ok(()) },
            }
            self.publish().await;
            if written.elapsed() >= POSITION_EVERY {
                self.write_position().await;
                written = Instant::now();
            }
        }
    }

    fn take(&mut self, followed: Followed) {
        let mut position = self.position.take().unwrap_or_default();
        match followed {
            Followed::Commit(commit, at) => {
                self.waiting.extend(render(&commit));
                position.advance(commit.stored().shard, at);
            }
            Followed::Unreadable { shard, at, .. } => position.advance(shard, at),
            Followed::CaughtUp(end) => position = end,
        }
        self.position = Some(position);
        let fresh = |event: &Rendered| event.read_at.elapsed() < KEEP;
        while !*self.publishing.borrow()
            && (self.waiting.len() > KEEP_EVENTS_MAX
                || self.waiting.front().is_some_and(|event| !fresh(event)))
        {
            self.waiting.pop_front();
        }
    }

    /// Publishes what waits, while this replica holds the lease.
    async fn publish(&mut self) {
        while *self.publishing.borrow() {
            let Some(event) = self.waiting.front() else {
                return;
            };
            match self.bus.publish(&event.subject, event.payload.clone()).await {
                Ok(()) => {
                    self.waiting.pop_front();
                    metrics::published();
                }
                Err(error) => {
                    tracing::warn!(%error, "a public event cannot be published now");
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
            }
        }
    }

    /// Remembers how far everything is published, or would be if this replica held the lease.
    async fn write_position(&self) {
        let (Some(position), true) = (&self.position, self.waiting.is_empty() || !*self.publishing.borrow())
        else {
            return;
        };
        let written = write(&self.file, position).await;
        if let Err(error) = written {
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
    let subject = public_event_subject(state.account, instance);
    let events = commit.events.iter().enumerate().filter_map(|(index, record)| {
        let event = Event::from_record(record).ok()?;
        let payload = Bytes::from(cloud_event(commit, index, &event, state.account).to_string());
        Some(Rendered { subject: subject.clone(), payload, read_at: Instant::now() })
    });
    events.collect()
}

async fn read_position(file: &Path) -> Option<Position> {
    let bytes = tokio::fs::read(file).await.ok()?;
    serde_json::from_slice(&bytes).ok()
}

async fn write(file: &Path, position: &Position) -> io::Result<()> {
    let bytes = serde_json::to_vec(position)?;
    let (file, fresh) = (file.to_owned(), file.with_extension("position-new"));
    tokio::task::spawn_blocking(move || {
        fs::write(&fresh, bytes)?;
        fs::rename(fresh, file)
    })
    .await?
}
