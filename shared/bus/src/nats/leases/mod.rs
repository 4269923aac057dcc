//! Members and what they own, in a key-value bucket.
//!
//! There is one lease for each process: a message at `member.<role>.<id>` that ends unless it is renewed, taken, renewed
//! and given back by compare and set. The holder counts its time from *before* it sent the last renewal that succeeded and
//! stops a margin earlier than the bucket does.
//!
//! Which partition is whose follows from who is alive ([`crate::member::preferred`]). Whoever is preferred claims it at
//! `epoch.<role>.<partition>`, under the next epoch, once the former holder has given it back or has lost its lease: so two
//! processes never hold it as the bucket sees it. A process that was suspended may still believe for a moment that it holds
//! what another one has: then its lower epoch gives it away.
//!
//! The role in the names lets a user of NATS write those of its own role only.

mod bucket;
mod claim;
mod cluster;
mod look;
mod membership;
mod port;

use std::{collections::HashSet, fmt, sync::Arc};

use async_nats::Client;
use async_trait::async_trait;
use berth_runtime::{Clock, Entropy, Lifecycle, Role};
use thiserror::Error;
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use self::port::NatsBucket;
pub use self::{
    cluster::{NatsCluster, members, survey},
    port::{LastValue, LeaseBucket},
};
use super::{
    stream::{OpenError, StreamError},
    table::Table,
};
use crate::{
    lease::Lease,
    member::{Identity, Member, MemberId, Roster, Seat},
    metrics,
    port::{Grant, LeaseError, Leases},
};

/// A process cannot become a member.
#[derive(Debug, Error)]
pub enum JoinError {
    /// The bucket cannot be used.
    #[error("the bucket of the members cannot be used")]
    Open(#[source] OpenError),
    /// The name is another process's.
    #[error(
        "`member` (BERTH_MEMBER): {} is the name of another {} that runs{}: give each process a name of its own, or a \
         data folder of its own",
        seat.id, seat.role, at(address)
    )]
    Taken {
        /// The name.
        seat: Seat,
        /// Where the other one listens.
        address: String,
    },
    /// The bucket does not answer. A retry helps when NATS works.
    #[error("the bucket of the members does not answer")]
    Unavailable(#[source] LeaseError),
}

fn at(address: &str) -> String {
    if address.is_empty() { String::new() } else { format!(" at {address}") }
}

/// The bucket, found or made: for what else the owner of a partition keeps of it there.
pub(super) async fn lease_bucket(client: Client, replicas: usize) -> Result<Table, OpenError> {
    bucket::open(client, replicas).await
}

/// A name for a start, which no other one has.
pub fn new_start(entropy: &dyn Entropy) -> String {
    MemberId::random(entropy).to_string()
}

/// The members of a deployment on NATS, and what this one of them owns. Clones share it.
#[derive(Clone)]
pub struct NatsLeases(Arc<Inner>);

/// A life as a member: a process that loses its lease begins another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Life(u32);

/// What those who hold or wait are told.
#[derive(Debug, Clone, Default)]
struct News {
    /// None while this process is no member.
    life: Option<Life>,
    roster: Arc<Roster>,
}

struct Inner {
    bucket: Arc<dyn LeaseBucket>,
    identity: Identity,
    seat: Seat,
    lifecycle: Lifecycle,
    clock: Arc<dyn Clock>,
    /// The roles of this process that asked to hold something: it is no member before all of them did, so that nothing is
    /// given to a process that cannot do it yet.
    asked: watch::Sender<HashSet<Role>>,
    /// Written by the tasks that renew and that look.
    news: watch::Sender<News>,
    /// When we consider our lease ended; written with each renewal.
    ends: watch::Sender<Instant>,
    /// What tasks of this process hold or ask for.
    held: watch::Sender<HashSet<Lease>>,
    /// Why this process is no member although it should be.
    trouble: watch::Sender<Option<String>>,
    /// Wakes the task that looks.
    look: Notify,
}

