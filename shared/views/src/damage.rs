//! What rows lack: commits that the log could not give or that the fold could not read, place by place.
//!
//! Rows that are built beside others may lack more than these, if an operator accepts it. What is accepted has a number that follows
//! from the view and the places, and from nothing else: the same for every process with the same program, another one as soon as
//! one commit more is damaged.

use std::fmt;

use berth_proto::{Hash, views::DamageNumber};
use serde::{Deserialize, Serialize};

/// Stretches that are remembered one by one: of more, only their number and digest are compared.
const STRETCHES_MAX: usize = 64;
/// Stretches that are named in words.
const NAMED_MAX: usize = 6;

/// Commits of a shard that stand one behind the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stretch {
    shard: u8,
    first: u64,
    last: u64,
}

/// What rows lack.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Damage {
    /// How many commits.
    commits: u64,
    /// The sum of the hashes of their places: it does not depend on the order in which shards are read, nor in which pieces.
    sum: u64,
    /// Where they stand, each shard in its order; of the later ones not all.
    stretches: Vec<Stretch>,
}

// === impl Damage ===

impl Damage {
    /// Adds commits of a life of a shard, which come after all that were added of it.
    pub(crate) fn add(&mut self, view: &str, shard: u8, incarnation: u64, (first, last): (u64, u64)) {
        let key = key(view, shard, incarnation);
        let hashes = (first..=last).map(|revision| mixed(key.wrapping_add(revision)));
        self.sum = hashes.fold(self.sum, u64::wrapping_add);
        self.commits += last - first + 1;
        let has_room = self.stretches.len() < STRETCHES_MAX;
        match self.stretches.iter_mut().rev().find(|stretch| stretch.shard == shard) {
            Some(before) if before.last + 1 == first => before.last = last,
            _ if has_room => self.stretches.push(Stretch { shard, first, last }),
            _ => {}
        }
    }

    pub(crate) const fn commits(&self) -> u64 {
        self.commits
    }

    /// By which an operator accepts it.
    pub(crate) fn number(&self) -> DamageNumber {
        DamageNumber { commits: self.commits, digest: self.sum }
    }

    /// Whether other rows lack all of it too.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        if self.commits == other.commits {
            return self.sum == other.sum;
        }
        let is_there = |ours: &Stretch| {
            let holds = |theirs: &Stretch| {
                theirs.shard == ours.shard && theirs.first <= ours.first && ours.last <= theirs.last
            };
            other.stretches.iter().any(holds)
        };
        self.knows_all() && self.stretches.iter().all(is_there)
    }

    /// Whether each place is remembered.
    fn knows_all(&self) -> bool {
        self.stretches.iter().map(|stretch| stretch.last - stretch.first + 1).sum::<u64>() == self.commits
    }
}

/// Where the commits stand.
impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut named = 0;
        for (at, Stretch { shard, first, last }) in self.stretches.iter().take(NAMED_MAX).enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            if first == last {
                write!(f, "{comma}{first} of shard {shard}")?;
            } else {
                write!(f, "{comma}{first} to {last} of shard {shard}")?;
            }
            named += last - first + 1;
        }
        if named < self.commits { write!(f, " and {} more", self.commits - named) } else { Ok(()) }
    }
}

/// Where the hashes of a life of a shard begin, in a view.
fn key(view: &str, shard: u8, incarnation: u64) -> u64 {
    let hash = Hash::over(b"berth.v1.lacking", &[view.as_bytes(), &[shard], &incarnation.to_be_bytes()]).0;
    hash.iter().take(size_of::<u64>()).fold(0, |key, byte| (key << 8) | u64::from(*byte))
}

/// A number that has nothing of the one it is made of (the end of `SplitMix64`). Nobody gains by two damages with one number, and
/// millions of commits may be missing at once.
const fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The damage of these stretches: their shard, first and last.
    fn damage(stretches: &[(u8, u64, u64)]) -> Damage {
        let mut damage = Damage::default();
        for &(shard, first, last) in stretches {
            damage.add("records", shard, 1, (first, last));
        }
        damage
    }

    #[test]
    fn the_number_follows_from_the_places_in_whatever_order_and_pieces_they_are_met() {
        let whole = damage(&[(0, 3, 5), (1, 7, 7)]);
        let pieces = damage(&[(1, 7, 7), (0, 3, 3), (0, 4, 5)]);
        assert_eq!(whole.number(), pieces.number());
        assert_eq!(whole.number().commits, 4);
        let others = [damage(&[(0, 3, 5), (1, 8, 8)]), damage(&[(0, 3, 5), (2, 7, 7)]), damage(&[(0, 3, 6)])];
        for other in others {
            assert_ne!(whole.number(), other.number());
        }
        let mut of_another_view = Damage::default();
        of_another_view.add("agenda", 0, 1, (3, 5));
        of_another_view.add("agenda", 1, 1, (7, 7));
        assert_ne!(whole.number(), of_another_view.number());
    }

    #[test]
    fn rows_lack_no_more_if_others_lack_each_of_their_places() {
        let former = damage(&[(0, 3, 5), (1, 7, 7)]);
        for within in [&[(0, 4, 5)][..], &[(1, 7, 7)], &[(0, 3, 5), (1, 7, 7)], &[]] {
            assert!(damage(within).is_within(&former), "{within:?}");
        }
        for beyond in [&[(0, 5, 6)][..], &[(1, 8, 8)], &[(0, 3, 6)], &[(0, 3, 5), (1, 7, 8)]] {
            assert!(!damage(beyond).is_within(&former), "{beyond:?}");
        }
        assert!(!former.is_within(&Damage::default()));
    }

    #[test]
    fn of_more_stretches_than_are_remembered_the_digest_tells() {
        let scattered = |count: u64| {
            let stretches: Vec<_> = (0..count).map(|at| (0, at * 2, at * 2)).collect();
            damage(&stretches)
        };
        let many = scattered(200);
        assert!(many.is_within(&scattered(200)) && !many.is_within(&scattered(201)));
        assert_eq!(many.to_string().split(", ").count(), NAMED_MAX);
        assert!(many.to_string().ends_with(" and 194 more"), "{many}");
        assert_eq!(damage(&[(0, 3, 5), (1, 7, 7)]).to_string(), "3 to 5 of shard 0, 7 of shard 1");
    }
}
