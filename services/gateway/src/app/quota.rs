//! Quotas: how many commands and reads an instance's token and an account have in a minute.
//!
//! Commands are counted over all gateways, which together never let through more than the quota. A gateway does not
//! ask the shared counter for each: it takes a share of the quota and works through that, so that a busy client waits
//! for the counter once in many commands. What a gateway has not used when the minute ends is lost, at most one share
//! for each gateway. Reads are counted by each gateway alone, since counting one elsewhere would cost what it does.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use berth_bus::{KeyRing, Volatile};
use berth_proto::StreamId;
use berth_runtime::Clock;
use lru::LruCache;
use tokio::time::timeout;
use tracing::warn;

use super::{call::Call, failure::Failure, principal::Principal, rate::Window};

/// The window that quotas are counted in.
const WINDOW_SECONDS: u32 = 60;
/// The part of a quota that a gateway takes at once: this many make the whole.
const SHARES: u32 = 64;
/// Commands of the largest share: it saves no more waiting beyond.
const SHARE_MAX: u32 = 1_024;
/// How long a command waits for the shared counter before its gateway counts alone.
const COUNT_MAX: Duration = Duration::from_millis(500);
/// Instances and accounts that are counted at once, the last ones: about 200 bytes each.
const SLOTS_MAX: NonZeroUsize = NonZeroUsize::new(65_536).unwrap();

/// Requests in a minute; 0 is no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quotas {
    /// Commands that come with the token of one instance, over all gateways.
    pub instance_commands: u32,
    /// Commands that come with any token of one account, over all gateways.
    pub account_commands: u32,
    /// Reads that come with the token of one instance, for each gateway.
    pub instance_reads: u32,
    /// Reads that come with any token of one account, for each gateway.
    pub account_reads: u32,
}

/// What a request is counted as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Spending {
    /// It may write to the log.
    Command,
    /// It does not.
    Read,
}

/// What is left of a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// The name of the quota.
    pub name: &'static str,
    /// Requests in a window.
    pub limit: u32,
    /// Its window.
    pub window_seconds: u32,
    /// Requests that are left in this window, as far as this gateway knows.
    pub remaining: u32,
    /// Until the next window begins.
    pub resets_in_seconds: u32,
}

/// A quota of somebody.
#[derive(Debug, Clone, Copy)]
struct Quota {
    of: Of,
    limit: u32,
}

/// Whose quota it is, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Of {
    name: &'static str,
    /// An instance or an account.
    id: StreamId,
}

/// The quotas that a request counts against, as they were looked up once for it.
#[derive(Debug, Clone)]
pub struct Tally {
    on: Spending,
    /// The narrower first.
    parts: [Option<Part>; 2],
}

impl Tally {
    fn parts(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().flatten()
    }
}

/// A quota, and what this gateway took of it.
#[derive(Debug, Clone)]
struct Part {
    quota: Quota,
    slot: Arc<Slot>,
}

/// What this gateway took of quotas.
#[derive(Debug)]
pub(super) struct Shares {
    slots: Mutex<LruCache<Of, Arc<Slot>>>,
}

#[derive(Debug, Default)]
struct Slot {
    /// Written by each request that is counted.
    share: Mutex<Share>,
    /// Held by the request that asks the shared counter for all that wait.
    asks: tokio::sync::Mutex<()>,
}

/// A share of a quota in one window.
#[derive(Debug, Clone, Copy, Default)]
struct Share {
    /// When the window began.
    window: i64,
    /// What this gateway took and has not used.
    left: u32,
    /// What this gateway took.
    here: u32,
    /// What all gateways took, as this one last heard.
    everywhere: u32,
}

/// Counts requests against quotas and rates.
#[derive(Debug)]
pub struct Counters {
    pub(super) volatile: Arc<dyn Volatile>,
    pub(super) keys: KeyRing,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) quotas: Quotas,
    pub(super) shares: Arc<Shares>,
}

impl Counters {
    /// The quotas that a request of somebody counts against.
    pub fn tally(&self, principal: &Principal, on: Spending) -> Tally {
        let part = |quota: Quota| Part { slot: self.shares.slot(quota.of), quota };
        Tally { on, parts: self.quotas(principal, on).map(|quota| quota.map(part)) }
    }

    /// Counts a request. [`Failure::Limited`] if a quota of its tally is used up: the operator has none.
    pub async fn spend(&self, tally: &Tally) -> Result<(), Failure> {
        for (at, part) in tally.parts().enumerate() {
            if let Err(failure) = self.take(part, tally.on).await {
                // A client that keeps on trying must not use up more than it has.
                for before in tally.parts().take(at) {
                    before.slot.give_back(self.window(WINDOW_SECONDS));
                }
                return Err(failure);
            }
        }
        Ok(())
    }

    /// Counts a call against its caller's quotas, unless that was done. Before each command.
    pub(super) async fn count_call(&self, call: &Call) -> Result<(), Failure> {
        let counting = || async { self.spend(&self.tally(&call.principal, Spending::Command)).await };
        call.counted.get_or_try_init(counting).await.copied()
    }

