//! A world for webhooks: a log, an instance whose commands are decided as the aggregate does, a receiver that
//! records what reaches it, and dispatchers that can be stopped and started.
#![allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "each test file uses a part of this"
)]

mod account;
mod journey;
mod outcome;
mod queue;
mod receiver;

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use berth_bus::{
    KeyRing, Leases, Postbag, Relay, Volatile,
    local::{FileKeyStore, FilePostbag, LocalBus, LocalLeases, LocalVolatile},
};
use berth_log::{EventLog, memory::MemoryLog};
use berth_proto::{EndpointId, InstanceId, Sealed, Timestamp, WriteVersion, instance::WebhookV1};
use berth_runtime::{
    Clock, DataKey, Lifecycle, MasterKey, SeededEntropy, SystemClock, SystemEntropy, UrlPolicy,
    config::EgressProxy, sealing::field,
};
use berth_views::ViewOptions;
use berth_webhooks::{
    Handle, Ports, Room, Settings,
    schedule::{BreakerRule, Schedule},
    transport::Tcp,
};
use tempfile::TempDir;

pub(crate) use account::ACCOUNT;
pub(crate) use journey::command_at;
pub(crate) use receiver::{Hit, Receiver};

/// How long a test waits for something before it fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(crate) const PHONE: &str = "5511987654321";

/// Of each lane only the oldest notice is in memory, and that only while something is to be done for its instance.
pub(crate) const SHORT: Room = Room {
    lane_max: 1,
    short_from: 0,
    away_from: Duration::ZERO,
    looks_each: Duration::from_millis(5),
    read_min: 1,
    notices_max: 100_000,
    besides_max: 1_000,
};

/// Whether these are stories of order and silence, which hold with as little in memory as there may be.
fn is_told_short() -> bool {
    let stories = ["breaker", "built_anew", "clock", "redelivery", "room", "silence", "takeover"];
    stories.iter().any(|story| module_path!().starts_with(story))
}

/// Everything but the dispatchers.
pub(crate) struct World {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) keys: KeyRing,
    pub(crate) delivery_keys: KeyRing,
    pub(crate) volatile: Arc<dyn Volatile>,
    pub(crate) leases: Arc<dyn Leases>,
    pub(crate) bus: Arc<LocalBus>,
    /// Tells attempts to the other dispatchers; none unless the world is given one.
    pub(crate) relay: Option<Arc<dyn Relay>>,
    pub(crate) postbag: Arc<dyn Postbag>,
    pub(crate) instance: InstanceId,
    pub(crate) folder: TempDir,
    /// Whoever opens the connections to endpoints, if it is not the dispatcher.
    pub(crate) proxy: Option<EgressProxy>,
    /// What commands are decided on, and dispatchers that have no other.
    pub(crate) clock: Arc<dyn Clock>,
    /// How much of what is owed a dispatcher has in memory.
    pub(crate) room: Room,
    write_version: WriteVersion,
    data_key: DataKey,
    reports: std::sync::atomic::AtomicU64,
    /// The version of the account that commits of the instances name, in the world and in those beside it.
    account_version: Arc<std::sync::atomic::AtomicU64>,
}

/// A running dispatcher.
pub(crate) struct Replica {
    pub(crate) handle: Handle,
    pub(crate) lifecycle: Lifecycle,
}

impl Replica {
    /// Ends it as a crash would: whatever runs is dropped.
    pub(crate) async fn crash(self) {
        self.lifecycle.abort().cancel();
        self.lifecycle.stop().cancel();
        self.lifecycle.shut_down().await;
    }
}

/// Schedules of milliseconds: enough attempts for every story.
pub(crate) fn quick() -> Schedule {
    Schedule {
        delays: vec![Duration::from_millis(30); 200],
        qr_delays: vec![Duration::from_millis(30); 3],
        green_delay: Duration::from_millis(30),
        jitter_percent: 20,
        attempt_max: Duration::from_secs(5),
        letter_look: Duration::from_millis(30),
        breaker: BreakerRule {
            failures: 5,
            open_min: Duration::from_millis(5),
            open_max: Duration::from_millis(5),
        },
        ..Schedule::default()
    }
}

