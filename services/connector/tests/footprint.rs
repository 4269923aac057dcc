//! What a link costs in memory: thousands run in one process.
//!
//! A binary of its own, since it looks at the memory of the whole process.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use berth_bus::{
    Bus, DeviceKeys, Grant, Holds, KeyRing, KeyStoreError, Lease, LeaseError, Leases, RequestError, Requests,
    Subscription, TransportError,
    local::{FileKeyStore, LocalBus, LocalVolatile},
    port::LeaseGuard,
};
use berth_connector::{Ports, Settings, drivers::simulated::Simulated, keys::LinkKeys};
use berth_log::{EventLog, Expected, NewCommit, memory::MemoryLog};
use berth_proto::{
    AccountId, CommitV1, DirectoryId, Hash, InstanceId, Sealed, StreamId, StreamKey, Timestamp,
    codec::{RecordV1, encode},
    commit::{OutcomeCodeV1, OutcomeV1},
    event::{ConnectRequestedV1, DeviceLinkedV1, Event, InstanceCreatedV1, ReportedV1},
    frame::{AcceptedV1, CommandReplyV1},
    instance::{DeviceV1, EntriesV1, MethodV1},
};
use berth_runtime::{Lifecycle, ManualClock, MasterKey, SeededEntropy, entropy::new_instance_id};
use bytes::Bytes;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

/// Links that run.
const LINKS: usize = 5_000;
/// What a link may take, in bytes.
const LINK_BYTES_MAX: usize = 4 * 1_024;
const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

#[tokio::test]
async fn a_link_takes_less_than_four_kibibytes() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(NOW));
    let entropy = Arc::new(SeededEntropy::new(5));
    let log = Arc::new(MemoryLog::new(4));
    let store = FileKeyStore::open(folder.path().join("keys")).await.unwrap();
    let keys = KeyRing::new(MasterKey::generate(&*entropy), Arc::new(store));
    let device_keys = Arc::new(Remembered::default());
    for _ in 0..LINKS {
        let id = new_instance_id(&*clock, &*entropy);
        log.append(linked_device(id), Expected::Empty).await.unwrap();
        let master = keys.master().clone();
        LinkKeys::new(id, 1, device_keys.clone(), master, entropy.clone()).put(&[0; 64]).await.unwrap();
    }
    let (bus, leases) = (Arc::new(Nodding::default()), Arc::new(Gate::default()));
    let driver = Arc::new(Simulated::new(clock.clone(), entropy.clone(), 1));
    let ports = Ports {
        log,
        bus: bus.clone(),
        volatile: Arc::new(LocalVolatile::new()),
        keys,
        device_keys,
        leases: leases.clone(),
        clock,
        entropy,
        data: folder.path().join("view"),
    };
    let lifecycle = Lifecycle::new();
    let settings = Settings::new(driver.clone(), Some(driver));
    let handle = berth_connector::start(ports, settings, &lifecycle).await.unwrap();
    // The view has read the log, and nothing runs yet.
    until(|| {
        handle.status() == "stands by for the device links" && leases.asked.load(Ordering::SeqCst) == 64
    })
    .await;
    let before = resident_bytes();
    leases.open.send_replace(true);
    until(|| bus.asked.load(Ordering::SeqCst) >= LINKS as u64).await;
    let each = resident_bytes().saturating_sub(before) / LINKS;
    println!("{each} bytes for each of {LINKS} links");
    assert!(each < LINK_BYTES_MAX, "{each} bytes for each link");
    assert!(lifecycle.shut_down().await);
}

async fn until(is: impl Fn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_mins(1), async {
        while !is() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    waited.await.unwrap();
}

fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4_096
}

