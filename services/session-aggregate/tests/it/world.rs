//! A running service with everything around it, and the words that the stories are told in.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use berth_bus::{
    Bus, KeyRing,
    local::{FileDeviceKeys, FileKeyStore, LocalBus, LocalLeases},
};
use berth_log::{EventLog, memory::MemoryLog};
use berth_proto::{
    AccountId, CommandId, CommitV1, DirectoryId, EndpointId, Hash, InstanceId, Sealed, StreamKey, Timestamp,
    codec::{decode, encode},
    command::{Command, CreateInstanceV1, DeleteV1, LogoutV1, ReportLinkedV1, ReportV1, RotateTokenV1},
    commit::{OriginV1, PrincipalV1},
    directory::DirectoryStateV1,
    event::NewTokenV1,
    frame::{AcceptedV1, CommandReplyV1, CommandRequestV1, RejectionCodeV1, TargetV1},
    instance::{DeviceV1, EntriesV1, InstanceStateV1, SettingsBlockV1, WebhookV1},
    subject::command_subject,
};
use berth_runtime::{
    Entropy, Lifecycle, ManualClock, MasterKey, SeededEntropy,
    entropy::{new_command_id, new_instance_id},
    sealing::field,
};
use berth_session_aggregate::{Handle, Ports, Settings, start};
use tempfile::TempDir;

use crate::faults::FaultyLog;

/// How long a story waits for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// When the stories begin.
pub(crate) const BEGIN: Timestamp = Timestamp(1_700_000_000_000_000);

/// Everything that outlives a replica, and the replica that runs.
pub(crate) struct World {
    pub(crate) log: Arc<FaultyLog>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) keys: KeyRing,
    pub(crate) device_keys: Arc<FileDeviceKeys>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) entropy: Arc<SeededEntropy>,
    pub(crate) account: AccountId,
    leases: Arc<LocalLeases>,
    /// Dropped with the world, if it is the world's own.
    _own: Option<TempDir>,
    folder: PathBuf,
    replicas: Vec<(Handle, Lifecycle)>,
    started: usize,
}

/// What a create asks for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) token: String,
    pub(crate) number: u64,
    pub(crate) alias: Option<String>,
    /// The idempotency key, if there is one.
    pub(crate) key: Option<String>,
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) webhooks: Vec<String>,
}

impl Wanted {
    pub(crate) fn named(name: &str, number: u64) -> Self {
        Self {
            name: name.to_owned(),
            token: format!("token-of-{name}"),
            number,
            alias: None,
            key: None,
            settings: Vec::new(),
            webhooks: Vec::new(),
        }
    }

    pub(crate) fn keyed(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }
}

impl World {
    /// One replica over a log in memory.
    pub(crate) async fn start() -> Self {
        let mut world = Self::without_replica().await;
        world.add_replica().await;
        world
    }

    pub(crate) async fn without_replica() -> Self {
        Self::over(Arc::new(MemoryLog::new(4)), Arc::new(LocalBus::new())).await
    }

    pub(crate) async fn over(log: Arc<dyn EventLog>, bus: Arc<dyn Bus>) -> Self {
        let own = tempfile::tempdir().unwrap();
        let world = Self::over_in(own.path(), log, bus).await;
        Self { _own: Some(own), ..world }
    }

    /// Everything around a replica in a folder, which may have been used before.
    pub(crate) async fn over_in(folder: &Path, log: Arc<dyn EventLog>, bus: Arc<dyn Bus>) -> Self {
        let entropy = Arc::new(SeededEntropy::new(7));
        let store = FileKeyStore::open(folder.join("keys")).await.unwrap();
        let keys = KeyRing::new(MasterKey::generate(&*entropy), Arc::new(store));
        let account = AccountId::from_bytes([0xAC; 16]);
        keys.create(account.as_bytes(), &*entropy).await.unwrap().unwrap();
        Self {
            log: FaultyLog::new(log),
            bus,
            keys,
            device_keys: Arc::new(FileDeviceKeys::open(folder.join("devices")).await.unwrap()),
            clock: Arc::new(ManualClock::new(BEGIN)),
            leases: Arc::new(LocalLeases::open(folder.join("leases")).await.unwrap()),
            entropy,
            account,
            _own: None,
            folder: folder.to_owned(),
            replicas: Vec::new(),
            started: 0,
        }
    }

