//! A connector and a session-aggregate on real stores, and the words that the stories are told in.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use berth_bus::{
    Bus, DeviceKeys, KeyRing, Leases, Volatile,
    local::{FileDeviceKeys, FileKeyStore, LocalBus, LocalVolatile},
    nats::{NatsBus, NatsDeviceKeys, NatsLeases, NatsVolatile, connect, new_start},
    request_decision,
};
use berth_connector::{
    Handle, Ports, Settings, driver::DeviceLink, drivers::simulated::Simulated, keys::LinkKeys,
};
use berth_domain::instance::binding_block;
use berth_log::{
    EventLog,
    jetstream::{JetStreamLog, JetStreamOptions},
    memory::MemoryLog,
    rehydrate,
};
use berth_proto::{
    AccountId, CommitV2, Hash, InstanceId, Sealed, StreamKey, Timestamp,
    codec::{decode, encode},
    command::{Command, ConnectV1, CreateInstanceV1, DeleteV1, LogoutV1, ReconnectV1, RestartV1},
    commit::{OriginV1, PrincipalV1},
    event::Event,
    frame::{CommandReplyV1, CommandRequestV1, RejectionCodeV1, TargetV1},
    instance::{
        ConnectionV1, DeviceV1, EntriesV1, InstanceStateV1, MethodV1, PhaseV1, SettingsBlockV1,
        UnlinkStatusV1,
    },
    subject::{Sender, code_key, command_subject, simulate_subject},
};
use berth_runtime::{
    Clock, Lifecycle, ManualClock, MasterKey, SeededEntropy, SystemClock, SystemEntropy, Unique,
    UniqueInAccount,
    entropy::{new_command_id, new_instance_id, new_number},
    sealing::field,
};
use berth_test_support::NatsServer;
use bytes::Bytes;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::doubles::{OneLease, SpyBus};

/// How long a story waits for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// When the stories begin.
const BEGIN: Timestamp = Timestamp(1_700_000_000_000_000);

/// Everything that outlives a connector.
pub(crate) struct World {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) bus: Arc<SpyBus>,
    pub(crate) volatile: Arc<dyn Volatile>,
    pub(crate) keys: KeyRing,
    pub(crate) device_keys: Arc<dyn DeviceKeys>,
    pub(crate) leases: Arc<OneLease>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) entropy: Arc<SeededEntropy>,
    account: AccountId,
    folder: TempDir,
    lifecycle: Lifecycle,
    started: AtomicU64,
}

/// A connector that runs.
pub(crate) struct Connector {
    pub(crate) handle: Handle,
    pub(crate) lifecycle: Lifecycle,
}

impl Connector {
    /// Ends it as a crash would: every task is dropped at its next await, nothing is said.
    pub(crate) async fn kill(self) {
        self.lifecycle.abort().cancel();
        assert!(self.lifecycle.shut_down().await);
    }
}

