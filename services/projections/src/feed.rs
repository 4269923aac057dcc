//! The public event feed: JSON `CloudEvents` for subscribers in any language.
//!
//! The replica that owns a partition puts the events of its instances into the feed. How far that got is noted from time to
//! time, and whoever has the partition next goes on there; what stands in the feed after it is found in the feed itself, by
//! instance. So an event stands there once and after the one before it, whoever was killed or suspended meanwhile. A
//! partition of which nothing was noted is read from its beginning: the feed can be made from the log again.

mod publish;
mod rendered;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use berth_bus::{EventFeed, FeedError, Leases, Tenure, feed::FEED_AGE_MAX, hold_all};
use berth_log::{
    Batch, Batches, FollowError, Followed, LogRead, Position, ReadError, ShardPosition, watch_lag,
};
use berth_proto::{Kind, Partition};
use berth_runtime::{Clock, Lifecycle, Role, chain};
use futures::StreamExt;
use thiserror::Error;
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

use self::publish::Publisher;
use crate::metrics;

/// The name of the reader of the log.
const NAME: &str = "public-events";
/// How often is noted how far each partition is: what lies between is looked at again by whoever takes it over.
const NOTE_EVERY: Duration = Duration::from_secs(10);
/// Commits that are taken from the log at once.
const COMMITS_AT_ONCE: usize = 256;
/// Partitions come one after the other: how long none must have come before they are read.
const QUIET: Duration = Duration::from_millis(100);
/// How long is waited for that at most.
const QUIET_WAIT_MAX: Duration = Duration::from_secs(1);
/// The pause before another try to follow the log.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// The partitions whose events this replica publishes.
type Owned = BTreeMap<Partition, Tenure>;

