//! Ports that a test can watch and take away: a bus and leases.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use berth_bus::{
    Bus, Grant, Holds, Lease, LeaseError, Leases, RequestError, Requests, Subscription, TransportError,
    port::LeaseGuard,
};
use berth_connector::driver::{DeviceLink, Link, Reports, Start, UnlinkError};
use berth_proto::{
    CommandId, InstanceId, Partition,
    codec::decode,
    command::Command,
    frame::{CommandRequestV2, TargetV1},
};
use bytes::Bytes;
use tokio::sync::{Notify, oneshot, watch};
use tokio_util::sync::CancellationToken;

/// A bus that remembers the connector's commands and can be cut.
#[derive(Debug)]
pub(crate) struct SpyBus {
    pub(crate) inner: Arc<dyn Bus>,
    /// Whether commands of the connector get no answer although they are decided.
    pub(crate) deaf: AtomicBool,
    /// Whether commands of the connector wait at the door.
    pub(crate) closed: AtomicBool,
    pub(crate) opened: Notify,
    seen: Mutex<Vec<CommandRequestV2>>,
}

impl SpyBus {
    pub(crate) fn over(inner: Arc<dyn Bus>) -> Self {
        Self {
            inner,
            deaf: AtomicBool::default(),
            closed: AtomicBool::default(),
            opened: Notify::default(),
            seen: Mutex::default(),
        }
    }

    /// What the connector has sent: instance, name and id of the command.
    pub(crate) fn sent(&self) -> Vec<(InstanceId, &'static str, CommandId)> {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .map(|request| match &request.target {
                TargetV1::Instance { instance, command } => {
                    (*instance, Command::from_record(command).unwrap().name(), request.command_id)
                }
                _ => panic!("no command for an account"),
            })
            .collect()
    }

    pub(crate) fn open(&self) {
        self.closed.store(false, Ordering::SeqCst);
        self.opened.notify_waiters();
    }
}

#[async_trait]
impl Bus for SpyBus {
    async fn request(&self, subject: &str, payload: Bytes, timeout: Duration) -> Result<Bytes, RequestError> {
        let request = decode::<CommandRequestV2>(&payload).unwrap();
        let of_the_connector = request.origin.via == "connector";
        if of_the_connector {
            self.seen.lock().unwrap().push(request);
            loop {
                let opened = self.opened.notified();
                if !self.closed.load(Ordering::SeqCst) {
                    break;
                }
                opened.await;
            }
        }
        let reply = self.inner.request(subject, payload, timeout).await;
        if of_the_connector && self.deaf.load(Ordering::SeqCst) {
            return Err(RequestError::TimedOut { subject: subject.to_owned() });
        }
        reply
    }

    async fn serve_until(
        &self,
        filter: &str,
        queue: &str,
        until: CancellationToken,
    ) -> Result<Requests, TransportError> {
        self.inner.serve_until(filter, queue, until).await
    }

    async fn publish(&self, subject: &str, payload: Bytes) -> Result<(), TransportError> {
        self.inner.publish(subject, payload).await
    }

    async fn subscribe(&self, filter: &str) -> Result<Subscription, TransportError> {
        self.inner.subscribe(filter).await
    }
}

/// Leases that a test can take away. The epoch of a partition goes up with each grant.
#[derive(Debug, Default)]
pub(crate) struct OneLease {
    /// The connector's grants.
    held: Mutex<HashMap<Partition, Held>>,
    taken: AtomicBool,
    /// The grants of the other roles, which nobody else wants.
    others: Mutex<Vec<watch::Sender<bool>>>,
}

#[derive(Debug)]
struct Held {
    epoch: u64,
    lost: watch::Sender<bool>,
    given_back: oneshot::Receiver<()>,
}

impl OneLease {
    /// Takes the connector's partitions away, as an expiry would, and gives them to nobody until [`Self::release`].
    pub(crate) fn take_away(&self) {
        self.taken.store(true, Ordering::SeqCst);
        for held in self.held.lock().unwrap().values() {
            held.lost.send_replace(true);
        }
    }

    pub(crate) fn release(&self) {
        self.taken.store(false, Ordering::SeqCst);
    }

    /// The highest of all.
    pub(crate) fn epoch(&self) -> u64 {
        self.held.lock().unwrap().values().map(|held| held.epoch).max().unwrap_or_default()
    }

    /// Grants a partition of the connector's, if nobody has it.
    fn grant(&self, partition: Partition) -> Option<Grant> {
        let mut held = self.held.lock().unwrap();
        let before = held.get_mut(&partition);
        let is_free = before
            .is_none_or(|before| before.given_back.try_recv() != Err(oneshot::error::TryRecvError::Empty));
        if !is_free || self.taken.load(Ordering::SeqCst) {
            return None;
        }
        let epoch = held.get(&partition).map_or(0, |before| before.epoch) + 1;
        let (guard, given_back) = oneshot::channel();
        let (lost, told) = watch::channel(false);
        held.insert(partition, Held { epoch, lost, given_back });
        Some(Grant { epoch, holds: Holds::new(|| true), lost: told, guard: LeaseGuard(guard) })
    }
}

#[async_trait]
impl Leases for OneLease {
    async fn hold(&self, lease: Lease) -> Result<Grant, LeaseError> {
        if lease.role != berth_runtime::Role::Connector {
            let (guard, _) = oneshot::channel();
            let (lost, told) = watch::channel(false);
            self.others.lock().unwrap().push(lost);
            return Ok(Grant { epoch: 1, holds: Holds::new(|| true), lost: told, guard: LeaseGuard(guard) });
        }
        loop {
            if let Some(grant) = self.grant(lease.partition) {
                return Ok(grant);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A driver that does nothing, for as long as it is let.
#[derive(Debug)]
pub(crate) struct Nothing;

#[async_trait]
impl DeviceLink for Nothing {
    async fn run(&self, _link: Link, _start: Start, _reports: Arc<dyn Reports>) {
        std::future::pending::<()>().await;
    }

    async fn unlink(&self, _link: Link, _reports: Arc<dyn Reports>) -> Result<(), UnlinkError> {
        Err(UnlinkError::Unreachable)
    }
}
