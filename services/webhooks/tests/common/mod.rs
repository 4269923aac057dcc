//! A world for webhooks: a log, an instance whose commands are decided as the aggregate does, a receiver that
//! records what reaches it, and dispatchers that can be stopped and started.
#![allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "each test file uses a part of this"
)]

mod receiver;

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use berth_bus::{
    Bus, KeyRing, Leases, Volatile,
    local::{FileKeyStore, LocalBus, LocalLeases, LocalVolatile},
};
use berth_domain::instance::{Context, Decision, decide, evolve};
use berth_log::{EventLog, Expected, NewCommit, hash_of_stored, memory::MemoryLog};
use berth_proto::{
    AccountId, CommandId, CommitV1, CommitV2, DirectoryId, EndpointId, Hash, InstanceId, Partition, RecordV1,
    Sealed, StreamKey, Timestamp, WriteVersion, codec,
    command::{
        Command, ConnectV1, CreateInstanceV1, DeleteV1, LogoutV1, ReportLinkedV1, ReportLostV1, ReportOpenV1,
        ReportQrV1, ReportV1,
    },
    commit::{OriginV1, PrincipalV1, ReceiptV1},
    delivery::{DeliveryEvent, SettledV1, SettlementV1},
    event::Event,
    frame::RejectionCodeV1,
    instance::{DeviceV1, EntriesV1, InstanceStateV1, MethodV1, WebhookV1},
    pull::{PullReplyV1, PullRequestV1},
    subject::{code_key, pull_subject},
};
use berth_runtime::{
    Clock, DataKey, Lifecycle, MasterKey, SeededEntropy, SystemClock, SystemEntropy, UrlPolicy,
    sealing::field,
};
use berth_views::ViewOptions;
use berth_webhooks::{Handle, Ports, Settings, schedule::Schedule};
use tempfile::TempDir;

pub(crate) use receiver::{Hit, Receiver};

/// How long a test waits for something before it fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(crate) const PHONE: &str = "5511987654321";

