//! What happens to all instances of an account, for a client that stays and for one that comes back.
//!
//! The log itself is followed, and what belongs to others is left out: so nothing is missing, whatever became of a
//! gateway meanwhile, and the events of an instance come in their order. As with a single instance a permission is asked
//! for after something was read and before it is told: see `follow`.

use std::{fmt, sync::Arc, time::Duration};

use berth_bus::KeyRing;
use berth_log::{Batch, Batches, FollowError, Followed, LogRead, Position, SharedCommit};
use berth_proto::{AccountId, InstanceId, Kind};
use berth_runtime::DataKey;
use futures::StreamExt;
use thiserror::Error;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    cursor,
    failure::{Failure, RETRY_AFTER_SECONDS},
    follow::{IDLE_AGE_MAX, LOOK_AGAIN},
    history::{Entry, Histories, entries},
    principal::{Principal, Principals},
    record::Records,
    seats::{Seat, Seats},
};

/// The name of the reader of the log.
const NAME: &str = "account-events";
/// Streams of a whole account that a gateway keeps open for it: each looks at everything that happens.
pub(super) const ACCOUNT_STREAMS_MAX: usize = 512;
/// Commits of all accounts that are looked at together, and bytes of them on top of one commit: what a client that reads slowly
/// keeps in memory.
const COMMITS_PER_LOOK: usize = 64;
/// See [`COMMITS_PER_LOOK`].
const BYTES_PER_LOOK: usize = 512 * 1024;
/// The pause between two looks of a client that has everything: of many commits in a row it is told together.
const LOOK_PAUSE: Duration = Duration::from_millis(20);
/// Looks of clients that are behind, at once: whoever comes back after a long time leaves the log to the others.
static CATCH_UPS: Semaphore = Semaphore::const_new(CATCH_UPS_AT_ONCE_MAX);
/// See [`CATCH_UPS`].
const CATCH_UPS_AT_ONCE_MAX: usize = 4;

/// Why events are not told.
#[derive(Debug, Error)]
pub enum EventsFailure {
    /// The cursor is of another account or another log.
    #[error("the cursor is not one of these events")]
    Cursor,
    /// As with every call.
    #[error(transparent)]
    Call(#[from] Failure),
}

/// Whose events are told.
#[derive(Debug, Clone, Copy)]
enum Whose {
    Account,
    Instance(InstanceId),
}

/// Follows accounts for clients.
#[derive(Debug)]
pub struct AccountEvents {
    pub(super) log: Arc<dyn LogRead>,
    pub(super) keys: KeyRing,
    pub(super) stop: CancellationToken,
    pub(super) principals: Arc<Principals>,
    pub(super) records: Arc<Records>,
    pub(super) histories: Arc<Histories>,
    pub(super) seats: Arc<Seats>,
}

/// An account that is followed by a client.
pub struct AccountFollow {
    events: Arc<AccountEvents>,
    principal: Principal,
    account: AccountId,
    whose: Whose,
    key: DataKey,
    follow: Batches,
    position: Position,
    /// Whether there is more in the log than was looked at.
    behind: bool,
    looked_at: Instant,
    asked_at: Instant,
    _seat: Seat,
}

/// What a look at the log came to.
#[derive(Debug)]
pub enum Heard {
    /// These events, which may be told at this moment.
    Events(Vec<Told>),
    /// Nothing for this client, for a while.
    Nothing,
    /// The process stops: the client shall come back elsewhere.
    Stopping,
}

/// An event of an account.
#[derive(Debug)]
pub struct Told {
    /// The instance that it happened to.
    pub instance: InstanceId,
    /// What happened.
    pub entry: Entry,
    /// Where to go on after it; only with the last event of its commit.
    pub cursor: Option<String>,
}

impl fmt::Debug for AccountFollow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, whose, position, .. } = self;
        let mut shown = f.debug_struct("AccountFollow");
        shown.field("account", account).field("whose", whose).field("position", position);
        shown.finish_non_exhaustive()
    }
}

// === impl AccountEvents ===

impl AccountEvents {
    /// Follows what the principal may see: its account, or its instance alone. After a cursor, else from now on.
    pub async fn follow(
        self: &Arc<Self>,
        principal: Principal,
        after: Option<&str>,
    ) -> Result<AccountFollow, EventsFailure> {
        let (account, whose) = match principal {
            Principal::Instance { .. } => {
                let record = self.records.read_own(&principal).await?;
                (record.state.account, Whose::Instance(record.id))
            }
            Principal::Root | Principal::Operator { .. } | Principal::Account { .. } => {
                (principal.account().ok_or(Failure::Forbidden)?, Whose::Account)
            }
        };
        let key = self.keys.key(account.as_bytes()).await.map_err(Failure::from)?;
        let key = key.ok_or(Failure::Unauthorized)?;
        let limited = Failure::Limited { retry_after_seconds: RETRY_AFTER_SECONDS };
        let seat = self.seats.take(account).ok_or(limited)?;
        let position = match after {
            Some(text) => cursor::read(&key, account, text).ok_or(EventsFailure::Cursor)?,
            None => self.log.end().await.map_err(Failure::from)?,
        };
        let turn = CATCH_UPS.acquire().await.map_err(|error| Failure::unavailable("the log", error))?;
        let follow = self.log.follow(NAME, &[Kind::Instance], position.clone()).await.map_err(failed)?;
        drop(turn);
        let now = Instant::now();
        Ok(AccountFollow {
            events: Arc::clone(self),
            principal,
            account,
            whose,
            key,
            follow: Batches::new(follow, COMMITS_PER_LOOK).within_bytes(BYTES_PER_LOOK),
            position,
            behind: true,
            looked_at: now,
            asked_at: now,
            _seat: seat,
        })
    }
}