impl World {
    /// A session-aggregate, and no connector yet.
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let device_keys = FileDeviceKeys::open(folder.path().join("devices")).await.unwrap();
        let shared = Shared {
            log: Arc::new(MemoryLog::new(4)),
            bus: Arc::new(LocalBus::new()),
            volatile: Arc::new(LocalVolatile::new()),
            device_keys: Arc::new(device_keys),
        };
        Self::over(folder, shared, Lifecycle::new()).await
    }

    /// The same on a NATS server.
    pub(crate) async fn on_nats(server: &NatsServer) -> Self {
        let lifecycle = Lifecycle::new();
        let (shared, _unused) = Shared::on_nats(server, "world", &lifecycle).await;
        Self::over(tempfile::tempdir().unwrap(), shared, lifecycle).await
    }

    async fn over(folder: TempDir, shared: Shared, lifecycle: Lifecycle) -> Self {
        let entropy = Arc::new(SeededEntropy::new(11));
        let store = FileKeyStore::open(folder.path().join("keys")).await.unwrap();
        let keys = KeyRing::new(MasterKey::generate(&*entropy), Arc::new(store));
        let account = AccountId::from_bytes([0xAC; 16]);
        keys.create(account.as_bytes(), &*entropy).await.unwrap().unwrap();
        let world = Self {
            log: shared.log,
            bus: Arc::new(SpyBus::over(shared.bus)),
            volatile: shared.volatile,
            keys,
            device_keys: shared.device_keys,
            leases: Arc::new(OneLease::default()),
            clock: Arc::new(ManualClock::new(BEGIN)),
            entropy,
            account,
            folder,
            lifecycle,
            started: AtomicU64::new(0),
        };
        world.start_aggregate().await;
        world.create_account().await;
        world
    }

    /// Instances are created in accounts that are there.
    async fn create_account(&self) {
        let owner = self.account.as_bytes();
        let key = self.keys.key(owner).await.unwrap().unwrap();
        let master = self.keys.master();
        let target = TargetV1::CreateAccount {
            account: self.account,
            name: key.seal(owner, field::NAME, b"connector"),
            name_entry: master.entry(Unique::AccountName, "connector"),
            token: key.seal(owner, field::TOKEN, b"token of the account"),
            token_entry: master.entry(Unique::Token, "token of the account"),
        };
        let reply = self.ask(target, Hash::over(b"test", &[owner]), PrincipalV1::Root).await;
        assert!(matches!(reply, CommandReplyV1::Accepted(_)), "{reply:?}");
    }

    async fn start_aggregate(&self) {
        let ports = berth_session_aggregate::Ports {
            log: self.log.clone(),
            bus: self.bus.clone(),
            keys: self.keys.clone(),
            device_keys: self.device_keys.clone(),
            leases: self.leases.clone(),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            data: self.folder("aggregate"),
        };
        let settings = berth_session_aggregate::Settings::default();
        berth_session_aggregate::start(ports, settings, &self.lifecycle).await.unwrap();
    }

    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A connector with the simulated driver, whose times are WhatsApp's.
    pub(crate) async fn connector(&self) -> Connector {
        self.connector_scaled(1).await
    }

    pub(crate) async fn connector_scaled(&self, time_scale: u32) -> Connector {
        let driver = Arc::new(Simulated::new(self.clock.clone(), self.entropy.clone(), time_scale));
        self.connector_with(Settings::new(driver.clone(), Some(driver))).await
    }

    /// A connector with a driver that cannot be played with.
    pub(crate) async fn connector_driven_by(&self, driver: Arc<dyn DeviceLink>) -> Connector {
        self.connector_with(Settings::new(driver, None)).await
    }

    async fn connector_with(&self, settings: Settings) -> Connector {
        let number = self.started.fetch_add(1, Ordering::SeqCst);
        let ports = Ports {
            log: self.log.clone(),
            bus: self.bus.clone(),
            volatile: self.volatile.clone(),
            keys: self.keys.clone(),
            device_keys: self.device_keys.clone(),
            leases: self.leases.clone(),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            data: self.folder(&format!("connector-{number}")),
        };
        let lifecycle = Lifecycle::new();
        let handle = berth_connector::start(ports, settings, &lifecycle).await.unwrap();
        Connector { handle, lifecycle }
    }

    /// A connector in a process of its own, as far as the NATS server can tell.
    pub(crate) async fn connector_on_nats(&self, server: &NatsServer, name: &str) -> Connector {
        let lifecycle = Lifecycle::new();
        let (shared, leases) = Shared::on_nats(server, name, &lifecycle).await;
        let ports = Ports {
            log: shared.log,
            bus: shared.bus,
            volatile: shared.volatile,
            keys: self.keys.clone(),
            device_keys: shared.device_keys,
            leases,
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            data: self.folder(name),
        };
        let driver = Arc::new(Simulated::new(self.clock.clone(), self.entropy.clone(), 1));
        let settings = Settings::new(driver.clone(), Some(driver));
        let handle = berth_connector::start(ports, settings, &lifecycle).await.unwrap();
        Connector { handle, lifecycle }
    }

    // === asking ===

    pub(crate) async fn instance(&self) -> InstanceId {
        self.instance_with(|_| Vec::new()).await
    }

    /// An instance on an upstream, where it is called `name`.
    pub(crate) async fn instance_on(&self, upstream: &str, name: &str) -> InstanceId {
        self.instance_bound("evolution", upstream, name).await
    }

    /// An instance whose link is of that kind, at an upstream or with a library of that name.
    pub(crate) async fn instance_bound(&self, kind: &str, upstream: &str, name: &str) -> InstanceId {
        let sealed = |seal: &dyn Fn(&str, &str) -> Sealed| seal(field::SETTINGS, name);
        self.instance_with(|seal| vec![binding_block(kind, upstream, sealed(seal))]).await
    }

    async fn instance_with(
        &self,
        settings: impl FnOnce(&dyn Fn(&str, &str) -> Sealed) -> Vec<SettingsBlockV1>,
    ) -> InstanceId {
        let id = new_instance_id(&*self.clock, &*self.entropy);
        let owner = id.as_bytes();
        let key = self.keys.create(owner, &*self.entropy).await.unwrap().unwrap();
        let account_key = self.keys.key(self.account.as_bytes()).await.unwrap().unwrap();
        let number = new_number(&*self.entropy);
        let master = self.keys.master();
        let create = CreateInstanceV1 {
            account: self.account,
            number,
            name: key.seal(owner, field::NAME, format!("name of {id}").as_bytes()),
            token: key.seal(owner, field::TOKEN, format!("token of {id}").as_bytes()),
            entries: EntriesV1 {
                name: account_key.entry(UniqueInAccount::Name, &format!("name of {id}")),
                token: master.entry(Unique::Token, &format!("token of {id}")),
                number: master.entry(Unique::Number, &number.to_string()),
                alias: None,
                creation: None,
            },
            settings: settings(&|field, text| key.seal(owner, field, text.as_bytes())),
            webhooks: Vec::new(),
        };
        self.accepted(id, create).await;
        id
    }

    /// An instance with a device that is linked and open.
    pub(crate) async fn linked(&self) -> InstanceId {
        let id = self.instance().await;
        self.link(id).await;
        id
    }

    pub(crate) async fn link(&self, id: InstanceId) {
        self.connect(id).await;
        self.until_qr(id, 1).await;
        self.plays(id, json!({"action": "scan"})).await;
        self.until_open(id).await;
    }

    pub(crate) async fn connect(&self, id: InstanceId) {
        self.accepted(id, ConnectV1 { method: MethodV1::Qr }).await;
    }

    pub(crate) async fn connect_by_code(&self, id: InstanceId, phone: &str) {
        let phone = self.seal(id, field::PAIRING_PHONE, phone).await;
        self.accepted(id, ConnectV1 { method: MethodV1::PairingCode { phone } }).await;
    }

    pub(crate) async fn logout(&self, id: InstanceId) {
        self.accepted(id, LogoutV1 {}).await;
    }

    pub(crate) async fn restart(&self, id: InstanceId) {
        self.accepted(id, RestartV1 {}).await;
    }

    pub(crate) async fn reconnect(&self, id: InstanceId) {
        self.accepted(id, ReconnectV1 {}).await;
    }

    pub(crate) async fn delete(&self, id: InstanceId) {
        self.accepted(id, DeleteV1 { only_without_session: false }).await;
    }

    pub(crate) async fn accepted(&self, id: InstanceId, command: impl Into<Command>) {
        let reply = self.send(id, command, PrincipalV1::Account { account: self.account }).await;
        assert!(matches!(reply, CommandReplyV1::Accepted(_)), "{reply:?}");
    }

    /// A report as some connector would send it.
    pub(crate) async fn report(
        &self,
        id: InstanceId,
        report: impl Into<Command>,
    ) -> Result<(), RejectionCodeV1> {
        match self.send(id, report, PrincipalV1::Service).await {
            CommandReplyV1::Accepted(_) => Ok(()),
            CommandReplyV1::Rejected(rejection) => Err(rejection.code),
            CommandReplyV1::Unavailable { reason } | CommandReplyV1::NoRoom { reason } => {
                panic!("not decided: {reason}")
            }
        }
    }

    async fn send(
        &self,
        instance: InstanceId,
        command: impl Into<Command>,
        principal: PrincipalV1,
    ) -> CommandReplyV1 {
        let command = command.into().to_record().unwrap();
        let digest = Hash::over(b"test", &[instance.as_bytes(), &command.body]);
        self.ask(TargetV1::Instance { instance, command }, digest, principal).await
    }

    async fn ask(&self, target: TargetV1, digest: Hash, principal: PrincipalV1) -> CommandReplyV1 {
        let sender = if principal == PrincipalV1::Service { Sender::Link } else { Sender::Client };
        let subject = command_subject(sender, &target.stream());
        let request = CommandRequestV1 {
            command_id: new_command_id(&*self.entropy),
            keyed: false,
            digest,
            principal,
            origin: OriginV1 { via: "native".to_owned() },
            causation: None,
            target,
        };
        let payload = Bytes::from(encode(&request).unwrap());
        decode(&request_decision(&*self.bus.inner, &subject, payload, PATIENCE).await.unwrap()).unwrap()
    }

    /// Plays something on the instance's link as a gateway does: the reply as it is, tried until somebody serves.
    pub(crate) async fn play(&self, id: InstanceId, request: Value) -> Value {
        let payload = Bytes::from(request.to_string());
        let mut reply = Value::Null;
        self.until("a play is answered", async || {
            let asked = self.bus.inner.request(&simulate_subject(id), payload.clone(), PATIENCE).await;
            match asked {
                Ok(bytes) => {
                    reply = serde_json::from_slice(&bytes).unwrap();
                    true
                }
                Err(_) => false,
            }
        })
        .await;
        reply
    }

    /// A hint as a gateway gives it.
    pub(crate) async fn hint(&self, id: InstanceId) {
        self.bus.inner.publish(&berth_proto::subject::hint_subject(id), Bytes::new()).await.unwrap();
    }

    pub(crate) async fn plays(&self, id: InstanceId, request: Value) {
        assert_eq!(self.play(id, request).await, json!({"ok": true}));
    }

    // === looking ===

    pub(crate) async fn seal(&self, id: InstanceId, field: &str, text: &str) -> Sealed {
        let key = self.keys.key(id.as_bytes()).await.unwrap().unwrap();
        key.seal(id.as_bytes(), field, text.as_bytes())
    }

    pub(crate) async fn open(&self, id: InstanceId, field: &str, sealed: &Sealed) -> String {
        let key = self.keys.key(id.as_bytes()).await.unwrap().unwrap();
        key.open_text(id.as_bytes(), field, sealed).unwrap()
    }

    pub(crate) async fn state(&self, id: InstanceId) -> InstanceStateV1 {
        let stored = self.log.tail(&StreamKey::instance(id)).await.unwrap().unwrap();
        rehydrate(&*self.log, &stored).await.unwrap().state
    }

    /// The names of everything that happened.
    pub(crate) async fn events(&self, id: InstanceId) -> Vec<&'static str> {
        self.history(id).await.iter().map(Event::name).collect()
    }

    /// The epochs of those who said that the link is open.
    pub(crate) async fn opened_epochs(&self, id: InstanceId) -> Vec<u64> {
        let opened = |event: &Event| match event {
            Event::ConnectionOpened(opened) => Some(opened.reported.epoch),
            _ => None,
        };
        self.history(id).await.iter().filter_map(opened).collect()
    }

    pub(crate) async fn history(&self, id: InstanceId) -> Vec<Event> {
        let stored = self.log.read(&StreamKey::instance(id), 0, 10_000).await.unwrap();
        let commits = stored.iter().map(|stored| decode::<CommitV2>(&stored.payload).unwrap());
        commits.flat_map(|commit| commit.events).map(|event| Event::from_record(&event).unwrap()).collect()
    }

    /// The text of a code in the volatile store.
    pub(crate) async fn code(&self, id: InstanceId, kind: &str, index: u32) -> Option<String> {
        let attempt = self.state(id).await.attempt;
        let entry = self.volatile.get(&code_key(id, attempt, kind, index)).await.unwrap()?;
        Some(self.open(id, field::CODE, &Sealed(entry.value.to_vec())).await)
    }

    pub(crate) async fn has_device_keys(&self, id: InstanceId, attempt: u32) -> bool {
        self.device_keys.get(id, attempt).await.unwrap().is_some()
    }

    pub(crate) async fn save_device_keys(&self, id: InstanceId, attempt: u32) {
        let (store, entropy) = (self.device_keys.clone(), self.entropy.clone());
        let keys = LinkKeys::new(id, attempt, store, self.keys.master().clone(), entropy);
        keys.put(b"material").await.unwrap();
    }

    /// A device as a report has it.
    pub(crate) async fn device(&self, id: InstanceId) -> DeviceV1 {
        DeviceV1 {
            jid: self.seal(id, field::JID, "5511987654321@s.whatsapp.net").await,
            lid: None,
            phone: self.seal(id, field::PHONE, "5511987654321").await,
            push_name: None,
            business_name: None,
            picture_url: None,
            platform: "android".to_owned(),
        }
    }

    pub(crate) async fn until(&self, what: &str, mut is: impl AsyncFnMut() -> bool) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while !is().await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        assert!(waited.await.is_ok(), "{what}: not in time");
    }

    pub(crate) async fn until_state(
        &self,
        id: InstanceId,
        what: &str,
        is: impl Fn(&InstanceStateV1) -> bool,
    ) {
        self.until(what, async || is(&self.state(id).await)).await;
    }

    pub(crate) async fn until_qr(&self, id: InstanceId, index: u32) {
        self.until_state(id, "a QR code is shown", |state| {
            berth_domain::instance::attempt(state)
                .and_then(|attempt| attempt.qr.as_ref())
                .is_some_and(|code| code.index >= index)
        })
        .await;
    }

    pub(crate) async fn until_open(&self, id: InstanceId) {
        self.until_connection(id, ConnectionV1::Open).await;
    }

    pub(crate) async fn until_connection(&self, id: InstanceId, connection: ConnectionV1) {
        self.until_state(
            id,
            "the connection is as wanted",
            |state| matches!(&state.phase, PhaseV1::Linked(link) if link.connection == connection),
        )
        .await;
    }

    pub(crate) async fn until_unlink(&self, id: InstanceId, status: UnlinkStatusV1) {
        self.until_state(id, "the unlink is as wanted", |state| {
            state.unlinks.last().is_some_and(|unlink| unlink.status == status)
        })
        .await;
    }
}

