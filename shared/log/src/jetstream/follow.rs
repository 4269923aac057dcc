//! Following: one ordered pull consumer per shard, made again after every trouble at the place that was
//! reached, and checked against the stream each time.
//!
//! It is not async-nats's own ordered consumer because that one makes itself again without a look at the
//! stream, and would wait for ever for sequences that a recreated or rolled-back stream has not reached.
//!
//! A server says nothing of a message that it cannot read any more: its consumers pass over it, or wait behind it. Nothing
//! is ever removed from a stream, so its sequences have no gap, and one in what was delivered tells. For that the
//! consumer asks for every kind of commit; those that are not wanted are dropped here.

mod shard;

use std::collections::BTreeMap;

use berth_proto::Kind;
use futures::{StreamExt, stream};

use self::shard::{ShardFollower, Step};
use super::JetStreamLog;
use crate::port::{Follow, FollowError, Followed, Position, ShardPosition};

pub(super) async fn follow(
    log: &JetStreamLog,
    name: &str,
    kinds: &[Kind],
    from: Position,
) -> Result<Follow, FollowError> {
    let mut shards = Vec::new();
    for shard in 0..log.shards {
        let read = from.0.get(&shard).copied();
        let follower = ShardFollower::start(log, shard, name, kinds, read).await?;
        shards.push(Box::pin(stream::unfold(follower, |mut follower| async move {
            let step = follower.next().await?;
            Some((step, follower))
        })));
    }
    let merger = Merger {
        shards: stream::select_all(shards),
        at_end: BTreeMap::new(),
        behind: true,
        ready: None,
        count: log.shards,
    };
    Ok(Box::pin(stream::unfold(merger, |mut merger| async move {
        let next = merger.next().await?;
        Some((next, merger))
    })))
}

// === impl Merger ===

/// The shards as one.
struct Merger<S> {
    shards: stream::SelectAll<S>,
    /// The shards that are at their end.
    at_end: BTreeMap<u8, ShardPosition>,
    /// Whether anything came since the reader was last told that it is caught up.
    behind: bool,
    ready: Option<Followed>,
    count: u8,
}

impl<S: stream::Stream<Item = Result<Step, FollowError>> + Unpin> Merger<S> {
    async fn next(&mut self) -> Option<Result<Followed, FollowError>> {
        loop {
            if let Some(ready) = self.ready.take() {
                return Some(Ok(ready));
            }
            match self.shards.next().await? {
                Ok(Step::Met(met)) => {
                    match &met {
                        Followed::Commit(commit, _) => self.at_end.remove(&commit.stored().shard),
                        Followed::Unreadable { shard, .. } => self.at_end.remove(shard),
                        Followed::CaughtUp(_) => None,
                    };
                    self.behind = true;
                    return Some(Ok(met));
                }
                Ok(Step::AtEnd(shard, position)) => {
                    self.behind |= self.at_end.insert(shard, position) != Some(position);
                    if self.behind && self.at_end.len() == usize::from(self.count) {
                        self.behind = false;
                        self.ready = Some(Followed::CaughtUp(Position(self.at_end.clone())));
                    }
                }
                // One shard that is lost ends all: nothing more is to be built on this log.
                Err(error) => {
                    self.shards.clear();
                    return Some(Err(error));
                }
            }
        }
    }
}
