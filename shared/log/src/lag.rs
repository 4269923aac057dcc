//! How far readers of the log are behind its end.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use crate::{
    metrics,
    port::{LogRead, Position},
};

/// How often is looked: often enough for an alarm, and a request for each shard.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How many commits of a log that ends at `end` are behind a position: the revisions of a shard have no gap. A shard that lost
/// commits, or is another one than before, hides none of another.
pub fn commits_between(position: &Position, end: &Position) -> u64 {
    let left = end.0.iter().map(|(shard, end)| {
        let here = position.0.get(shard).filter(|here| here.incarnation == end.incarnation);
        end.revision.saturating_sub(here.map_or(0, |here| here.revision))
    });
    left.sum()
}

/// Tells, for as long as it is polled, how many commits a reader that is no view has not looked at: whoever stands still cannot tell it
/// himself. `reached` says how far the reader is, and nothing while it has nothing to read. A log that does not answer
/// changes nothing.
pub async fn watch_lag(log: Arc<dyn LogRead>, reader: &'static str, reached: impl Fn() -> Option<Position>) {
    metrics::describe_reader(reader);
    loop {
        sleep(LOOK_EVERY).await;
        let Ok(end) = log.end().await else { continue };
        // After the end was asked for, so that nothing is counted that was read meanwhile.
        let left = reached().map_or(0, |position| commits_between(&position, &end));
        metrics::reader_left(reader, left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::ShardPosition;

    #[test]
    fn what_one_shard_lost_hides_nothing_that_is_left_of_another() {
        let at = |shards: [(u8, u64, u64); 3]| {
            let shards =
                shards.map(|(shard, incarnation, revision)| (shard, ShardPosition { incarnation, revision }));
            Position(shards.into())
        };
        let here = at([(0, 1, 900), (1, 1, 10), (2, 1, 50)]);
        assert_eq!(commits_between(&here, &at([(0, 1, 100), (1, 1, 30), (2, 2, 4)])), 20 + 4);
        assert_eq!(commits_between(&Position::default(), &here), 960);
    }
}
