//! Commands that are under way at this gateway, and whose they are.
//!
//! What comes faster than it is decided would wait, longer and longer, and whoever sends most would have most of what waits. So
//! there is room for so many at once, and what finds none is refused at once, which costs next to nothing: what is decided goes
//! on as fast as ever. An account may have as many as if all that have any had equal parts, and one more of them came: half of
//! the room if it is alone, a third beside another one. So there is room for whoever comes, who has its part at once: whoever has
//! more than its own, since it was here first, gets nothing more until it is down to that, and until then there may be more than
//! the room holds, twice as many at most. The operator's are beside those, as many as the room holds. An instance may have an eighth: what waits for one instance is decided together, and one
//! that is asked for too often leaves room to the others of its account. A shard of the log may have twice as many of a part as
//! stay free of it: one that decides nothing, since its stream has no leader, is full at two thirds and leaves the rest to the
//! others, while those that all decide are bounded by little else than the part.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use berth_proto::{AccountId, StreamKey};

use super::{failure::Failure, principal::Principal};
use crate::http::metrics;

/// Streams with as many commands as one may have fill the room.
const STREAMS: usize = 8;
/// So many times as many as stay free of a part may be for one shard: a switch gives its queues of what they share by the same
/// rule, since it needs to know of no queue whether it moves.
const SHARD_TO_FREE: usize = 2;
/// So many times the room are under way at most, while whoever was here first has more than its part.
const OVER_MAX: usize = 2;
/// Seconds after which whoever found no room may try again: what was under way is done then.
const RETRY_AFTER_SECONDS: u32 = 1;

/// What there is no room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoRoom {
    /// For more of one account.
    Account,
    /// For more of one instance or account as what is acted on.
    Stream,
    /// For more that this shard of the log is to have decided.
    Shard(u8),
    /// For anything more.
    Gateway,
}

/// The commands of a gateway.
#[derive(Debug)]
pub(super) struct Room {
    max: usize,
    /// Shards of the log.
    shards: u8,
    now: Mutex<Now>,
}

#[derive(Debug, Default)]
struct Now {
    all: usize,
    /// By whose token they came.
    of_account: HashMap<AccountId, usize>,
    /// Those of the operator, who must get through whatever accounts do.
    of_operator: usize,
    /// By what they are for.
    of_stream: HashMap<StreamKey, usize>,
    /// By whose they are and which shard they are for.
    of_shard: HashMap<(Option<AccountId>, u8), usize>,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    in_room: Arc<Room>,
    account: Option<AccountId>,
    stream: StreamKey,
}

// === impl Room ===

impl Room {
    /// Room for so many, before a log of so many shards.
    pub(super) fn new(max: usize, shards: u8) -> Self {
        Self { max, shards, now: Mutex::default() }
    }

    /// A place for one more command for a stream, if there is one.
    pub(super) fn take(self: &Arc<Self>, principal: &Principal, stream: StreamKey) -> Result<Place, NoRoom> {
        let account = match *principal {
            Principal::Root | Principal::Operator { .. } => None,
            Principal::Account { account, .. } | Principal::Instance { account, .. } => Some(account),
        };
        self.take_for(account, stream)
    }

    fn take_for(self: &Arc<Self>, account: Option<AccountId>, stream: StreamKey) -> Result<Place, NoRoom> {
        let mut now = self.now();
        let refused = now.refuses(self, account, stream);
        if let Some(no_room) = refused {
            metrics::command_refused(no_room.whose());
            return Err(no_room);
        }
        now.all += 1;
        *now.of_stream.entry(stream).or_default() += 1;
        *now.of_shard.entry((account, self.shard(stream))).or_default() += 1;
        match account {
            Some(account) => *now.of_account.entry(account).or_default() += 1,
            None => now.of_operator += 1,
        }
        metrics::commands_under_way(now.all);
        Ok(Place { in_room: Arc::clone(self), account, stream })
    }