    /// What is left of the quotas of a tally.
    pub fn left<'a>(&'a self, tally: &'a Tally) -> impl Iterator<Item = Left> + use<'a> {
        let window = self.window(WINDOW_SECONDS);
        tally.parts().map(move |Part { quota: Quota { of, limit }, slot }| {
            let share = *slot.share_in(window);
            Left {
                name: of.name,
                limit: *limit,
                window_seconds: WINDOW_SECONDS,
                remaining: limit.saturating_sub(share.everywhere).saturating_add(share.left),
                resets_in_seconds: self.seconds_left(window),
            }
        })
    }

    /// The quotas that a request counts against, the narrower first: whoever is over it takes nothing of the other.
    fn quotas(&self, principal: &Principal, on: Spending) -> [Option<Quota>; 2] {
        let Quotas { instance_commands, account_commands, instance_reads, account_reads } = self.quotas;
        let (of_instance, of_account) = match on {
            Spending::Command => {
                (("instance-commands", instance_commands), ("account-commands", account_commands))
            }
            Spending::Read => (("instance-reads", instance_reads), ("account-reads", account_reads)),
        };
        let (instance, account) = match *principal {
            Principal::Root | Principal::Operator { .. } => (None, None),
            Principal::Account { account, .. } => (None, Some(account)),
            Principal::Instance { account, instance, .. } => (Some(instance), Some(account)),
        };
        let quota = |(name, limit), id| (limit != 0).then_some(Quota { of: Of { name, id }, limit });
        [
            instance.and_then(|id| quota(of_instance, StreamId::from(id))),
            account.and_then(|id| quota(of_account, StreamId::from(id))),
        ]
    }

    /// Uses one of a quota up, and takes a share of it for that if need be.
    async fn take(&self, Part { quota, slot }: &Part, on: Spending) -> Result<(), Failure> {
        if slot.use_one(self.window(WINDOW_SECONDS)) {
            return Ok(());
        }
        let _others_wait = slot.asks.lock().await;
        let window = self.window(WINDOW_SECONDS);
        if slot.use_one(window) {
            return Ok(());
        }
        let share = *slot.share_in(window);
        if share.everywhere < quota.limit {
            let (taken, everywhere) = match on {
                Spending::Read => (quota.limit, quota.limit),
                Spending::Command => self.take_share(quota, window, share).await,
            };
            let mut share = slot.share_in(window);
            share.left = share.left.saturating_add(taken);
            share.here = share.here.saturating_add(taken);
            share.everywhere = everywhere;
        }
        if slot.use_one(window) {
            return Ok(());
        }
        Err(Failure::Limited { retry_after_seconds: self.seconds_left(window) })
    }

    /// Takes a share from the shared counter: how much that is, and what all have taken now. While nobody counts, each
    /// gateway lets through what it would if it were alone.
    async fn take_share(&self, quota: &Quota, window: Window, had: Share) -> (u32, u32) {
        let Quota { of: Of { name, id }, limit } = *quota;
        let wanted = (limit / SHARES).clamp(1, SHARE_MAX);
        let key = format!("rate.quota.{name}.{id}.{}", window.start);
        let ttl = Duration::from_secs(u64::from(WINDOW_SECONDS) + 5);
        let counted = timeout(COUNT_MAX, self.volatile.add(&key, wanted.into(), ttl)).await;
        let error = match counted {
            Ok(Ok(everywhere)) => {
                let before = everywhere.saturating_sub(wanted.into());
                let taken = u64::from(limit).saturating_sub(before).min(wanted.into());
                return (
                    u32::try_from(taken).unwrap_or(wanted),
                    u32::try_from(everywhere).unwrap_or(u32::MAX),
                );
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        warn!(quota = name, error, "commands cannot be counted together: this gateway counts alone");
        let taken = limit.saturating_sub(had.here).min(wanted);
        (taken, had.everywhere.max(had.here.saturating_add(taken)))
    }

    fn seconds_left(&self, window: Window) -> u32 {
        u32::try_from((window.end - self.clock.now().seconds()).max(1)).unwrap_or(WINDOW_SECONDS)
    }
}

impl Shares {
    pub(super) fn new() -> Self {
        Self { slots: Mutex::new(LruCache::new(SLOTS_MAX)) }
    }

    fn slot(&self, of: Of) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.get_or_insert(of, Arc::default))
    }
}

impl Slot {
    /// The share in this window: an empty one if that of an earlier window is kept.
    fn share_in(&self, window: Window) -> MutexGuard<'_, Share> {
        let mut share = self.share.lock().unwrap_or_else(PoisonError::into_inner);
        if share.window != window.start {
            *share = Share { window: window.start, ..Share::default() };
        }
        share
    }

    fn use_one(&self, window: Window) -> bool {
        let mut share = self.share_in(window);
        let left = share.left.checked_sub(1);
        share.left = left.unwrap_or_default();
        left.is_some()
    }

    fn give_back(&self, window: Window) {
        let mut share = self.share_in(window);
        // Not in a window that began meanwhile: nothing was taken in it.
        if share.left < share.here {
            share.left += 1;
        }
    }
}