/// What the processes of a deployment share.
struct Shared {
    log: Arc<dyn EventLog>,
    bus: Arc<dyn Bus>,
    volatile: Arc<dyn Volatile>,
    device_keys: Arc<dyn DeviceKeys>,
}

impl Shared {
    /// As a process with that name sees it over a connection of its own.
    async fn on_nats(server: &NatsServer, name: &str, lifecycle: &Lifecycle) -> (Self, Arc<dyn Leases>) {
        let client = connect(&server.url(), None, name).await.unwrap();
        let options = JetStreamOptions { shards: 4, replicas: 1 };
        let shared = Self {
            log: Arc::new(JetStreamLog::open(client.clone(), options).await.unwrap()),
            bus: Arc::new(NatsBus::new(client.clone(), lifecycle)),
            volatile: Arc::new(NatsVolatile::open(client.clone(), 1).await.unwrap()),
            device_keys: Arc::new(NatsDeviceKeys::open(client.clone(), 1).await.unwrap()),
        };
        let clock = Arc::new(SystemClock);
        let identity = berth_bus::Identity {
            seat: format!("connector.{name}").parse().unwrap(),
            start: new_start(&SystemEntropy),
            former: None,
            version: "",
            since: SystemClock.now(),
            introduction: berth_bus::Introduction::default(),
        };
        (shared, Arc::new(NatsLeases::open(client, 1, identity, lifecycle, clock).await.unwrap()))
    }
}