    fn shard(&self, stream: StreamKey) -> u8 {
        stream.partition().shard(self.shards)
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Now {
    /// Why there is no room for one more; none if there is.
    fn refuses(&self, room: &Room, account: Option<AccountId>, stream: StreamKey) -> Option<NoRoom> {
        let of_stream = self.of_stream.get(&stream).copied().unwrap_or_default();
        if of_stream >= (room.max / STREAMS).max(1) {
            return Some(NoRoom::Stream);
        }
        let (has, part, all_max) = self.part(room, account);
        if has >= part {
            return Some(if account.is_some() { NoRoom::Account } else { NoRoom::Gateway });
        }
        if self.all >= all_max {
            return Some(NoRoom::Gateway);
        }
        let shard = room.shard(stream);
        let of_shard = self.of_shard.get(&(account, shard)).copied().unwrap_or_default();
        (room.shards > 1 && of_shard >= SHARD_TO_FREE * (part - has)).then_some(NoRoom::Shard(shard))
    }

    /// How many somebody has, how many it may have, and with how many of everybody's the next one of its is still let in.
    fn part(&self, room: &Room, account: Option<AccountId>) -> (usize, usize, usize) {
        let Some(account) = account else { return (self.of_operator, room.max, usize::MAX) };
        let of_account = self.of_account.get(&account).copied();
        let with_any = self.of_account.len() + usize::from(of_account.is_none());
        match room.max / (with_any + 1) {
            // More accounts than there is room for: one each, as far as it goes.
            0 => (of_account.unwrap_or_default(), 1, room.max),
            part => (of_account.unwrap_or_default(), part, OVER_MAX * room.max),
        }
    }
}

impl NoRoom {
    const fn whose(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Stream => "instance",
            Self::Shard(_) => "shard",
            Self::Gateway => "gateway",
        }
    }
}

impl From<NoRoom> for Failure {
    fn from(no_room: NoRoom) -> Self {
        match no_room {
            NoRoom::Account | NoRoom::Stream | NoRoom::Shard(_) => {
                Self::Limited { retry_after_seconds: RETRY_AFTER_SECONDS }
            }
            NoRoom::Gateway => {
                // A line for each would cost more than what was saved: they are counted.
                Self::Unavailable { part: "room for one more command", source: None }
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut now = self.in_room.now();
        now.all = now.all.saturating_sub(1);
        metrics::commands_under_way(now.all);
        one_less(&mut now.of_stream, &self.stream);
        one_less(&mut now.of_shard, &(self.account, self.in_room.shard(self.stream)));
        match &self.account {
            Some(account) => one_less(&mut now.of_account, account),
            None => now.of_operator = now.of_operator.saturating_sub(1),
        }
    }
}

/// Nothing is kept of what has none.
fn one_less<K: std::hash::Hash + Eq>(of: &mut HashMap<K, usize>, key: &K) {
    let left = of.get_mut(key).map(|count| {
        *count = count.saturating_sub(1);
        *count
    });
    if left == Some(0) {
        of.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use berth_proto::InstanceId;

    use super::*;

    /// Instances of an account, each another one.
    fn instances(account: u8) -> impl Iterator<Item = StreamKey> {
        let first = u128::from(account) << 64;
        (first..first + 10_000)
            .map(|number| StreamKey::instance(InstanceId::from_bytes(number.to_be_bytes())))
    }

    /// As many as one account may have at this moment for these, one for each.
    fn fill_with(room: &Arc<Room>, account: u8, streams: impl Iterator<Item = StreamKey>) -> Vec<Place> {
        let of = Some(AccountId::from_bytes([account; 16]));
        streams.filter_map(|stream| room.take_for(of, stream).ok()).collect()
    }

    fn fill(room: &Arc<Room>, account: u8) -> Vec<Place> {
        fill_with(room, account, instances(account))
    }

    /// Those instances of an account that are of the first shard, or of the others.
    fn of_first_shard(room: &Arc<Room>, account: u8, wanted: bool) -> impl Iterator<Item = StreamKey> {
        let room = Arc::clone(room);
        instances(account).filter(move |stream| (room.shard(*stream) == 0) == wanted)
    }

    fn is_empty(room: &Room) -> bool {
        let now = room.now();
        now.all == 0 && now.of_account.is_empty() && now.of_stream.is_empty() && now.of_shard.is_empty()
    }

    #[test]
    fn there_is_room_for_whoever_comes() {
        let room = Arc::new(Room::new(60, 1));
        let first = fill(&room, 1);
        assert_eq!(first.len(), 30, "half of it if it is alone");
        let second = fill(&room, 2);
        assert_eq!(second.len(), 20, "a third beside another one");
        assert_eq!(fill(&room, 1).len(), 0, "the first has more than its part");
        drop(first);
        assert_eq!(fill(&room, 1).len(), 20);
        drop(second);
        assert!(is_empty(&room));
    }

    #[test]
    fn whoever_comes_late_has_its_part_at_once() {
        let room = Arc::new(Room::new(60, 1));
        let held: Vec<_> = (1..=20).map(|account| fill(&room, account)).collect();
        for (before, places) in held.iter().enumerate().take(8) {
            assert_eq!(places.len(), 60 / (before + 2), "as if the others had no more than theirs");
        }
        assert_eq!(
            held.iter().map(Vec::len).sum::<usize>(),
            120,
            "and twice as many as there is room for at most"
        );
        let late = Some(AccountId::from_bytes([21; 16]));
        assert_eq!(room.take_for(late, instances(21).next().unwrap()).unwrap_err(), NoRoom::Gateway);
        drop(room.take_for(None, instances(21).next().unwrap()).expect("the operator gets through"));
        drop(held);
        assert!(is_empty(&room));
    }

    #[test]
    fn one_instance_leaves_room_to_the_others_of_its_account() {
        let room = Arc::new(Room::new(80, 1));
        let account = Some(AccountId::from_bytes([1; 16]));
        let hot = StreamKey::instance(InstanceId::from_bytes([7; 16]));
        let held: Vec<_> = std::iter::from_fn(|| room.take_for(account, hot).ok()).collect();
        assert_eq!(held.len(), 10, "an eighth");
        assert_eq!(room.take_for(account, hot).unwrap_err(), NoRoom::Stream);
        assert_eq!(fill(&room, 1).len(), 30);
        assert!(room.take_for(None, hot).is_err(), "whoever asks for it");
    }

    #[test]
    fn a_shard_that_decides_nothing_leaves_room_to_the_others() {
        let room = Arc::new(Room::new(120, 4));
        let stuck = fill_with(&room, 1, of_first_shard(&room, 1, true));
        assert_eq!(stuck.len(), 40, "two thirds of what the account may have");
        let account = Some(AccountId::from_bytes([1; 16]));
        let one_more = of_first_shard(&room, 1, true).nth(50).unwrap();
        assert_eq!(room.take_for(account, one_more).unwrap_err(), NoRoom::Shard(0));
        // Again and again, as the others are decided.
        for _ in 0..3 {
            assert_eq!(fill_with(&room, 1, of_first_shard(&room, 1, false)).len(), 18);
        }
        let beside = fill_with(&room, 2, of_first_shard(&room, 2, false));
        assert_eq!(beside.len(), 35, "nothing of it is another account's");
        drop(beside);
        let of_operator: Vec<_> =
            of_first_shard(&room, 3, true).filter_map(|stream| room.take_for(None, stream).ok()).collect();
        assert_eq!(of_operator.len(), 80, "two thirds of what the operator may have");
        room.take_for(None, of_first_shard(&room, 3, false).next().unwrap()).unwrap();
        drop((stuck, of_operator));
        assert!(is_empty(&room));
    }

    #[test]
    fn shards_that_all_decide_share_nearly_all_of_it() {
        let room = Arc::new(Room::new(360, 4));
        let held = fill(&room, 1).len();
        assert!((150..=180).contains(&held), "{held} of half of it");
    }

    #[test]
    fn nobody_has_more_than_there_is() {
        let room = Arc::new(Room::new(10, 1));
        let held: Vec<_> = (1..=40).map(|account| fill(&room, account)).collect();
        let all = held.iter().map(Vec::len).sum::<usize>();
        assert!((10..=20).contains(&all), "{all}");
        let of_operator: Vec<_> =
            instances(0).filter_map(|stream| room.take_for(None, stream).ok()).collect();
        assert_eq!(of_operator.len(), 10, "and the operator its own");
    }
}