/// The only commit of an instance with a linked device.
fn linked_device(id: InstanceId) -> NewCommit {
    let stream = StreamKey::instance(id);
    let sealed = || Sealed(vec![1; 32]);
    let entry = DirectoryId::from_bytes([3; 16]);
    let entries = EntriesV1 { name: entry, token: entry, number: entry, alias: None, creation: None };
    let created = InstanceCreatedV1 {
        account: AccountId::from_bytes([2; 16]),
        number: 1_234_567_890,
        name: sealed(),
        token: sealed(),
        entries,
        settings: Vec::new(),
    };
    let device = DeviceV1 {
        jid: sealed(),
        lid: None,
        phone: sealed(),
        push_name: None,
        business_name: None,
        picture_url: None,
        platform: String::new(),
    };
    let reported = ReportedV1 { epoch: 1, number: 1 };
    let events: [Event; 3] = [
        created.into(),
        ConnectRequestedV1 { attempt: 1, method: MethodV1::Qr, deadline: NOW.plus_seconds(60) }.into(),
        DeviceLinkedV1 { attempt: 1, device, reported }.into(),
    ];
    let state =
        events.iter().fold(None, |state, event| berth_domain::instance::evolve(state, event, NOW)).unwrap();
    let commit = CommitV1 {
        stream,
        version: 1,
        previous: Hash::genesis(&stream),
        occurred_at: NOW,
        receipts: Vec::new(),
        events: events.iter().map(|event| event.to_record().unwrap()).collect(),
        state: RecordV1::of(&state).unwrap(),
    };
    let payload = encode(&commit).unwrap().into();
    NewCommit { stream, version: 1, command_id: None, traceparent: None, payload }
}

/// A bus on which every command is accepted at once.
#[derive(Debug, Default)]
struct Nodding {
    local: LocalBus,
    asked: AtomicU64,
}

#[async_trait]
impl Bus for Nodding {
    async fn request(&self, _: &str, _: Bytes, _: Duration) -> Result<Bytes, RequestError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let accepted = AcceptedV1 {
            stream_id: StreamId::from_bytes([0; 16]),
            outcome: OutcomeV1 { code: OutcomeCodeV1::Applied, attempt: 1, endpoint: None },
            replayed: false,
            version: 2,
            state: RecordV1 { type_id: 0, version: 0, body: Vec::new() },
        };
        Ok(encode(&CommandReplyV1::Accepted(accepted)).unwrap().into())
    }

    async fn serve_until(
        &self,
        filter: &str,
        queue: &str,
        until: CancellationToken,
    ) -> Result<Requests, TransportError> {
        self.local.serve_until(filter, queue, until).await
    }

    async fn publish(&self, subject: &str, payload: Bytes) -> Result<(), TransportError> {
        self.local.publish(subject, payload).await
    }

    async fn subscribe(&self, filter: &str) -> Result<Subscription, TransportError> {
        self.local.subscribe(filter).await
    }
}

/// Keys in memory, there before the links are counted.
#[derive(Debug, Default)]
struct Remembered(Mutex<HashMap<(InstanceId, u32), Bytes>>);

#[async_trait]
impl DeviceKeys for Remembered {
    async fn put(&self, instance: InstanceId, attempt: u32, sealed: Bytes) -> Result<(), KeyStoreError> {
        self.0.lock().unwrap().insert((instance, attempt), sealed);
        Ok(())
    }

    async fn get(&self, instance: InstanceId, attempt: u32) -> Result<Option<Bytes>, KeyStoreError> {
        Ok(self.0.lock().unwrap().get(&(instance, attempt)).cloned())
    }

    async fn delete(&self, _: InstanceId, _: u32) -> Result<(), KeyStoreError> {
        panic!("no link ends");
    }

    async fn all(&self) -> Result<Vec<(InstanceId, u32)>, KeyStoreError> {
        panic!("nobody carries a deployment elsewhere");
    }
}

/// Leases that are granted when the gate opens.
#[derive(Debug, Default)]
struct Gate {
    asked: AtomicUsize,
    open: watch::Sender<bool>,
    granted: Mutex<Vec<watch::Sender<bool>>>,
}

#[async_trait]
impl Leases for Gate {
    async fn hold(&self, _: Lease) -> Result<Grant, LeaseError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.open.subscribe().wait_for(|open| *open).await.unwrap();
        let (guard, _given_back) = oneshot::channel();
        let (lost, told) = watch::channel(false);
        self.granted.lock().unwrap().push(lost);
        Ok(Grant { epoch: 2, holds: Holds::until(told.clone()), lost: told, guard: LeaseGuard(guard) })
    }
}
