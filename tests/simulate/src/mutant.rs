//! What can be broken on purpose, to see that a simulation finds it.
//!
//! Each is a port that lies, and stands here and nowhere else: what is broken by a switch in the product could be broken
//! by it in production too, and a build with another feature is not what is shipped. A service that ignores what a port
//! tells it and one that a port tells nothing behave alike.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use berth_bus::{
    Bus, Grant, Holds, Lease, LeaseError, Leases, Request, RequestError, Requests, Subscription,
    TransportError,
};
use berth_log::{AppendError, Appended, EventLog, Expected, NewCommit, ReadError, Stored};
use berth_proto::{CommandId, Kind, StreamKey, codec, frame::CommandRequestV2};
use berth_runtime::{Entropy, Lifecycle, SeededEntropy};
use berth_test_support::LogDouble;
use bytes::Bytes;
use clap::ValueEnum;
use futures::StreamExt;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mutant {
    /// Every holder of a partition has the same epoch, so that a former one is not told from the present one.
    FenceIgnored,
    /// Whether a notice may go out is read once and believed from then on.
    GateReadOnce,
    /// Commands are decided without their receipts, as if each were sent for the first time.
    ReceiptDropped,
    /// A commit is appended behind one that whoever decided it has not seen.
    VersionOffByOne,
    /// Whoever loses a partition goes on.
    TakeoverWithoutCancelling,
}

// === logs ===

/// A log that lies to those who append.
#[derive(Debug)]
pub(crate) struct LyingLog {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) mutant: Mutant,
    /// What was read first of each stream.
    pub(crate) first: Mutex<BTreeMap<String, Option<Stored>>>,
}

impl LyingLog {
    pub(crate) fn new(log: Arc<dyn EventLog>, mutant: Mutant) -> Self {
        Self { log, mutant, first: Mutex::default() }
    }

    fn first(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Option<Stored>>> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl LogDouble for LyingLog {
    fn beneath(&self) -> &dyn EventLog {
        &*self.log
    }

    async fn tail(&self, stream: &StreamKey) -> Result<Option<Stored>, ReadError> {
        if self.mutant != Mutant::GateReadOnce || stream.kind() != Kind::Instance {
            return self.log.tail(stream).await;
        }
        let known = self.first().get(&stream.subject()).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let tail = self.log.tail(stream).await?;
        self.first().insert(stream.subject(), tail.clone());
        Ok(tail)
    }

    async fn append(&self, mut commit: NewCommit, mut expected: Expected) -> Result<Appended, AppendError> {
        if self.mutant == Mutant::VersionOffByOne
            && let Expected::After(tail) = expected
            && let Ok(Some(now)) = self.log.tail_place(&commit.stream).await
            && now.version == tail.version + 1
        {
            expected = Expected::After(now);
            commit.version = now.version + 1;
        }
        self.log.append(commit, expected).await
    }
}

// === buses ===

/// A bus that lies to those who decide: no command has the id that it was sent with.
#[derive(Debug)]
pub(crate) struct LyingBus {
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) entropy: Arc<SeededEntropy>,
}

fn without_receipt(request: Request, entropy: &dyn Entropy) -> Request {
    let Ok(order) = codec::decode::<CommandRequestV2>(&request.payload) else { return request };
    let order =
        CommandRequestV2 { command_id: CommandId::from_bytes(entropy.bytes16()), keyed: false, ..order };
    match order.encode() {
        Ok(payload) => Request { payload: payload.into(), ..request },
        Err(_) => request,
    }
}

#[async_trait]
impl Bus for LyingBus {
    async fn request(&self, subject: &str, payload: Bytes, within: Duration) -> Result<Bytes, RequestError> {
        self.bus.request(subject, payload, within).await
    }

    async fn serve_until(
        &self,
        filter: &str,
        queue: &str,
        until: CancellationToken,
    ) -> Result<Requests, TransportError> {
        let requests = self.bus.serve_until(filter, queue, until).await?;
        let entropy = Arc::clone(&self.entropy);
        Ok(Box::pin(requests.map(move |request| without_receipt(request, &*entropy))))
    }

    async fn publish(&self, subject: &str, payload: Bytes) -> Result<(), TransportError> {
        self.bus.publish(subject, payload).await
    }

    async fn subscribe(&self, filter: &str) -> Result<Subscription, TransportError> {
        self.bus.subscribe(filter).await
    }
}

// === leases ===

/// Leases that lie to those who hold them.
pub(crate) struct LyingLeases {
    pub(crate) leases: Arc<dyn Leases>,
    pub(crate) mutant: Mutant,
    pub(crate) lifecycle: Lifecycle,
}

impl fmt::Debug for LyingLeases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LyingLeases").field(&self.leases).finish()
    }
}

#[async_trait]
impl Leases for LyingLeases {
    async fn hold(&self, lease: Lease) -> Result<Grant, LeaseError> {
        let grant = self.leases.hold(lease).await?;
        Ok(match self.mutant {
            Mutant::FenceIgnored => Grant { epoch: u64::from(u32::MAX), ..grant },
            Mutant::TakeoverWithoutCancelling => {
                // A sender that is gone never says that the lease is lost; the receiver must not see that as news.
                let (told, lost) = watch::channel(false);
                self.lifecycle.spawn(async move { told.closed().await });
                Grant { holds: Holds::new(|| true), lost, ..grant }
            }
            Mutant::GateReadOnce | Mutant::ReceiptDropped | Mutant::VersionOffByOne => grant,
        })
    }
}
