//! Following an instance for a client that stays: what it is told is told under a permission that is asked again.
//!
//! Whoever opens a stream shows a token once. The token may be rotated, the account closed, the instance moved or
//! deleted while the stream is open, so the token is worth nothing by itself: before anything is sent, and every few
//! seconds while nothing is, the follower asks anew. What was read of the log is asked about *after* it was read: so
//! nothing is ever told that happened after the permission had ended.

use std::{sync::Arc, time::Duration};

use berth_bus::{Bus, Subscription};
use berth_log::{LogRead, Place, read_around};
use berth_proto::{InstanceId, StreamKey, subject::tail_subject};
use futures::StreamExt;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{
    failure::Failure,
    principal::{Principal, Principals},
    record::{Record, Records},
};

/// The longest pause between two looks: at the log, should a hint be lost, and at the permission.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(3);
/// How old a look-up of an account's token may be for a stream on which nothing is sent: all streams of one token
/// share it. Together with [`LOOK_AGAIN`] the bound of how long an idle stream outlives its permission.
pub(super) const IDLE_AGE_MAX: Duration = Duration::from_secs(1);
/// What was allowed is sent within this time of the read that allowed it, or it is asked again.
pub(super) const FRESH_MAX: Duration = Duration::from_secs(1);

/// What a client was allowed when it opened a stream, to be asked again. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Permission {
    records: Arc<Records>,
    principal: Principal,
    pub(super) instance: InstanceId,
}

/// An instance that is followed by a client.
pub struct Follow {
    permission: Permission,
    watch: Watch,
    principals: Arc<Principals>,
}

/// An instance whose commits are waited for by whoever judges for himself what may be told of them.
pub struct Watch {
    instance: InstanceId,
    hints: Subscription,
    log: Arc<dyn LogRead>,
    stop: CancellationToken,
}

/// What a wait came to.
#[derive(Debug)]
pub enum Waited {
    /// There is a commit.
    More(Place),
    /// Nothing happened for a while: time to ask whether the client may still wait.
    Nothing,
    /// The process stops.
    Stopping,
}

/// Why the wait for a commit ended.
#[derive(Debug)]
pub enum Turn {
    /// There is one.
    More(Place),
    /// The process stops: the client shall come back elsewhere.
    Stopping,
}

impl std::fmt::Debug for Follow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follow").field("permission", &self.permission).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("instance", &self.instance).finish_non_exhaustive()
    }
}

/// Follows instances for clients.
#[derive(Debug)]
pub struct Follows {
    pub(super) log: Arc<dyn LogRead>,
    pub(super) bus: Arc<dyn Bus>,
    pub(super) stop: CancellationToken,
    pub(super) principals: Arc<Principals>,
    pub(super) records: Arc<Records>,
}

impl Follows {
    /// Follows an instance under the permission of whoever asks.
    pub async fn follow(&self, principal: Principal, instance: InstanceId) -> Result<Follow, Failure> {
        let watch = self.watch(instance).await?;
        let permission = Permission { records: Arc::clone(&self.records), principal, instance };
        Ok(Follow { permission, watch, principals: Arc::clone(&self.principals) })
    }

    /// Waits for what happens to an instance without asking for whom.
    pub async fn watch(&self, instance: InstanceId) -> Result<Watch, Failure> {
        let hints = self.bus.subscribe(&tail_subject(instance)).await;
        let hints = hints.map_err(|error| Failure::unavailable("the bus", error))?;
        Ok(Watch { instance, hints, log: Arc::clone(&self.log), stop: self.stop.clone() })
    }
}

impl Permission {
    /// The instance that it is about.
    pub const fn instance(&self) -> InstanceId {
        self.instance
    }

    /// The instance, deleted or not, if the client may still see it: by looks that begin after this call.
    /// [`Failure::Unauthorized`] or [`Failure::NotFound`] if it may not.
    pub async fn ask(&self) -> Result<Record, Failure> {
        self.records.read_again(&self.principal, self.instance).await
    }
}

impl Follow {
    /// The permission under which it follows.
    pub const fn permission(&self) -> &Permission {
        &self.permission
    }

    /// Waits until there is a commit after this version. It fails as [`Permission::ask`] does when the permission
    /// ends while nothing happens; after [`Failure::Unavailable`] it may be asked again.
    pub async fn more(&mut self, after: u64) -> Result<Turn, Failure> {
        loop {
            match self.watch.more(after).await? {
                Waited::More(first) => return Ok(Turn::More(first)),
                Waited::Stopping => return Ok(Turn::Stopping),
                Waited::Nothing => self.principals.stands(&self.permission.principal, IDLE_AGE_MAX).await?,
            }
        }
    }
}

impl Watch {
    /// Waits until there is a commit after this version, but for three seconds at most; after [`Failure::Unavailable`] it
    /// may be asked again.
    pub async fn more(&mut self, after: u64) -> Result<Waited, Failure> {
        let stream = StreamKey::instance(self.instance);
        loop {
            if self.stop.is_cancelled() {
                return Ok(Waited::Stopping);
            }
            let read = read_around(&*self.log, &stream, after, 1).await?;
            if let Some(first) = read.into_iter().next() {
                return Ok(Waited::More(first));
            }
            // A hint, the next look or the stop: whatever comes first. An instance's own token ends with a commit.
            let hint = timeout(LOOK_AGAIN, self.hints.next());
            match self.stop.run_until_cancelled(hint).await {
                Some(Ok(None)) => return Err(Failure::unavailable("the bus", "the subscription ended")),
                Some(Err(_)) => return Ok(Waited::Nothing),
                Some(Ok(Some(_))) | None => {}
            }
        }
    }
}
