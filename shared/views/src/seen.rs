//! What was seen of the log, against the log as it is now.

use berth_log::{Position, ShardPosition};

use crate::{checked::Checkpoint, ended::Ended, fold::Expected, high_water::Marks};

/// Compares the end of the log with what was seen of it: a log that ends before that has lost commits.
pub(crate) fn compare(checkpoint: &Checkpoint, marks: &Marks, end: &Position) -> Result<(), Ended> {
    let folded = &checkpoint.position.0;
    for (shard, here) in folded {
        if end.0.get(shard).is_some_and(|there| there.incarnation != here.incarnation) {
            return Err(Ended::recreated(*shard));
        }
    }
    let marked = marks.shards.iter().map(|(shard, mark)| (*shard, mark.position()));
    for (shard, seen) in folded.iter().map(|(shard, at)| (*shard, *at)).chain(marked) {
        let there = end.0.get(&shard);
        if there.is_some_and(|there| there.incarnation != seen.incarnation) {
            continue;
        }
        let ends_at = there.map_or(0, |there| there.revision);
        if ends_at < seen.revision {
            return Err(Ended::RolledBack(format!(
                "shard {shard} of the log ends at {ends_at}, but {} was seen before: \
                 acknowledged commits are lost",
                seen.revision
            )));
        }
    }
    Ok(())
}

/// Where to follow from, and which commits must come by. Where the last folded commit is the last thing
/// seen of its shard, it is read once more and compared.
pub(crate) fn from(checkpoint: &Checkpoint, marks: &Marks) -> (Position, Expected) {
    let mut from = checkpoint.position.clone();
    let mut expected = Expected::default();
    for (shard, last) in &checkpoint.last {
        if from.0.get(shard) == Some(&last.at) {
            let revision = last.at.revision.saturating_sub(1);
            from.advance(*shard, ShardPosition { revision, ..last.at });
            expected.push(*shard, *last);
        }
    }
    for (shard, mark) in &marks.shards {
        let here = checkpoint.position.0.get(shard).map_or(0, |at| at.revision);
        if let Some(last) = mark.last.filter(|last| last.at.revision > here) {
            expected.push(*shard, last);
        }
    }
    (from, expected)
}
