//! All commits of a log up to its end, those of a shard in their order and shards side by side by when their commits were
//! decided: an import into another number of shards begins a log whose shards are in the order of time, as every log is.

use std::sync::Arc;

use berth_log::{Follow, Followed, LogRead, Position, ShardPosition, SharedCommit};
use berth_proto::{Kind, Timestamp};
use futures::StreamExt;

use crate::failure::Failure;

/// The commits of a log.
pub(super) struct Merge {
    lanes: Vec<Lane>,
}

/// The commits of a shard.
struct Lane {
    shard: u8,
    follow: Follow,
    /// The last revision that is wanted.
    end: u64,
    /// The next commit and when it was decided; none before it was read, and at the end.
    next: Option<(Timestamp, Arc<SharedCommit>)>,
    /// When the last one was decided. One that cannot be read is as old.
    last: Timestamp,
    /// The last revision that was read.
    read: u64,
}

// === impl Merge ===

impl Merge {
    /// Everything up to this position.
    pub(super) async fn of(log: &dyn LogRead, end: &Position) -> Result<Self, Failure> {
        let mut lanes = Vec::new();
        for (&shard, at) in end.0.iter().filter(|(_, at)| at.revision > 0) {
            // A follower that is at the end of all other shards.
            let mut from = end.clone();
            from.advance(shard, ShardPosition { revision: 0, ..*at });
            let follow = log.follow(&format!("export-{shard}"), &Kind::ALL, from).await?;
            let end = at.revision;
            lanes.push(Lane { shard, follow, end, next: None, last: Timestamp::default(), read: 0 });
        }
        Ok(Self { lanes })
    }

    /// The next commit; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Arc<SharedCommit>>, Failure> {
        for lane in &mut self.lanes {
            lane.fill().await?;
        }
        let next = |lane: &Lane| lane.next.as_ref().map(|(at, _)| *at);
        let earliest = self.lanes.iter_mut().filter(|lane| lane.next.is_some()).min_by_key(|lane| next(lane));
        Ok(earliest.and_then(|lane| lane.next.take()).map(|(_, commit)| commit))
    }
}

// === impl Lane ===

impl Lane {
    /// Reads the next commit, if there is one.
    async fn fill(&mut self) -> Result<(), Failure> {
        while self.next.is_none() && self.read < self.end {
            match self.follow.next().await {
                None => {
                    return Err(berth_log::FollowError::Unavailable("the log stopped sending".into()).into());
                }
                Some(Err(error)) => return Err(error.into()),
                Some(Ok(Followed::Commit(commit, _))) if commit.stored().shard == self.shard => {
                    self.read = commit.stored().tail.revision;
                    let decided = commit.commit().map_or(self.last, |commit| commit.occurred_at);
                    self.last = decided.max(self.last);
                    self.next = Some((self.last, commit));
                }
                Some(Ok(Followed::Unreadable { shard, after, at })) if shard == self.shard => {
                    return Err(Failure::Gap { shard, first: after + 1, last: at.revision });
                }
                // What others have behind their ends, and that the end was reached.
                Some(Ok(Followed::Commit(..) | Followed::Unreadable { .. } | Followed::CaughtUp(_))) => {}
            }
        }
        Ok(())
    }
}