/// Delays that no test lives to see.
pub(crate) fn slow() -> Schedule {
    Schedule { delays: vec![Duration::from_hours(5); 9], ..quick() }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with_log(Arc::new(MemoryLog::new(4))).await
    }

    pub(crate) async fn with_log(log: Arc<dyn EventLog>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(FileKeyStore::open(folder.path().join("keys")).await.unwrap());
        let apart = Arc::new(FileKeyStore::open(folder.path().join("delivery-keys")).await.unwrap());
        let master = MasterKey::generate(&SystemEntropy);
        let delivery_keys = KeyRing::new(master.clone(), apart);
        let keys = KeyRing::new(master, store);
        let instance = berth_runtime::entropy::new_instance_id(&SystemClock, &SystemEntropy);
        let data_key = keys.create(instance.as_bytes(), &SystemEntropy).await.unwrap().unwrap();
        Self {
            log,
            keys,
            delivery_keys,
            volatile: Arc::new(LocalVolatile::new()),
            leases: Arc::new(LocalLeases::open(folder.path().join("leases")).await.unwrap()),
            bus: Arc::new(LocalBus::new()),
            relay: None,
            postbag: Arc::new(FilePostbag::open(folder.path().join("postbag")).await.unwrap()),
            instance,
            folder,
            proxy: None,
            clock: Arc::new(SystemClock),
            room: if is_told_short() { SHORT } else { Room::default() },
            write_version: WriteVersion::NEWEST,
            data_key,
            reports: 0.into(),
            account_version: Arc::default(),
        }
    }

    /// The same with another clock.
    pub(crate) fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// The same with dispatchers that tell each other what they tried.
    pub(crate) fn with_relay(self, relay: Arc<dyn Relay>) -> Self {
        Self { relay: Some(relay), ..self }
    }

    /// The same with another postbag.
    pub(crate) fn with_postbag(self, postbag: Arc<dyn Postbag>) -> Self {
        Self { postbag, ..self }
    }

    /// The same in a deployment that writes these formats.
    pub(crate) fn with_write_version(self, write_version: WriteVersion) -> Self {
        Self { write_version, ..self }
    }

    /// The same with other data keys.
    pub(crate) fn with_keys(self, keys: KeyRing) -> Self {
        Self { keys, ..self }
    }

    /// Another instance of the same deployment.
    pub(crate) async fn beside(&self) -> Self {
        let instance = berth_runtime::entropy::new_instance_id(&SystemClock, &SystemEntropy);
        let data_key = self.keys.create(instance.as_bytes(), &SystemEntropy).await.unwrap().unwrap();
        Self {
            log: self.log.clone(),
            keys: self.keys.clone(),
            delivery_keys: self.delivery_keys.clone(),
            volatile: self.volatile.clone(),
            leases: self.leases.clone(),
            bus: self.bus.clone(),
            relay: self.relay.clone(),
            postbag: self.postbag.clone(),
            instance,
            folder: tempfile::tempdir().unwrap(),
            proxy: self.proxy.clone(),
            clock: self.clock.clone(),
            room: self.room,
            write_version: self.write_version,
            data_key,
            reports: 0.into(),
            account_version: Arc::clone(&self.account_version),
        }
    }

    /// Starts a dispatcher with its own data folder.
    pub(crate) async fn replica(&self, name: &str, schedule: Schedule) -> Replica {
        self.replica_with_leases(name, schedule, self.leases.clone()).await
    }

    /// Starts a dispatcher whose outbox is on disk.
    pub(crate) async fn replica_on_disk(&self, name: &str, schedule: Schedule) -> Replica {
        let view = ViewOptions::new(self.clock.clone());
        self.start_replica(name, schedule, self.leases.clone(), view, self.clock.clone()).await
    }

    /// Starts a dispatcher with a clock of its own.
    pub(crate) async fn replica_with_clock(&self, name: &str, clock: Arc<dyn Clock>) -> Replica {
        let view = ViewOptions::in_memory(clock.clone());
        self.start_replica(name, quick(), self.leases.clone(), view, clock).await
    }

    pub(crate) async fn replica_with_leases(
        &self,
        name: &str,
        schedule: Schedule,
        leases: Arc<dyn Leases>,
    ) -> Replica {
        let view = ViewOptions::in_memory(self.clock.clone());
        self.start_replica(name, schedule, leases, view, self.clock.clone()).await
    }

    async fn start_replica(
        &self,
        name: &str,
        schedule: Schedule,
        leases: Arc<dyn Leases>,
        view: ViewOptions,
        clock: Arc<dyn Clock>,
    ) -> Replica {
        let lifecycle = Lifecycle::new();
        let ports = Ports {
            log: self.log.clone(),
            bus: self.bus.clone(),
            volatile: self.volatile.clone(),
            keys: self.keys.clone(),
            delivery_keys: self.delivery_keys.clone(),
            leases,
            relay: self.relay.clone(),
            postbag: Some(self.postbag.clone()),
            clock,
            entropy: Arc::new(SeededEntropy::new(7)),
            data: self.data(name),
        };
        let settings = Settings {
            write_version: self.write_version,
            urls: UrlPolicy {
                allow: vec!["127.0.0.0/8".parse().unwrap()],
                plain_http: false,
                ..UrlPolicy::default()
            },
            public_url: Some("https://berth.example".to_owned()),
            proxy: self.proxy.clone(),
            dial: Arc::new(Tcp),
            schedule,
            view,
            room: self.room,
        };
        let handle = berth_webhooks::start(ports, settings, &lifecycle).await.unwrap();
        Replica { handle, lifecycle }
    }

    pub(crate) fn data(&self, name: &str) -> std::path::PathBuf {
        Path::new(self.folder.path()).join(name)
    }

    pub(crate) fn seal(&self, field: &str, value: &str) -> Sealed {
        self.data_key.seal(self.instance.as_bytes(), field, value.as_bytes())
    }

    pub(crate) fn opened(&self, field: &str, sealed: &Sealed) -> String {
        self.data_key.open_text(self.instance.as_bytes(), field, sealed).unwrap()
    }

    /// An endpoint of a format at the receiver.
    pub(crate) fn endpoint(&self, number: u8, format: &str, to: SocketAddr) -> WebhookV1 {
        WebhookV1 {
            id: EndpointId::from_bytes([number; 16]),
            format: format.to_owned(),
            label: format!("hook-{number}"),
            enabled: true,
            url: self.seal(field::WEBHOOK_URL, &format!("http://{to}/{number}")),
            headers: Some(self.seal(field::WEBHOOK_HEADERS, r#"{"x-shop":"1","host":"evil"}"#)),
            authorization: Some(self.seal(field::WEBHOOK_AUTHORIZATION, "Bearer mine")),
            secret: self.seal(field::WEBHOOK_SECRET, SECRET),
            old_secrets: Vec::new(),
            events: Vec::new(),
            after_logout_all: false,
            options: None,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        }
    }

    /// An endpoint whose notices wait to be fetched.
    pub(crate) fn pulled(&self, number: u8) -> WebhookV1 {
        WebhookV1 {
            url: self.seal(field::WEBHOOK_URL, ""),
            headers: None,
            authorization: None,
            ..self.endpoint(number, "green", SocketAddr::from(([127, 0, 0, 1], 9)))
        }
    }
}