impl fmt::Debug for NatsLeases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NatsLeases({})", self.0.seat)
    }
}

// === impl NatsLeases ===

impl NatsLeases {
    /// Finds or makes the bucket, with that number of replicas, sees that the name is free, and becomes a member as soon
    /// as each role of the process asked to hold something. What is held is given back before a drain ends; the clock
    /// serves the epochs only.
    pub async fn open(
        client: Client,
        replicas: usize,
        identity: Identity,
        lifecycle: &Lifecycle,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, JoinError> {
        let bucket = NatsBucket::open(client, replicas).await.map_err(JoinError::Open)?;
        Self::in_bucket(Arc::new(bucket), identity, lifecycle, clock).await
    }

    /// The same in a bucket that is there, whoever keeps it.
    pub async fn in_bucket(
        bucket: Arc<dyn LeaseBucket>,
        identity: Identity,
        lifecycle: &Lifecycle,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, JoinError> {
        metrics::describe();
        let inner = Arc::new(Inner {
            bucket,
            seat: identity.seat.clone(),
            identity,
            lifecycle: lifecycle.clone(),
            clock,
            asked: watch::Sender::default(),
            news: watch::Sender::default(),
            ends: watch::Sender::new(Instant::now()),
            held: watch::Sender::default(),
            trouble: watch::Sender::default(),
            look: Notify::new(),
        });
        membership::wait_until_free(&inner).await?;
        lifecycle.spawn(Arc::clone(&inner).be_member());
        let (watching, stop) = (Arc::clone(&inner), lifecycle.stop().clone());
        lifecycle.spawn(async move { stop.run_until_cancelled(watching.watch()).await });
        Ok(Self(inner))
    }

    /// Finds or makes the bucket, with that number of replicas, without becoming a member.
    pub async fn make_bucket(client: Client, replicas: usize) -> Result<(), OpenError> {
        bucket::open(client, replicas).await.map(drop)
    }

    /// Who this process is.
    pub fn seat(&self) -> &Seat {
        &self.0.seat
    }

    /// The members that are alive, as this process last saw them.
    pub fn roster(&self) -> Arc<Roster> {
        Arc::clone(&self.0.news.borrow().roster)
    }

    /// Why this process is no member although it should be.
    pub fn trouble(&self) -> Option<String> {
        self.0.trouble.borrow().clone()
    }
}

#[async_trait]
impl Leases for NatsLeases {
    async fn hold(&self, lease: Lease) -> Result<Grant, LeaseError> {
        Ok(self.0.hold(lease).await)
    }
}

// === impl Life ===

impl Life {
    const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

// === impl Inner ===

impl Inner {
    fn bucket(&self) -> &dyn LeaseBucket {
        &*self.bucket
    }

    fn asks(&self, role: Role) {
        self.asked.send_if_modified(|asked| asked.insert(role));
    }

    async fn wait_until_able(&self) {
        let mut asked = self.asked.subscribe();
        let runs = |role: &Role| self.seat.role.runs(*role);
        let able = |asked: &HashSet<Role>| {
            Lease::ROLES.iter().filter(|role| runs(role)).all(|role| asked.contains(role))
        };
        // The sender is ours.
        let _able = asked.wait_for(able).await;
    }

    /// The name of a life of this process.
    fn start_of(&self, life: Life) -> String {
        format!("{}-{}", self.identity.start, life.0)
    }

    /// Whether this process, or the one that had its folder before, lives or lived that life.
    fn was_us(&self, start: &str) -> bool {
        let process = start.split_once('-').map_or(start, |(process, _)| process);
        process == self.identity.start || Some(process) == self.identity.former.as_deref()
    }

    fn member(&self, life: Life) -> Member {
        self.identity.member(self.start_of(life))
    }
}

impl From<StreamError> for LeaseError {
    fn from(error: StreamError) -> Self {
        Self(error.into())
    }
}
