//! The high-water mark: how far the log was once seen, kept outside everything that is built from it.
//!
//! A view can be thrown away and built again, so it cannot tell that the log itself went back in time: the
//! rebuilt view would simply be older. The mark can. A log that is behind it has lost commits that somebody
//! was told are durable, and nothing is built on it until an operator accepts the loss. Whoever keeps a mark
//! decides where; here is what it means.

use thiserror::Error;

use crate::port::Position;

/// The log is not the one that was seen, or not all of it. Build nothing on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RolledBack {
    /// A shard ends before the mark: commits are lost.
    #[error("shard {shard} of the log ends at {end}, but {seen} was seen: acknowledged commits are lost")]
    Behind {
        /// The shard.
        shard: u8,
        /// Its end.
        end: u64,
        /// The mark.
        seen: u64,
    },
    /// A shard is another one than was seen: it was deleted and created again, or is another deployment's.
    #[error(
        "shard {shard} of the log is another one than was seen: it was deleted and made again, or is of another deployment"
    )]
    Recreated {
        /// The shard.
        shard: u8,
    },
    /// A shard that was seen is not there.
    #[error("shard {shard} of the log was seen and is not there")]
    Absent {
        /// The shard.
        shard: u8,
    },
}

/// Compares the end of the log with a mark. To be called before anything is built on the log.
pub fn check(seen: &Position, end: &Position) -> Result<(), RolledBack> {
    for (&shard, seen) in &seen.0 {
        let found = end.0.get(&shard).ok_or(RolledBack::Absent { shard })?;
        if found.incarnation != seen.incarnation {
            return Err(RolledBack::Recreated { shard });
        }
        if found.revision < seen.revision {
            return Err(RolledBack::Behind { shard, end: found.revision, seen: seen.revision });
        }
    }
    Ok(())
}

/// Raises a mark to what was seen now; says whether it changed. A shard of another life is left as it is:
/// [`check`] reports it.
pub fn raise(seen: &mut Position, to: &Position) -> bool {
    let mut raised = false;
    for (&shard, &there) in &to.0 {
        let higher = seen
            .0
            .get(&shard)
            .is_none_or(|here| here.incarnation == there.incarnation && here.revision < there.revision);
        if higher {
            seen.advance(shard, there);
            raised = true;
        }
    }
    raised
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::ShardPosition;

    fn at(shards: &[(u8, u64, u64)]) -> Position {
        let of = |&(shard, incarnation, revision): &_| (shard, ShardPosition { incarnation, revision });
        Position(shards.iter().map(of).collect())
    }

    #[test]
    fn a_log_that_is_where_it_was_or_further_is_whole() {
        let seen = at(&[(0, 7, 3), (1, 8, 0)]);
        assert_eq!(check(&seen, &seen), Ok(()));
        assert_eq!(check(&seen, &at(&[(0, 7, 4), (1, 8, 1), (2, 9, 9)])), Ok(()));
        assert_eq!(check(&Position::default(), &seen), Ok(()), "nothing was seen yet");
    }

    #[test]
    fn whatever_was_lost_of_it_is_named() {
        let seen = at(&[(0, 7, 3), (1, 8, 0)]);
        let behind = check(&seen, &at(&[(0, 7, 2), (1, 8, 0)]));
        assert_eq!(behind, Err(RolledBack::Behind { shard: 0, end: 2, seen: 3 }));
        let recreated = check(&seen, &at(&[(0, 7, 3), (1, 9, 5)]));
        assert_eq!(recreated, Err(RolledBack::Recreated { shard: 1 }), "even one without a commit");
        assert_eq!(check(&seen, &at(&[(0, 7, 3)])), Err(RolledBack::Absent { shard: 1 }));
    }

    #[test]
    fn a_mark_never_goes_back_and_never_takes_over_another_life() {
        let mut seen = at(&[(0, 7, 3)]);
        assert!(!raise(&mut seen, &at(&[(0, 7, 2)])));
        assert!(!raise(&mut seen, &at(&[(0, 8, 9)])));
        assert!(raise(&mut seen, &at(&[(0, 7, 4), (1, 8, 0)])));
        assert_eq!(seen, at(&[(0, 7, 4), (1, 8, 0)]));
    }
}