/// The log cannot be followed, or the feed does not say how far it is. A retry helps when they work.
#[derive(Debug, Error)]
enum Interrupted {
    #[error("the log cannot be followed")]
    Follow(#[from] FollowError),
    #[error("the log does not say where it ends")]
    End(#[from] ReadError),
    #[error("how far the public events are cannot be read")]
    Feed(#[from] FeedError),
}

#[derive(Debug)]
struct Feed {
    log: Arc<dyn LogRead>,
    kept: Arc<dyn EventFeed>,
    clock: Arc<dyn Clock>,
    publisher: Publisher,
    /// Written by the tasks that hold the partitions.
    held: watch::Receiver<Owned>,
    /// How far the log is read; none while no partition is owned. Read by whoever tells the lag.
    reached: watch::Sender<Option<Position>>,
}

/// How far this replica is.
struct Progress {
    owned: Owned,
    /// Everything before it is in the feed, of the partitions that are owned.
    position: Position,
    /// What is noted of each of them.
    noted: BTreeMap<Partition, ShardPosition>,
}

/// Holds partitions, and puts their events into the feed, if there is one.
pub(crate) fn start(
    log: Arc<dyn LogRead>,
    feed: Option<Arc<dyn EventFeed>>,
    leases: Arc<dyn Leases>,
    clock: Arc<dyn Clock>,
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
    let Some(feed) = feed else { return };
    let publisher = Publisher::new(Arc::clone(&feed));
    let (reached, known) = watch::channel(None);
    let lag = watch_lag(Arc::clone(&log), NAME, move || known.borrow().clone());
    let mut feed = Feed { log, kept: feed, clock, publisher, held, reached };
    let (stop, watched) = (lifecycle.stop().clone(), lifecycle.stop().clone());
    lifecycle.spawn(async move {
        stop.run_until_cancelled(feed.run()).await;
    });
    lifecycle.spawn(async move { watched.run_until_cancelled(lag).await });
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
        loop {
            // Whoever owns nothing reads nothing.
            if self.held.borrow().is_empty() {
                self.reached.send_replace(None);
            }
            if self.held.wait_for(|owned| !owned.is_empty()).await.is_err() {
                return;
            }
            if let Err(error) = self.follow().await {
                // Where it is to begin is not known: everything may be left to do.
                self.reached.send_if_modified(|reached| {
                    let is_news = reached.is_none();
                    reached.get_or_insert_default();
                    is_news
                });
                tracing::warn!(reason = chain(&error), "the public events cannot go on now; trying again");
                sleep(RETRY_PAUSE).await;
            }
        }
    }

    /// Puts events into the feed until another partition comes.
    async fn follow(&mut self) -> Result<(), Interrupted> {
        let mut progress = self.begin().await?;
        self.reached.send_replace(Some(progress.position.clone()));
        let follow = self.log.follow(NAME, &[Kind::Instance], progress.position.clone()).await?;
        let mut follow = Batches::new(follow, COMMITS_AT_ONCE);
        let mut noted_at = Instant::now();
        loop {
            tokio::select! {
                biased;
                changed = self.held.changed() => {
                    if changed.is_err() || self.has_more_than(&mut progress.owned) {
                        return Ok(());
                    }
                }
                followed = follow.next() => match followed {
                    Some(followed) => self.take(followed, &mut progress).await?,
                    None => return Ok(()),
                },
            }
            if noted_at.elapsed() >= NOTE_EVERY {
                self.note(&mut progress).await?;
                noted_at = Instant::now();
            }
        }
    }

    /// Where to begin: each shard where the partition of it that is behind was noted last, or at its end if none is owned.
    async fn begin(&mut self) -> Result<Progress, Interrupted> {
        let until = Instant::now() + QUIET_WAIT_MAX;
        while Instant::now() < until && matches!(timeout(QUIET, self.held.changed()).await, Ok(Ok(()))) {}
        let owned = self.held.borrow_and_update().clone();
        let (end, shards) = (self.log.end().await?, self.log.shards());
        let (mut position, mut noted) = (end.clone(), BTreeMap::new());
        for partition in owned.keys() {
            let shard = partition.shard(shards);
            let mark = self.kept.noted(*partition).await?;
            let mark = mark.and_then(|mark| serde_json::from_slice::<ShardPosition>(&mark).ok());
            match mark.filter(|mark| end.0.get(&shard).is_some_and(|end| lies_before(*mark, *end))) {
                Some(mark) => {
                    noted.insert(*partition, mark);
                    if let Some(from) = position.0.get_mut(&shard)
                        && mark.revision < from.revision
                    {
                        *from = mark;
                    }
                }
                // Nothing is known of it in this life of the shard.
                None => {
                    position.0.remove(&shard);
                }
            }
        }
        Ok(Progress { owned, position, noted })
    }

    /// Whether a partition has come, or come back: another replica may have had it meanwhile.
    fn has_more_than(&mut self, owned: &mut Owned) -> bool {
        let now = self.held.borrow_and_update().clone();
        let is_new = |tenure: &Tenure| {
            owned.get(&tenure.partition()).is_none_or(|before| before.epoch() != tenure.epoch())
        };
        let more = now.values().any(is_new);
        // One that was cut off stays so.
        owned.retain(|partition, _| now.contains_key(partition));
        more
    }

    async fn take(&self, followed: Batch, progress: &mut Progress) -> Result<(), Interrupted> {
        let (mut lanes, mut after, mut failed) = (BTreeMap::new(), progress.position.clone(), None);
        let oldest = self.clock.now().plus_seconds(-(FEED_AGE_MAX.as_secs().cast_signed()));
        for one in followed {
            match one {
                Ok(Followed::Commit(commit, at)) => {
                    rendered::sort_in(&commit, &progress.owned, oldest, &mut lanes);
                    after.advance(commit.stored().shard, at);
                }
                Ok(Followed::Unreadable { shard, at, .. }) => after.advance(shard, at),
                Ok(Followed::CaughtUp(end)) => after = end,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        for cut_off in self.publisher.publish(lanes, &progress.owned).await {
            progress.owned.remove(&cut_off);
        }
        progress.position = after;
        self.reached.send_replace(Some(progress.position.clone()));
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Notes how far each partition is.
    async fn note(&self, progress: &mut Progress) -> Result<(), FeedError> {
        let Progress { owned, position, noted } = progress;
        for (partition, tenure) in owned {
            let Some(here) = position.0.get(&partition.shard(self.log.shards())) else { continue };
            if noted.get(partition).is_some_and(|noted| !is_behind(*noted, *here)) {
                continue;
            }
            let Ok(mark) = serde_json::to_vec(here) else { continue };
            match tenure.run(self.kept.note(*partition, mark.into())).await {
                Some(done) => done?,
                None => continue,
            }
            noted.insert(*partition, *here);
        }
        Ok(())
    }
}

/// Whether a mark is of this life of the shard, and not behind its end: a log that lost commits goes on with others.
const fn lies_before(mark: ShardPosition, end: ShardPosition) -> bool {
    mark.incarnation == end.incarnation && mark.revision <= end.revision
}

const fn is_behind(noted: ShardPosition, here: ShardPosition) -> bool {
    noted.incarnation != here.incarnation || noted.revision < here.revision
}
