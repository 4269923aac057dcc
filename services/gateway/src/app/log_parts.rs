//! Parts of the log: what lies between two places of each shard, and where a moment lies.
//!
//! The log is read forwards only, and knows no moments. Whoever wants the newest first reads part after part from its end, and
//! whoever wants what was before a moment looks for the place by halves.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use berth_log::{Followed, LogRead, Position, ShardPosition, SharedCommit};
use berth_proto::{Kind, Timestamp};
use futures::StreamExt;
use tokio::time::timeout;

use super::failure::Failure;

/// The name of the reader of the log.
const NAME: &str = "audit";
/// What does not answer, as an error names it.
const PART: &str = "the log";
/// How long a part may take.
const READ_MAX: Duration = Duration::from_secs(10);
/// How far the clocks of those who write to the log may be apart: a moment is looked for with this much around it.
pub(super) const CLOCKS_APART_SECONDS: i64 = 600;
/// A place is looked for until so many commits of a shard are left: they are read anyway.
const NEAR: u64 = 512;

/// Commits by shard, in their order, each with its revision.
pub(super) type Part = BTreeMap<u8, Vec<(u64, Arc<SharedCommit>)>>;

/// What lies behind `from`, up to `to` and including it, in the shards in which that is anything.
pub(super) async fn between(
    log: &dyn LogRead,
    kinds: &[Kind],
    from: &Position,
    to: &Position,
) -> Result<Part, Failure> {
    timeout(READ_MAX, read(log, kinds, from, to)).await.map_err(|late| Failure::unavailable(PART, late))?
}

async fn read(log: &dyn LogRead, kinds: &[Kind], from: &Position, to: &Position) -> Result<Part, Failure> {
    let ends = |shard: u8| to.0.get(&shard).map_or(0, |end| end.revision);
    let begins = |shard: u8| from.0.get(&shard).map_or(0, |begin| begin.revision);
    let mut open: BTreeSet<u8> = to.0.keys().copied().filter(|shard| begins(*shard) < ends(*shard)).collect();
    let mut part = Part::new();
    if open.is_empty() {
        return Ok(part);
    }
    let unavailable = |error| Failure::unavailable(PART, error);
    let mut follow = log.follow(NAME, kinds, from.clone()).await.map_err(unavailable)?;
    while !open.is_empty() {
        let next = follow.next().await.ok_or_else(|| Failure::unavailable(PART, "it stopped sending"))?;
        let (shard, at) = match next.map_err(unavailable)? {
            Followed::Commit(commit, at) => {
                let shard = commit.stored().shard;
                if open.contains(&shard) && at.revision <= ends(shard) {
                    part.entry(shard).or_default().push((at.revision, commit));
                }
                (shard, at)
            }
            Followed::Unreadable { shard, at, .. } => (shard, at),
            Followed::CaughtUp(_) => break,
        };
        if at.revision >= ends(shard) {
            open.remove(&shard);
        }
    }
    Ok(part)
}

/// A place in each shard behind which everything is later than a moment, whoever's clock is right.
pub(super) async fn behind(
    log: &dyn LogRead,
    end: &Position,
    moment: Timestamp,
) -> Result<Position, Failure> {
    let later = moment.plus_seconds(CLOCKS_APART_SECONDS);
    let mut found = end.clone();
    let mut known: BTreeMap<u8, u64> = BTreeMap::new();
    loop {
        let (mut from, mut to) = (end.clone(), end.clone());
        let mut asked = Vec::new();
        for (shard, high) in &found.0 {
            let low = known.get(shard).copied().unwrap_or_default();
            if high.revision - low <= NEAR {
                continue;
            }
            let middle = low + (high.revision - low) / 2;
            from.0.insert(*shard, ShardPosition { revision: middle - 1, ..*high });
            to.0.insert(*shard, ShardPosition { revision: middle, ..*high });
            asked.push((*shard, middle));
        }
        if asked.is_empty() {
            return Ok(found);
        }
        let part = between(log, &Kind::ALL, &from, &to).await?;
        for (shard, middle) in asked {
            let commit =
                part.get(&shard).and_then(|commits| commits.first()).map(|(_, commit)| commit.commit());
            match commit {
                Some(Ok(commit)) if commit.occurred_at >= later => {
                    found.0.entry(shard).and_modify(|place| place.revision = middle);
                }
                // What cannot be read may be anything: what is behind it is looked at.
                _ => {
                    known.insert(shard, middle);
                }
            }
        }
    }
}
