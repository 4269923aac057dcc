//! The ports. Each has one contract suite in this crate that every adapter passes.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use berth_proto::InstanceId;
use berth_runtime::WrappedKey;
use bytes::Bytes;
use futures::Stream;
use thiserror::Error;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::lease::Lease;

/// A source error of an adapter.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

// === request and reply, publish and subscribe ===

/// A request got no reply.
#[derive(Debug, Error)]
pub enum RequestError {
    /// Nobody serves the subject at this moment. Nothing was done; a retry may find somebody.
    #[error("nobody serves {subject}")]
    NoResponder {
        /// The subject.
        subject: String,
    },
    /// No reply in time. Whether something was done is not known; retry with the same command id.
    #[error("no reply on {subject} in time")]
    TimedOut {
        /// The subject.
        subject: String,
    },
    /// The bus does not work at this moment; a retry helps when it does.
    #[error("the bus is not available")]
    Unavailable(#[source] Source),
    /// The server takes no more requests at this moment; a retry helps later.
    #[error("{subject} is overloaded")]
    Overloaded {
        /// The subject.
        subject: String,
    },
}

/// The bus does not work at this moment; a retry helps when it does.
#[derive(Debug, Error)]
#[error("the bus is not available")]
pub struct TransportError(#[source] pub Source);

/// A request that waits for its reply.
#[derive(Debug)]
pub struct Request {
    /// The subject that it came on.
    pub subject: String,
    /// What is asked.
    pub payload: Bytes,
    /// Where the reply goes.
    pub reply: Replier,
}

/// Where a reply goes. Dropped without a reply, the asker runs into its time-out.
#[derive(Debug)]
pub struct Replier(pub oneshot::Sender<Bytes>);

impl Replier {
    /// Sends the reply; an asker that is gone is no error.
    pub fn send(self, payload: Bytes) {
        let _gone = self.0.send(payload);
    }
}

/// Requests that reach a server, for as long as it holds on to this.
pub type Requests = Pin<Box<dyn Stream<Item = Request> + Send>>;
/// Messages `(subject, payload)` that reach a subscriber, for as long as it holds on to this.
pub type Subscription = Pin<Box<dyn Stream<Item = (String, Bytes)> + Send>>;

/// Requests that a server lets wait; more are refused as overloaded (in process) or dropped (on NATS).
pub const REQUESTS_WAITING_MAX: usize = 8_192;

/// Request and reply for commands and queries; publish and subscribe for live tails.
#[async_trait]
pub trait Bus: fmt::Debug + Send + Sync + 'static {
    /// Asks whoever serves the subject. One server of a queue group gets the request.
    async fn request(&self, subject: &str, payload: Bytes, timeout: Duration) -> Result<Bytes, RequestError>;

    /// Serves a subject filter (`*` is one token, `>` the rest) as a member of a queue group.
    async fn serve(&self, filter: &str, queue: &str) -> Result<Requests, TransportError> {
        self.serve_until(filter, queue, CancellationToken::new()).await
    }

    /// The same until the token is cancelled: then others are asked, and the requests end with those that have already
    /// arrived here.
    async fn serve_until(
        &self,
        filter: &str,
        queue: &str,
        until: CancellationToken,
    ) -> Result<Requests, TransportError>;

    /// Tells every subscriber, at most once each.
    async fn publish(&self, subject: &str, payload: Bytes) -> Result<(), TransportError>;

    /// Hears a subject filter from now on. A subscriber that does not keep up misses messages.
    async fn subscribe(&self, filter: &str) -> Result<Subscription, TransportError>;
}

// === volatile values ===

/// The volatile store does not work at this moment; a retry helps when it does.
#[derive(Debug, Error)]
#[error("the volatile store is not available")]
pub struct VolatileError(#[source] pub Source);

/// A volatile value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolatileEntry {
    /// The value.
    pub value: Bytes,
}

/// Bytes of the longest volatile value: a sealed QR text has less than 1 KiB.
pub const VOLATILE_VALUE_BYTES_MAX: usize = 16 * 1_024;

/// The longest that a volatile value or counter lives; a longer time to live is cut to it.
pub const VOLATILE_TTL_MAX: Duration = Duration::from_hours(24);

/// Values that live for seconds or minutes, in memory only: sealed QR texts and pairing codes.
///
/// Keys are letters, digits, `-`, `_` and `.`.
#[async_trait]
pub trait Volatile: fmt::Debug + Send + Sync + 'static {
    /// Puts a value that disappears after `ttl` (at least one second); replaces an earlier one.
    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), VolatileError>;

    /// The value, if it is still there.
    async fn get(&self, key: &str) -> Result<Option<VolatileEntry>, VolatileError>;

    /// Removes the value.
    async fn remove(&self, key: &str) -> Result<(), VolatileError>;

    /// Adds to a counter that disappears `ttl` after it was first added to, and returns its value: exact over
    /// all replicas. For rate limits.
    async fn add(&self, key: &str, amount: u64, ttl: Duration) -> Result<u64, VolatileError>;
}

// === keys ===