    /// Starts one more replica on the same bus.
    pub(crate) async fn add_replica(&mut self) {
        let bus = Arc::clone(&self.bus);
        self.add_replica_on(bus).await;
    }

    pub(crate) async fn add_replica_on(&mut self, bus: Arc<dyn Bus>) {
        self.started += 1;
        let ports = Ports {
            log: Arc::clone(&self.log) as Arc<dyn EventLog>,
            bus,
            keys: self.keys.clone(),
            device_keys: self.device_keys.clone(),
            leases: self.leases.clone(),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            data: self.folder().join(format!("replica-{}", self.started)),
        };
        let lifecycle = Lifecycle::new();
        let handle = start(ports, Settings::default(), &lifecycle).await.unwrap();
        self.replicas.push((handle, lifecycle));
    }

    /// Ends every replica as a crash would: nothing is finished.
    pub(crate) async fn crash(&mut self) {
        for (_, lifecycle) in self.replicas.drain(..) {
            lifecycle.abort().cancel();
            lifecycle.shut_down().await;
        }
    }

    /// Ends the replica that was started first as a crash would.
    pub(crate) async fn crash_first(&mut self) {
        let (_, lifecycle) = self.replicas.remove(0);
        lifecycle.abort().cancel();
        lifecycle.shut_down().await;
    }

