//! Commands that are under way at this gateway, and whose they are.
//!
//! What comes faster than it is decided would wait, longer and longer, and whoever sends most would have most of what waits. So
//! there is room for so many at once, and what finds none in its account's part waits for a moment, first come, first served, and
//! as many as have room at most; then it is refused: what is decided goes on as fast as ever. Whoever is refused asks again, and a
//! refusal is not for nothing either, so that without that moment refusals took the processor from what is decided; and the moment
//! bridges a disk that stalls. What finds an instance or the whole of the room taken is refused at once.
//!
//! An account may have as many as if all that have any had equal parts, and one more of them came: half of the room if it is alone,
//! a third beside another one. So there is room for whoever comes, who has its part at once: whoever has more than its own, since it
//! was here first, gets nothing more until it is down to that, and until then there may be more than the room holds, twice as many at
//! most. The operator's are beside those, as many as the room holds. An instance may have an eighth: what waits for one instance is
//! decided together, and one that is asked for too often leaves room to the others of its account. A shard of the log may have twice
//! as many of a part as stay free of it: one that decides nothing, since its stream has no leader, is full at two thirds and leaves the
//! rest to the others, while those that all decide are bounded by little else than the part.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use berth_proto::{AccountId, StreamKey};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout},
};

use super::{failure::Failure, principal::Principal};
use crate::http::metrics;

/// Streams with as many commands as one may have fill the room.
const STREAMS: usize = 8;
/// So many times as many as stay free of a part may be for one shard: a switch gives its queues of what they share by the same
/// rule, since it needs to know of no queue whether it moves.
const SHARD_TO_FREE: usize = 2;
/// So many times the room are under way at most, while whoever was here first has more than its part.
const OVER_MAX: usize = 2;
/// How long what finds no room in its account's part, or in what that has for a shard, waits for one of that account's to be done.
const WAIT_MAX: Duration = Duration::from_millis(100);
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
    /// What waits, by whose it is: a line for each shard, some of which may have given up.
    waiting: HashMap<AccountId, Vec<VecDeque<Waiting>>>,
}

/// A command that waits.
#[derive(Debug)]
struct Waiting {
    stream: StreamKey,
    since: Instant,
    told: oneshot::Sender<Result<Place, NoRoom>>,
}

/// What becomes of a command that comes.
#[derive(Debug)]
enum Entered {
    In(Place),
    /// In line, and why.
    Waits(NoRoom, oneshot::Receiver<Result<Place, NoRoom>>),
}