/// Everything but the dispatchers.
pub(crate) struct World {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) keys: KeyRing,
    pub(crate) delivery_keys: KeyRing,
    pub(crate) volatile: Arc<dyn Volatile>,
    pub(crate) leases: Arc<dyn Leases>,
    pub(crate) bus: Arc<LocalBus>,
    pub(crate) instance: InstanceId,
    pub(crate) folder: TempDir,
    /// What commands are decided on, and dispatchers that have no other.
    pub(crate) clock: Arc<dyn Clock>,
    write_version: WriteVersion,
    data_key: DataKey,
    reports: std::sync::atomic::AtomicU64,
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
            instance,
            folder,
            clock: Arc::new(SystemClock),
            write_version: WriteVersion::NEWEST,
            data_key,
            reports: 0.into(),
        }
    }

    /// The same with another clock.
    pub(crate) fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
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
            instance,
            folder: tempfile::tempdir().unwrap(),
            clock: self.clock.clone(),
            write_version: self.write_version,
            data_key,
            reports: 0.into(),
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
            clock,
            entropy: Arc::new(SeededEntropy::new(7)),
            data: self.data(name),
        };
        let settings = Settings {
            write_version: self.write_version,
            urls: UrlPolicy { allow: vec!["127.0.0.0/8".parse().unwrap()], plain_http: false },
            public_url: Some("https://berth.example".to_owned()),
            schedule,
            view,
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

    // === the queue ===

    /// Asks the queue, again while nobody serves it.
    pub(crate) async fn ask(&self, request: PullRequestV1) -> PullReplyV1 {
        let payload: bytes::Bytes = codec::encode(&request).unwrap().into();
        let asked = tokio::time::timeout(DEADLINE, async {
            loop {
                let reply = self.bus.request(&pull_subject(self.instance), payload.clone(), DEADLINE).await;
                match reply.map(|reply| codec::decode::<PullReplyV1>(&reply).unwrap()) {
                    Ok(PullReplyV1::Unavailable) | Err(_) => {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    Ok(reply) => return reply,
                }
            }
        });
        asked.await.unwrap()
    }

    /// The oldest notice of the queue; none if nothing came within the wait.
    pub(crate) async fn receive(&self, wait: Duration) -> Option<(u64, serde_json::Value)> {
        let wait_ms = u32::try_from(wait.as_millis()).unwrap();
        match self.ask(PullRequestV1::Receive { wait_ms }).await {
            PullReplyV1::Notice { receipt, body } => {
                let text = self.data_key.open_text(self.instance.as_bytes(), field::NOTICE, &body).unwrap();
                Some((receipt, serde_json::from_str(&text).unwrap()))
            }
            PullReplyV1::Nothing => None,
            other => panic!("{other:?}"),
        }
    }

    /// Deletes a notice of the queue.
    pub(crate) async fn delete_notice(&self, receipt: u64) -> bool {
        match self.ask(PullRequestV1::Delete { receipt }).await {
            PullReplyV1::Deleted { existed } => existed,
            other => panic!("{other:?}"),
        }
    }

    // === the journey ===

    pub(crate) async fn create(&self, webhooks: Vec<WebhookV1>) {
        let entry = |number| DirectoryId::from_bytes([number; 16]);
        self.command(CreateInstanceV1 {
            account: AccountId::from_bytes([1; 16]),
            number: 1_101_000_001,
            name: self.seal(field::NAME, "shop"),
            token: self.seal(field::TOKEN, "tok"),
            entries: EntriesV1 {
                name: entry(1),
                token: entry(2),
                number: entry(3),
                alias: None,
                creation: None,
            },
            settings: Vec::new(),
            webhooks,
        })
        .await;
    }

    pub(crate) async fn connect(&self) -> InstanceStateV1 {
        self.command(ConnectV1 { method: MethodV1::Qr }).await
    }

    /// Shows a QR code that lives for `seconds`.
    pub(crate) async fn qr(&self, index: u32, seconds: i64) {
        let attempt = self.state().await.attempt;
        let text = self.seal(field::CODE, &format!("2@code-{attempt}-{index}"));
        let key = code_key(self.instance, attempt, "qr", index);
        self.volatile.put(&key, text.0.into(), Duration::from_mins(1)).await.unwrap();
        let expires_at = self.clock.now().plus_seconds(seconds);
        let report = self.report(attempt);
        self.command(ReportQrV1 { report, index, digest: Hash([0; 32]), expires_at }).await;
    }

    pub(crate) async fn linked(&self) {
        let report = self.report(self.state().await.attempt);
        let device = DeviceV1 {
            jid: self.seal(field::JID, &format!("{PHONE}:12@s.whatsapp.net")),
            lid: None,
            phone: self.seal(field::PHONE, PHONE),
            push_name: Some(self.seal(field::PUSH_NAME, "Ana")),
            business_name: None,
            picture_url: None,
            platform: "android".to_owned(),
        };
        self.command(ReportLinkedV1 { report, device }).await;
    }

    pub(crate) async fn open(&self) {
        let report = self.report(self.state().await.attempt);
        self.command(ReportOpenV1 { report }).await;
    }

    pub(crate) async fn lost(&self) {
        let report = self.report(self.state().await.attempt);
        self.command(ReportLostV1 { report, code: 428, source_code: String::new() }).await;
    }

    pub(crate) async fn logout(&self) {
        self.command(LogoutV1 {}).await;
    }

    pub(crate) async fn delete(&self) {
        self.command(DeleteV1 { only_without_session: false }).await;
    }

    /// From nothing to an open connection.
    pub(crate) async fn link(&self) {
        self.connect().await;
        self.linked().await;
        self.open().await;
    }

    fn report(&self, attempt: u32) -> ReportV1 {
        let number = self.reports.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
        ReportV1 { attempt, epoch: 1, number }
    }

    pub(crate) async fn state(&self) -> InstanceStateV1 {
        let stored = self.log.tail(&StreamKey::instance(self.instance)).await.unwrap().unwrap();
        berth_log::decode_state(&stored).unwrap().1
    }

    /// Decides a command and appends what it comes to.
    pub(crate) async fn command(&self, command: impl Into<Command>) -> InstanceStateV1 {
        self.decided(command).await.unwrap()
    }

    /// Decides a command and appends what it comes to, unless it is refused.
    pub(crate) async fn decided(
        &self,
        command: impl Into<Command>,
    ) -> Result<InstanceStateV1, RejectionCodeV1> {
        let stream = StreamKey::instance(self.instance);
        let tail = self.log.tail(&stream).await.unwrap();
        let before = tail.as_ref().map(|stored| codec::decode::<CommitV2>(&stored.payload).unwrap());
        let mut state: Option<InstanceStateV1> =
            before.as_ref().map(|commit| commit.full_state().unwrap().open().unwrap());
        let now = self.clock.now();
        let at = before.map_or(now, |commit| now.max(commit.occurred_at));
        let decision = decide(state.as_ref(), &command.into(), &Context { now })?;
        for event in &decision.events {
            state = evolve(state, event, at);
        }
        let state = state.unwrap();
        let expected = tail.as_ref().map_or(Expected::Empty, |stored| Expected::After(stored.tail));
        let commit = CommitV1 {
            stream,
            version: expected.next_version(),
            previous: tail
                .as_ref()
                .map_or_else(|| Hash::genesis(&stream), |stored| hash_of_stored(stored).unwrap()),
            occurred_at: at,
            receipts: vec![receipt(expected.next_version(), &decision)],
            events: decision.events.iter().map(|event: &Event| event.to_record().unwrap()).collect(),
            state: RecordV1::of(&state).unwrap(),
        };
        let payload = codec::encode(&commit).unwrap().into();
        let version = commit.version;
        let new = NewCommit { stream, version, command_id: None, traceparent: None, payload };
        self.log.append(new, expected).await.unwrap();
        Ok(state)
    }

    // === what came of it ===

    /// The version of the commit in which something of this name happened first.
    pub(crate) async fn version_of(&self, name: &str) -> u64 {
        let stored = self.log.read(&StreamKey::instance(self.instance), 0, 1_000).await.unwrap();
        let commits = stored.iter().map(|stored| codec::decode::<CommitV2>(&stored.payload).unwrap());
        let named = |record: &RecordV1| Event::from_record(record).unwrap().name() == name;
        commits.into_iter().find(|commit| commit.events.iter().any(named)).unwrap().version
    }

    /// Every settlement of the instance, in order.
    pub(crate) async fn settlements(&self) -> Vec<SettledV1> {
        let stream = StreamKey::delivery(Partition::of(self.instance.as_bytes()));
        let mut settled = Vec::new();
        for stored in self.log.read(&stream, 0, 1_000).await.unwrap() {
            let commit: CommitV2 = codec::decode(&stored.payload).unwrap();
            for record in &commit.events {
                if let DeliveryEvent::NoticesSettled(event) = DeliveryEvent::from_record(record).unwrap() {
                    settled.extend(event.notices);
                }
            }
        }
        settled
    }

    /// Waits until this many notices are settled, and returns how.
    pub(crate) async fn settled(&self, count: usize) -> Vec<SettlementV1> {
        let mut outcomes = Vec::new();
        let waited = tokio::time::timeout(DEADLINE, async {
            loop {
                outcomes = self.settlements().await.iter().map(|settled| settled.outcome).collect();
                if outcomes.len() >= count {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        assert!(waited.await.is_ok(), "{count} settlements are awaited, there are {outcomes:?}");
        outcomes
    }
}

/// The command that was decided in the commit with a version.
pub(crate) fn command_at(version: u64) -> CommandId {
    CommandId::from_bytes([u8::try_from(version).unwrap(); 16])
}

fn receipt(version: u64, decision: &Decision) -> ReceiptV1 {
    ReceiptV1 {
        command_id: command_at(version),
        keyed: false,
        digest: Hash([0; 32]),
        principal: PrincipalV1::Service,
        origin: OriginV1 { via: "test".to_owned() },
        causation: None,
        outcome: decision.outcome.clone(),
        first_event: 0,
        event_count: u16::try_from(decision.events.len()).unwrap(),
    }
}