    /// Ends every replica in order.
    pub(crate) async fn stop(&mut self) {
        for (handle, lifecycle) in self.replicas.drain(..) {
            assert!(lifecycle.shut_down().await, "a drain ends by itself");
            assert!(!handle.ready());
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether one of the replicas runs the process manager.
    pub(crate) fn sweeps(&self) -> bool {
        self.replicas.iter().any(|(handle, _)| handle.sweeps())
    }

    /// Whether every replica takes commands.
    pub(crate) fn ready(&self) -> bool {
        self.replicas.iter().all(|(handle, _)| handle.ready())
    }

    // === asking ===

    pub(crate) fn as_account(&self) -> PrincipalV1 {
        PrincipalV1::Account { account: self.account }
    }

    pub(crate) fn new_id(&self) -> InstanceId {
        new_instance_id(&*self.clock, &*self.entropy)
    }

    /// A request without an idempotency key.
    pub(crate) fn request(&self, instance: InstanceId, command: impl Into<Command>) -> CommandRequestV1 {
        let command = command.into().to_record().unwrap();
        CommandRequestV1 {
            command_id: new_command_id(&*self.entropy),
            keyed: false,
            digest: Hash::over(b"test", &[instance.as_bytes(), &command.body]),
            principal: self.as_account(),
            origin: OriginV1 { via: "native".to_owned() },
            causation: None,
            target: TargetV1::Instance { instance, command },
        }
    }

    /// The same with a key.
    pub(crate) fn keyed(
        &self,
        instance: InstanceId,
        command: impl Into<Command>,
        key: &str,
    ) -> CommandRequestV1 {
        let digest = Hash::over(b"key", &[key.as_bytes()]);
        let id = digest.0.first_chunk::<16>().copied().unwrap();
        CommandRequestV1 {
            command_id: CommandId::from_bytes(id),
            keyed: true,
            ..self.request(instance, command)
        }
    }

    /// One of our services' own commands.
    pub(crate) fn report(&self, instance: InstanceId, command: impl Into<Command>) -> CommandRequestV1 {
        CommandRequestV1 { principal: PrincipalV1::Service, ..self.request(instance, command) }
    }

    pub(crate) async fn send(&self, request: &CommandRequestV1) -> CommandReplyV1 {
        self.send_on(&self.bus, request).await
    }

    pub(crate) async fn send_on(&self, bus: &Arc<dyn Bus>, request: &CommandRequestV1) -> CommandReplyV1 {
        let stream = match &request.target {
            TargetV1::Instance { instance, .. } => StreamKey::instance(*instance),
            TargetV1::CreateAccount { account, .. } | TargetV1::RotateAccountToken { account, .. } => {
                StreamKey::account(*account)
            }
        };
        let payload = encode(request).unwrap().into();
        let reply = bus.request(&command_subject(&stream), payload, PATIENCE).await.unwrap();
        decode(&reply).unwrap()
    }

    /// Whether the command was accepted, by whoever may or may not answer within a second.
    pub(crate) async fn try_send(&self, request: &CommandRequestV1) -> bool {
        let TargetV1::Instance { instance, .. } = &request.target else { return false };
        let subject = command_subject(&StreamKey::instance(*instance));
        let payload = encode(request).unwrap().into();
        let reply = self.bus.request(&subject, payload, Duration::from_secs(1)).await;
        reply.is_ok_and(|reply| matches!(decode(&reply), Ok(CommandReplyV1::Accepted(_))))
    }

    pub(crate) async fn accepted(&self, request: &CommandRequestV1) -> AcceptedV1 {
        accepted(self.send(request).await)
    }

    pub(crate) async fn rejected(&self, request: &CommandRequestV1) -> RejectionCodeV1 {
        rejected(self.send(request).await)
    }

    // === creating ===

    /// The command of a create as a gateway makes it, under a new id each time.
    pub(crate) async fn create_request(&self, wanted: &Wanted) -> (InstanceId, CommandRequestV1) {
        let id = self.new_id();
        let owner = id.as_bytes();
        let key = self.keys.create(owner, &*self.entropy).await.unwrap().unwrap();
        let account_key = self.keys.key(self.account.as_bytes()).await.unwrap().unwrap();
        let master = self.keys.master();
        let settings = wanted.settings.iter().map(|(block, body)| SettingsBlockV1 {
            owner: block.clone(),
            body: key.seal(owner, field::SETTINGS, body.as_bytes()),
        });
        let webhooks = wanted.webhooks.iter().map(|url| WebhookV1 {
            id: EndpointId::from_bytes(self.entropy.bytes16()),
            format: "native".to_owned(),
            label: url.clone(),
            enabled: true,
            url: key.seal(owner, field::WEBHOOK_URL, url.as_bytes()),
            headers: None,
            authorization: None,
            secret: key.seal(owner, field::WEBHOOK_SECRET, &self.entropy.bytes32()),
            old_secrets: Vec::new(),
            events: Vec::new(),
            after_logout_all: false,
            options: None,
            created_at: BEGIN,
            updated_at: BEGIN,
        });
        let create = CreateInstanceV1 {
            account: self.account,
            number: wanted.number,
            name: key.seal(owner, field::NAME, wanted.name.as_bytes()),
            token: key.seal(owner, field::TOKEN, wanted.token.as_bytes()),
            entries: EntriesV1 {
                name: account_key.entry("name", &wanted.name),
                token: master.entry("token", &wanted.token),
                number: master.entry("number", &wanted.number.to_string()),
                alias: wanted.alias.as_ref().map(|alias| account_key.entry("alias", alias)),
                creation: wanted.key.as_ref().map(|key| account_key.entry("creation", key)),
            },
            settings: settings.collect(),
            webhooks: webhooks.collect(),
        };
        let mut request = self.request(id, create);
        request.digest = Hash::over(b"body", &[wanted.name.as_bytes(), wanted.token.as_bytes()]);
        if let Some(key) = &wanted.key {
            request.keyed = true;
            request.command_id = account_key.command_id(key);
        }
        (id, request)
    }

    pub(crate) async fn create(&self, wanted: &Wanted) -> CommandReplyV1 {
        let (_, request) = self.create_request(wanted).await;
        self.send(&request).await
    }

    /// An instance that exists.
    pub(crate) async fn instance(&self, name: &str, number: u64) -> InstanceId {
        accepted(self.create(&Wanted::named(name, number)).await).stream_id
    }

    /// An instance with a linked device, by attempt 1.
    pub(crate) async fn linked(&self, name: &str, number: u64) -> InstanceId {
        let id = self.instance(name, number).await;
        self.link(id, 1).await;
        id
    }

    /// Links a device as that attempt.
    pub(crate) async fn link(&self, id: InstanceId, attempt: u32) {
        let connect = berth_proto::command::ConnectV1 { method: berth_proto::instance::MethodV1::Qr };
        self.accepted(&self.request(id, connect)).await;
        self.device_keys_put(id, attempt).await;
        let report = ReportV1 { attempt, epoch: 1, number: 1 };
        let linked = ReportLinkedV1 { report, device: device() };
        self.accepted(&self.report(id, linked)).await;
    }

    async fn device_keys_put(&self, id: InstanceId, attempt: u32) {
        use berth_bus::DeviceKeys;
        self.device_keys.put(id, attempt, vec![1, 2, 3].into()).await.unwrap();
    }

    pub(crate) async fn has_device_keys(&self, id: InstanceId, attempt: u32) -> bool {
        use berth_bus::DeviceKeys;
        self.device_keys.get(id, attempt).await.unwrap().is_some()
    }

    pub(crate) fn logout(&self, id: InstanceId) -> CommandRequestV1 {
        self.request(id, LogoutV1 {})
    }

    pub(crate) fn delete(&self, id: InstanceId) -> CommandRequestV1 {
        self.request(id, DeleteV1 { only_without_session: false })
    }

    pub(crate) fn rotate(&self, id: InstanceId, token: &str) -> RotateTokenV1 {
        let sealed = Sealed(format!("{id}{token}").into_bytes());
        RotateTokenV1 { token: Some(NewTokenV1 { token: sealed, entry: self.token_entry(token) }) }
    }

    // === looking ===

    pub(crate) fn token_entry(&self, token: &str) -> DirectoryId {
        self.keys.master().entry("token", token)
    }

    pub(crate) fn number_entry(&self, number: u64) -> DirectoryId {
        self.keys.master().entry("number", &number.to_string())
    }

    pub(crate) async fn account_entry(&self, purpose: &str, key: &str) -> DirectoryId {
        self.keys.key(self.account.as_bytes()).await.unwrap().unwrap().entry(purpose, key)
    }

    pub(crate) async fn entry(&self, entry: DirectoryId) -> Option<DirectoryStateV1> {
        let stored = berth_log::LogRead::tail(&*self.log, &StreamKey::directory(entry)).await.unwrap()?;
        Some(decode::<CommitV1>(&stored.payload).unwrap().state.open().unwrap())
    }

    /// The instance that holds a key.
    pub(crate) async fn holder(&self, entry: DirectoryId) -> Option<InstanceId> {
        self.entry(entry).await.and_then(|state| state.hold).and_then(|hold| hold.instance)
    }

    pub(crate) async fn commits(&self, stream: StreamKey) -> Vec<CommitV1> {
        let stored = berth_log::LogRead::read(&*self.log, &stream, 0, 10_000).await.unwrap();
        stored.iter().map(|stored| decode(&stored.payload).unwrap()).collect()
    }

    pub(crate) async fn state(&self, id: InstanceId) -> Option<InstanceStateV1> {
        self.commits(StreamKey::instance(id)).await.last().map(|commit| commit.state.open().unwrap())
    }

    /// The chain of a stream is whole, and its events fold into the states that ride along.
    pub(crate) async fn verify(&self, id: InstanceId) {
        let stream = StreamKey::instance(id);
        let stored = berth_log::LogRead::read(&*self.log, &stream, 0, 10_000).await.unwrap();
        let mut previous = Hash::genesis(&stream);
        let mut state = None;
        let mut at = Timestamp(i64::MIN);
        for (index, stored) in stored.iter().enumerate() {
            let commit: CommitV1 = decode(&stored.payload).unwrap();
            assert_eq!(commit.version, index as u64 + 1);
            assert_eq!(commit.previous, previous);
            assert!(commit.occurred_at >= at);
            state = berth_session::fold_commit(state, &commit).unwrap();
            assert_eq!(state, Some(commit.state.open().unwrap()), "version {}", commit.version);
            previous = Hash::of_commit(&stream, previous, &stored.payload);
            at = commit.occurred_at;
        }
    }

    /// Waits until something is so.
    pub(crate) async fn until(&self, what: &str, mut is: impl AsyncFnMut() -> bool) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while !is().await {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        assert!(waited.await.is_ok(), "{what}: not in time");
    }
}

pub(crate) fn accepted(reply: CommandReplyV1) -> AcceptedV1 {
    match reply {
        CommandReplyV1::Accepted(accepted) => accepted,
        other => panic!("expected an accepted command, got {other:?}"),
    }
}

pub(crate) fn rejected(reply: CommandReplyV1) -> RejectionCodeV1 {
    match reply {
        CommandReplyV1::Rejected(rejection) => rejection.code,
        other => panic!("expected a rejected command, got {other:?}"),
    }
}

pub(crate) fn unavailable(reply: &CommandReplyV1) -> bool {
    matches!(reply, CommandReplyV1::Unavailable { .. })
}

pub(crate) fn device() -> DeviceV1 {
    let sealed = |text: &str| Sealed(text.as_bytes().to_vec());
    DeviceV1 {
        jid: sealed("jid"),
        lid: None,
        phone: sealed("phone"),
        push_name: None,
        business_name: None,
        picture_url: None,
        platform: "android".to_owned(),
    }
}