/// A place for a command that waited for it, to be told when nothing is locked.
type Given = (oneshot::Sender<Result<Place, NoRoom>>, Place);

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

    /// A place for one more command for a stream. Where its account's part is taken, or that of the stream's shard, it waits for one,
    /// up to [`WAIT_MAX`].
    pub(super) async fn take(
        self: &Arc<Self>,
        principal: &Principal,
        stream: StreamKey,
    ) -> Result<Place, NoRoom> {
        let account = match *principal {
            Principal::Root | Principal::Operator { .. } => None,
            Principal::Account { account, .. } | Principal::Instance { account, .. } => Some(account),
        };
        let entered = self.now().comes(self, account, stream);
        let taken = match entered {
            Ok(Entered::In(place)) => Ok(place),
            Ok(Entered::Waits(why, told)) => match timeout(WAIT_MAX, told).await {
                Ok(Ok(told)) => told,
                Ok(Err(_)) | Err(_) => Err(why),
            },
            Err(no_room) => Err(no_room),
        };
        taken.inspect_err(|no_room| metrics::command_refused(no_room.whose()))
    }

    fn shard(&self, stream: StreamKey) -> u8 {
        stream.partition().shard(self.shards)
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Now {
    fn comes(
        &mut self,
        room: &Arc<Room>,
        account: Option<AccountId>,
        stream: StreamKey,
    ) -> Result<Entered, NoRoom> {
        let has_line = account.is_some_and(|account| self.has_line(account, room.shard(stream)));
        let refused = self.refuses(room, account, stream).or(has_line.then_some(NoRoom::Account));
        match (refused, account) {
            (None, _) => Ok(Entered::In(self.enters(room, account, stream))),
            (Some(why @ (NoRoom::Account | NoRoom::Shard(_))), Some(account)) => {
                let told = self.lines_up(room, account, stream).ok_or(why)?;
                Ok(Entered::Waits(why, told))
            }
            (Some(no_room), _) => Err(no_room),
        }
    }

    /// Whether somebody waits there already.
    fn has_line(&mut self, account: AccountId, shard: u8) -> bool {
        let line = self.waiting.get_mut(&account).and_then(|lines| lines.get_mut(usize::from(shard)));
        line.is_some_and(|line| {
            forget_first_gone(line);
            !line.is_empty()
        })
    }

    /// The end of the line of a shard; none if as many wait there as may.
    fn lines_up(
        &mut self,
        room: &Arc<Room>,
        account: AccountId,
        stream: StreamKey,
    ) -> Option<oneshot::Receiver<Result<Place, NoRoom>>> {
        let (_, part, _) = self.part(room, Some(account));
        let shards = usize::from(room.shards);
        let lines =
            self.waiting.entry(account).or_insert_with(|| (0..shards).map(|_| VecDeque::new()).collect());
        let line = lines.get_mut(usize::from(room.shard(stream)))?;
        let max = (part / shards).max(1);
        if line.len() >= max {
            line.retain(|waiting| !waiting.told.is_closed());
        }
        if line.len() >= max {
            return None;
        }
        let (told, hears) = oneshot::channel();
        line.push_back(Waiting { stream, since: Instant::now(), told });
        Some(hears)
    }

    /// Places for those of an account that wait longest, as far as there are any. What has to be refused for another reason is.
    fn gives(&mut self, room: &Arc<Room>, account: AccountId, given: &mut Vec<Given>) {
        let Some(mut lines) = self.waiting.remove(&account) else { return };
        while let Some(first) = self.first_that_fits(room, account, &mut lines) {
            given.push((first.told, self.enters(room, Some(account), first.stream)));
        }
        if lines.iter().any(|line| !line.is_empty()) {
            self.waiting.insert(account, lines);
        }
    }

    fn first_that_fits(
        &self,
        room: &Room,
        account: AccountId,
        lines: &mut [VecDeque<Waiting>],
    ) -> Option<Waiting> {
        let mut first: Option<(Instant, &mut VecDeque<Waiting>)> = None;
        for line in lines {
            let since = loop {
                forget_first_gone(line);
                let Some(head) = line.front() else { break None };
                match self.refuses(room, Some(account), head.stream) {
                    None => break Some(head.since),
                    Some(NoRoom::Account | NoRoom::Shard(_)) => break None,
                    Some(other) => {
                        let _gone = line.pop_front().map(|head| head.told.send(Err(other)));
                    }
                }
            };
            if let Some(since) = since
                && first.as_ref().is_none_or(|(earliest, _)| since < *earliest)
            {
                first = Some((since, line));
            }
        }
        first.and_then(|(_, line)| line.pop_front())
    }

    fn enters(&mut self, room: &Arc<Room>, account: Option<AccountId>, stream: StreamKey) -> Place {
        self.all += 1;
        *self.of_stream.entry(stream).or_default() += 1;
        *self.of_shard.entry((account, room.shard(stream))).or_default() += 1;
        match account {
            Some(account) => *self.of_account.entry(account).or_default() += 1,
            None => self.of_operator += 1,
        }
        metrics::commands_under_way(self.all);
        Place { in_room: Arc::clone(room), account, stream }
    }

    /// Takes a place back, and gives those that it lets in one.
    fn leaves(&mut self, place: &Place) -> Vec<Given> {
        self.all = self.all.saturating_sub(1);
        metrics::commands_under_way(self.all);
        one_less(&mut self.of_stream, &place.stream);
        one_less(&mut self.of_shard, &(place.account, place.in_room.shard(place.stream)));
        match &place.account {
            Some(account) => one_less(&mut self.of_account, account),
            None => self.of_operator = self.of_operator.saturating_sub(1),
        }
        let mut given = Vec::new();
        let Some(account) = place.account else { return given };
        self.gives(&place.in_room, account, &mut given);
        if !self.of_account.contains_key(&account) {
            // Its part is the others' now.
            let others: Vec<_> = self.waiting.keys().copied().collect();
            for other in others {
                self.gives(&place.in_room, other, &mut given);
            }
        }
        given
    }

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
        let given = self.in_room.now().leaves(self);
        for (waiting, place) in given {
            // Whoever gave up meanwhile leaves the place again, to the next one.
            let _left = waiting.send(Ok(place));
        }
    }
}

/// Takes those from the front of a line that gave up.
fn forget_first_gone(line: &mut VecDeque<Waiting>) {
    while line.front().is_some_and(|head| head.told.is_closed()) {
        line.pop_front();
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
mod tests;
