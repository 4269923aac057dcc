//! Commands that are under way at this gateway, and whose they are.
//!
//! What comes faster than it is decided would wait, longer and longer, and whoever sends most would have most of what waits. So
//! there is room for so many at once, and what finds none is refused at once, which costs next to nothing: what is decided goes
//! on as fast as ever. An account may have as many as if all that have any had equal parts, and one more of them came: half of
//! the room if it is alone, a third beside another one. So there is room for whoever comes. Whoever has more than its part,
//! since it was here first, gets nothing more until it is down to that. An instance may have an eighth: what waits for one
//! instance is decided together, and one that is asked for too often leaves room to the others of its account.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use berth_proto::{AccountId, StreamKey};

use super::{failure::Failure, principal::Principal};
use crate::http::metrics;

/// Streams with as many commands as one may have fill the room.
const STREAMS: usize = 8;
/// Seconds after which whoever found no room may try again: what was under way is done then.
const RETRY_AFTER_SECONDS: u32 = 1;

/// What there is no room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoRoom {
    /// For more of one account.
    Account,
    /// For more of one instance or account as what is acted on.
    Stream,
    /// For anything more.
    Gateway,
}

/// The commands of a gateway.
#[derive(Debug)]
pub(super) struct Room {
    max: usize,
    now: Mutex<Now>,
}

#[derive(Debug, Default)]
struct Now {
    all: usize,
    /// By whose token they came. Those of the operator are nobody's.
    of_account: HashMap<AccountId, usize>,
    /// By what they are for.
    of_stream: HashMap<StreamKey, usize>,
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
    /// Room for so many.
    pub(super) fn new(max: usize) -> Self {
        Self { max, now: Mutex::default() }
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
        let refused = now.refuses(self.max, account, stream);
        if let Some(no_room) = refused {
            metrics::command_refused(no_room.whose());
            return Err(no_room);
        }
        now.all += 1;
        *now.of_stream.entry(stream).or_default() += 1;
        if let Some(account) = account {
            *now.of_account.entry(account).or_default() += 1;
        }
        metrics::commands_under_way(now.all);
        Ok(Place { in_room: Arc::clone(self), account, stream })
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Now {
    /// Why there is no room for one more; none if there is.
    fn refuses(&self, max: usize, account: Option<AccountId>, stream: StreamKey) -> Option<NoRoom> {
        let of_stream = self.of_stream.get(&stream).copied().unwrap_or_default();
        if of_stream >= (max / STREAMS).max(1) {
            return Some(NoRoom::Stream);
        }
        if let Some(account) = account {
            let of_account = self.of_account.get(&account).copied();
            let with_any = self.of_account.len() + usize::from(of_account.is_none());
            if of_account.unwrap_or_default() >= (max / (with_any + 1)).max(1) {
                return Some(NoRoom::Account);
            }
        }
        (self.all >= max).then_some(NoRoom::Gateway)
    }
}

impl NoRoom {
    const fn whose(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Stream => "instance",
            Self::Gateway => "gateway",
        }
    }
}

impl From<NoRoom> for Failure {
    fn from(no_room: NoRoom) -> Self {
        match no_room {
            NoRoom::Account | NoRoom::Stream => Self::Limited { retry_after_seconds: RETRY_AFTER_SECONDS },
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
        if let Some(account) = &self.account {
            one_less(&mut now.of_account, account);
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

    /// As many as one account may have at this moment, each for an instance of its own.
    fn fill(room: &Arc<Room>, account: u8) -> Vec<Place> {
        let of = Some(AccountId::from_bytes([account; 16]));
        let mut number = u128::from(account) << 64;
        std::iter::from_fn(|| {
            number += 1;
            room.take_for(of, StreamKey::instance(InstanceId::from_bytes(number.to_be_bytes()))).ok()
        })
        .collect()
    }

    #[test]
    fn there_is_room_for_whoever_comes() {
        let room = Arc::new(Room::new(60));
        let first = fill(&room, 1);
        assert_eq!(first.len(), 30, "half of it if it is alone");
        let second = fill(&room, 2);
        assert_eq!(second.len(), 20, "a third beside another one");
        assert_eq!(fill(&room, 1).len(), 0, "the first has more than its part");
        drop(first);
        assert_eq!(fill(&room, 1).len(), 20);
        drop(second);
        assert!(room.now().of_account.is_empty() && room.now().of_stream.is_empty());
        assert_eq!(room.now().all, 0);
    }

    #[test]
    fn one_instance_leaves_room_to_the_others_of_its_account() {
        let room = Arc::new(Room::new(80));
        let account = Some(AccountId::from_bytes([1; 16]));
        let hot = StreamKey::instance(InstanceId::from_bytes([7; 16]));
        let held: Vec<_> = std::iter::from_fn(|| room.take_for(account, hot).ok()).collect();
        assert_eq!(held.len(), 10, "an eighth");
        assert_eq!(room.take_for(account, hot).unwrap_err(), NoRoom::Stream);
        assert_eq!(fill(&room, 1).len(), 30);
        assert!(room.take_for(None, hot).is_err(), "whoever asks for it");
    }

    #[test]
    fn nobody_has_more_than_there_is() {
        let room = Arc::new(Room::new(10));
        let held: Vec<_> = (1..=20).map(|account| fill(&room, account)).collect();
        assert_eq!(held.iter().map(Vec::len).sum::<usize>(), 10);
        let operator = room.take_for(None, StreamKey::account(AccountId::from_bytes([3; 16])));
        assert_eq!(operator.unwrap_err(), NoRoom::Gateway);
    }
}
