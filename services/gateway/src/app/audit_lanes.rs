//! The shards of the log side by side, read backwards: what was found in each, told in the order in which it happened.
//!
//! What was found in one shard may be told once nothing newer can be left in another: so each lane knows down to which moment
//! it was looked at.

use std::collections::{BTreeMap, VecDeque};

use berth_log::{Position, ShardPosition};
use berth_proto::Timestamp;

/// A shard.
#[derive(Debug)]
struct Lane<T> {
    incarnation: u64,
    /// Everything behind this revision was looked at.
    reached: u64,
    /// The oldest moment that was looked at.
    floor: Option<Timestamp>,
    /// Whether nothing that is left can be wanted.
    is_over: bool,
    /// What was found and not told, the newest first.
    found: VecDeque<Found<T>>,
}

/// What was found in a commit.
#[derive(Debug)]
pub(super) struct Found<T> {
    pub(super) revision: u64,
    pub(super) at: Timestamp,
    pub(super) what: T,
}

/// The shards.
#[derive(Debug)]
pub(super) struct Lanes<T>(BTreeMap<u8, Lane<T>>);

/// What a look at a shard came to.
#[derive(Debug)]
pub(super) struct Looked<T> {
    /// In the order of the log.
    pub(super) found: Vec<Found<T>>,
    /// The oldest moment.
    pub(super) floor: Option<Timestamp>,
    /// Whether what lies before it is too old.
    pub(super) is_over: bool,
}

impl<T> Lanes<T> {
    /// Before these places.
    pub(super) fn new(before: &Position) -> Self {
        let lane = |place: &ShardPosition| Lane {
            incarnation: place.incarnation,
            reached: place.revision,
            floor: None,
            is_over: place.revision == 0,
            found: VecDeque::new(),
        };
        Self(before.0.iter().map(|(shard, place)| (*shard, lane(place))).collect())
    }

    /// Whether everything was looked at.
    pub(super) fn are_over(&self) -> bool {
        self.0.values().all(|lane| lane.is_over)
    }

    /// The next part to look at, at most so many places of each shard that is not over.
    pub(super) fn next_part(&self, places: u64) -> (Position, Position) {
        let (mut from, mut to) = (Position::default(), Position::default());
        for (shard, lane) in &self.0 {
            let at = |revision| ShardPosition { incarnation: lane.incarnation, revision };
            let begin = if lane.is_over { lane.reached } else { lane.reached.saturating_sub(places) };
            from.advance(*shard, at(begin));
            to.advance(*shard, at(lane.reached));
        }
        (from, to)
    }

    /// Notes what a look at the part that begins here came to; the number of places that were looked at.
    pub(super) fn note(&mut self, from: &Position, mut looked: impl FnMut(u8) -> Looked<T>) -> u64 {
        let mut places = 0;
        for (shard, lane) in self.0.iter_mut().filter(|(_, lane)| !lane.is_over) {
            let Some(begin) = from.0.get(shard) else { continue };
            let Looked { found, floor, is_over } = looked(*shard);
            places += lane.reached - begin.revision;
            lane.reached = begin.revision;
            lane.floor = floor.or(lane.floor);
            lane.is_over = is_over || begin.revision == 0;
            lane.found.extend(found.into_iter().rev());
        }
        places
    }

    /// The newest that may be told now.
    pub(super) fn tell(&mut self) -> Option<Found<T>> {
        let heads = self.0.iter().filter_map(|(shard, lane)| Some((lane.found.front()?.at, *shard)));
        let (at, shard) = heads.max()?;
        let mut open = self.0.values().filter(|lane| !lane.is_over);
        if open.any(|lane| lane.floor.is_none_or(|floor| floor > at)) {
            return None;
        }
        self.0.get_mut(&shard)?.found.pop_front()
    }

    /// Down to which moment everything was looked at; none if that cannot be said.
    pub(super) fn floor(&self) -> Option<Timestamp> {
        let open = self.0.values().filter(|lane| !lane.is_over);
        let floors: Option<Vec<Timestamp>> = open.map(|lane| lane.floor).collect();
        floors?.into_iter().max()
    }

    /// Where to go on; none if there is nothing more.
    pub(super) fn rest(&self) -> Option<Position> {
        let is_done = |lane: &Lane<T>| lane.is_over && lane.found.is_empty();
        if self.0.values().all(is_done) {
            return None;
        }
        let mut rest = Position::default();
        for (shard, lane) in &self.0 {
            let left = if lane.is_over { 0 } else { lane.reached };
            let revision = lane.found.front().map_or(left, |found| found.revision);
            rest.advance(*shard, ShardPosition { incarnation: lane.incarnation, revision });
        }
        Some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(revision: u64) -> ShardPosition {
        ShardPosition { incarnation: 1, revision }
    }

    fn ends(ends: &[u64]) -> Position {
        Position((0..).zip(ends.iter().map(|end| place(*end))).collect())
    }

    /// What a shard has: the moment of each revision from 1 on.
    fn look(shards: &[&[i64]], from: &Position, to: &Position, shard: u8) -> Looked<&'static str> {
        let moments = shards[usize::from(shard)];
        let (begin, end) = (from.0[&shard].revision, to.0[&shard].revision);
        let found = (begin + 1..=end).map(|revision| {
            let at = Timestamp(moments[usize::try_from(revision).unwrap() - 1]);
            Found { revision, at, what: "" }
        });
        let found: Vec<_> = found.collect();
        Looked { floor: found.first().map(|it| it.at), found, is_over: false }
    }

    fn told(shards: &[&[i64]], places: u64, most: usize) -> (Vec<i64>, Option<Position>) {
        let lengths: Vec<u64> = shards.iter().map(|it| it.len() as u64).collect();
        let mut before = Some(ends(&lengths));
        let mut told = Vec::new();
        while let Some(here) = before.take() {
            let mut lanes = Lanes::new(&here);
            let mut page = 0;
            loop {
                while page < most
                    && let Some(found) = lanes.tell()
                {
                    told.push(found.at.0);
                    page += 1;
                }
                if page == most || lanes.are_over() {
                    break;
                }
                let (from, to) = lanes.next_part(places);
                lanes.note(&from, |shard| look(shards, &from, &to, shard));
            }
            before = lanes.rest();
        }
        (told, before)
    }

    #[test]
    fn shards_are_told_as_one_newest_first_whatever_the_parts_and_pages() {
        let shards: [&[i64]; 3] = [&[1, 4, 9, 12], &[2, 3, 20], &[]];
        let expected = vec![20, 12, 9, 4, 3, 2, 1];
        for places in [1, 2, 100] {
            for most in [1, 2, 3, 100] {
                let (all, rest) = told(&shards, places, most);
                assert_eq!(all, expected, "{places} places, {most} a page");
                assert_eq!(rest, None);
            }
        }
    }

    #[test]
    fn nothing_is_left_out_or_told_twice_where_a_clock_went_back() {
        let shards: [&[i64]; 2] = [&[5, 9, 2, 7], &[6, 1, 8]];
        for places in [1, 3] {
            for most in [1, 2] {
                let (mut all, _) = told(&shards, places, most);
                all.sort_unstable();
                assert_eq!(all, [1, 2, 5, 6, 7, 8, 9], "{places} places, {most} a page");
            }
        }
    }
}