/// The key store does not work at this moment; a retry helps when it does.
#[derive(Debug, Error)]
#[error("the key store is not available")]
pub struct KeyStoreError(#[source] pub Source);

/// What the key store has of an owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptKey {
    /// Its key.
    Present(WrappedKey),
    /// The mark of a destruction: what the key sealed is erased for good.
    Destroyed,
    /// Nothing: it never had a key, or the store lost it. That is no erasure.
    Missing,
}

/// The wrapped data keys, one for each owner, apart from the log.
#[async_trait]
pub trait KeyStore: fmt::Debug + Send + Sync + 'static {
    /// Stores a key if the owner has none, durably; returns the owner's key, which may be an earlier one.
    /// An owner whose key was destroyed gets none: `None` is returned.
    async fn put_if_absent(
        &self,
        owner: &[u8; 16],
        key: WrappedKey,
    ) -> Result<Option<WrappedKey>, KeyStoreError>;

    /// What there is of the owner.
    async fn get(&self, owner: &[u8; 16]) -> Result<KeptKey, KeyStoreError>;

    /// Destroys the key: its bytes are overwritten or securely deleted and never come back, and a mark of the
    /// destruction stays. Again is no error.
    async fn destroy(&self, owner: &[u8; 16]) -> Result<(), KeyStoreError>;
}

/// What a deployment says of itself, as it stands in its store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDeployment {
    /// The store's own number of this value, for the next write.
    pub revision: u64,
    /// The value; opaque here.
    pub value: Bytes,
}

/// The one record of what the deployment is and how far its log was seen, kept with the data keys, apart from
/// the log: whoever loses the one still has the other.
#[async_trait]
pub trait DeploymentStore: fmt::Debug + Send + Sync + 'static {
    /// The record; none if none was written yet, or the store lost it. An error where it is known that the keys
    /// beside it are not there or not kept as they must be.
    async fn read(&self) -> Result<Option<StoredDeployment>, KeyStoreError>;

    /// Writes the record durably if the one that stands there has this revision (0: there is none). False if
    /// somebody else wrote first: read it again.
    async fn write(&self, value: Bytes, expected: u64) -> Result<bool, KeyStoreError>;
}

/// Bytes of the longest sealed key material of a device.
pub const DEVICE_KEYS_BYTES_MAX: usize = 64 * 1_024;

/// Key material of linked devices, sealed, by instance and attempt.
#[async_trait]
pub trait DeviceKeys: fmt::Debug + Send + Sync + 'static {
    /// Stores the material durably; replaces an earlier one.
    async fn put(&self, instance: InstanceId, attempt: u32, sealed: Bytes) -> Result<(), KeyStoreError>;

    /// The material, if there is any.
    async fn get(&self, instance: InstanceId, attempt: u32) -> Result<Option<Bytes>, KeyStoreError>;

    /// Deletes the material. Again is no error.
    async fn delete(&self, instance: InstanceId, attempt: u32) -> Result<(), KeyStoreError>;

    /// Every device that has material, in their order: for whoever carries a deployment elsewhere.
    async fn all(&self) -> Result<Vec<(InstanceId, u32)>, KeyStoreError>;
}

// === leases ===

/// Leases do not work at this moment; a retry helps when they do.
#[derive(Debug, Error)]
#[error("leases are not available")]
pub struct LeaseError(#[source] pub Source);

/// A lease that is held.
#[derive(Debug)]
pub struct Grant {
    /// The fencing epoch: higher than that of every earlier holder, also after the store of leases was lost.
    pub epoch: u64,
    /// Whether the lease is held, at the moment of the question.
    pub holds: Holds,
    /// Becomes `true` when the lease is lost or about to end, or the partition is to be another process's: stop all owned
    /// work before anything else.
    pub lost: watch::Receiver<bool>,
    /// Held until this is dropped, unless the lease is lost. Whoever is to have it next waits for that.
    pub guard: LeaseGuard,
}

/// Tells whether a lease is held at this moment, by a monotonic clock and without asking anybody. A process that was
/// stopped and goes on finds out by it before any task of it is told.
#[derive(Clone)]
pub struct Holds(Arc<dyn Fn() -> bool + Send + Sync>);

/// Gives the lease back when it is dropped.
#[derive(Debug)]
pub struct LeaseGuard(pub oneshot::Sender<()>);

impl Holds {
    /// As somebody tells who knows.
    pub fn new(tells: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(tells))
    }

    /// For a lease that is lost only when that is said.
    pub fn until(lost: watch::Receiver<bool>) -> Self {
        Self::new(move || !*lost.borrow())
    }

    /// Whether it is held.
    pub fn now(&self) -> bool {
        (self.0)()
    }
}

impl fmt::Debug for Holds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Holds").field(&self.now()).finish()
    }
}

/// How long the lease of a process lasts without renewal. Owned work moves within three times this.
pub const LEASE_SECONDS: u64 = 4;

/// Partitions, each held by one process at a time under a fencing epoch. The holder stops itself before its lease ends, on
/// a monotonic clock.
#[async_trait]
pub trait Leases: fmt::Debug + Send + Sync + 'static {
    /// Waits until the partition is to be this process's and nobody has it any more, and takes it. Whoever asks must be
    /// able to do the work: from the first time that all roles of a process asked, partitions move to it.
    async fn hold(&self, lease: Lease) -> Result<Grant, LeaseError>;
}