// === impl AccountFollow ===

impl AccountFollow {
    /// Where the client goes on if it comes back now; none if it cannot be written.
    pub fn cursor(&self) -> Option<String> {
        cursor::write(&self.key, self.account, &self.position)
    }

    /// Waits for events, for a few seconds. It fails as [`Self::ask`] does when the permission ends while nothing happens.
    pub async fn hear(&mut self) -> Result<Heard, EventsFailure> {
        let stop = self.events.stop.clone();
        loop {
            let look = timeout(LOOK_AGAIN, Box::pin(self.look()));
            let Some(looked) = stop.run_until_cancelled(look).await else { return Ok(Heard::Stopping) };
            let Ok(chunk) = looked else {
                self.stands().await?;
                return Ok(Heard::Nothing);
            };
            let mut told = self.take(chunk?)?;
            if !told.is_empty() {
                for Told { instance, entry, .. } in &mut told {
                    self.events
                        .histories
                        .open_callers(instance.as_bytes(), std::slice::from_mut(entry))
                        .await;
                }
                self.ask().await?;
                return Ok(Heard::Events(told));
            }
            if self.asked_at.elapsed() >= LOOK_AGAIN {
                self.stands().await?;
                return Ok(Heard::Nothing);
            }
        }
    }

    /// Asks anew whether the client may see this: by looks that begin after this call.
    pub async fn ask(&mut self) -> Result<(), Failure> {
        self.asked_at = Instant::now();
        match self.whose {
            Whose::Account => self.events.principals.stands(&self.principal, Duration::ZERO).await,
            Whose::Instance(id) => self.events.records.read_again(&self.principal, id).await.map(drop),
        }
    }

    /// Asks while nothing is told; streams of one account share the look-up.
    async fn stands(&mut self) -> Result<(), Failure> {
        match self.whose {
            Whose::Account => {
                self.asked_at = Instant::now();
                self.events.principals.stands(&self.principal, IDLE_AGE_MAX).await
            }
            Whose::Instance(_) => self.ask().await,
        }
    }

    /// What the log has next. Nothing is lost if it is not waited for.
    async fn look(&mut self) -> Result<Batch, Failure> {
        let unavailable = |error| Failure::unavailable("the log", error);
        let _turn = if self.behind {
            Some(CATCH_UPS.acquire().await.map_err(|closed| unavailable(closed.into()))?)
        } else {
            sleep_until(self.looked_at + LOOK_PAUSE).await;
            None
        };
        let next = self.follow.next().await;
        self.looked_at = Instant::now();
        next.ok_or_else(|| {
            unavailable(Box::<dyn std::error::Error + Send + Sync>::from("it stopped sending"))
        })
    }

    /// Goes on in the log; gives what is for this client.
    fn take(&mut self, chunk: Batch) -> Result<Vec<Told>, EventsFailure> {
        let mut told = Vec::new();
        for followed in chunk {
            match followed.map_err(failed)? {
                Followed::Commit(commit, at) => {
                    self.position.advance(commit.stored().shard, at);
                    told.extend(self.told_of(&commit));
                }
                Followed::Unreadable { shard, at, .. } => self.position.advance(shard, at),
                Followed::CaughtUp(end) => {
                    self.position = end;
                    self.behind = false;
                }
            }
        }
        Ok(told)
    }

    /// The events of a commit, if they are for this client; what cannot be read is for nobody.
    fn told_of(&self, shared: &SharedCommit) -> Vec<Told> {
        let Some(instance) = shared.stored().stream.as_instance() else { return Vec::new() };
        if matches!(self.whose, Whose::Instance(own) if own != instance) {
            return Vec::new();
        }
        let Some(commit) = shared.commit().ok().filter(|commit| !commit.events.is_empty()) else {
            return Vec::new();
        };
        // Whoever has it after the commit is told of it: a move is told to the new account.
        if !matches!(shared.instance_state(), Ok(Some(state)) if state.account == self.account) {
            return Vec::new();
        }
        let mut told: Vec<Told> =
            entries(commit.clone()).into_iter().map(|entry| Told { instance, entry, cursor: None }).collect();
        if let Some(last) = told.last_mut() {
            last.cursor = self.cursor();
        }
        told
    }
}

fn failed(error: FollowError) -> EventsFailure {
    match error {
        FollowError::Unavailable(_) => Failure::unavailable("the log", error).into(),
        FollowError::Recreated { .. } | FollowError::RolledBack { .. } => EventsFailure::Cursor,
    }
}
