//! A running service with everything around it, and the words that the stories are told in.

mod creating;
mod looking;
mod watched_keys;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use berth_bus::{
    Bus, KeyRing,
    local::{FileDeviceKeys, FileKeyStore, LocalBus, LocalLeases},
    request_decision,
};
use berth_log::{AppendError, EventLog, Expected, NewCommit, memory::MemoryLog};
use berth_proto::{
    AccountId, CommandId, CommitV1, DirectoryId, Hash, InstanceId, RecordV1, Sealed, StreamKey, Timestamp,
    account::{AccountCreatedV1, AccountEvent, AccountStateV3},
    codec::{decode, encode},
    command::Command,
    commit::{OriginV1, PrincipalV1},
    frame::{AcceptedV1, CommandReplyV1, CommandRequestV1, CommandRequestV2, RejectionCodeV1, TargetV1},
    subject::{CommandSubject, Decider, Sender, command_subject},
};
use berth_runtime::{
    Lifecycle, ManualClock, MasterKey, SeededEntropy,
    entropy::{new_command_id, new_instance_id},
};
use berth_session_aggregate::{Handle, Ports, Settings, start};
use berth_test_support::Doubled;
use tempfile::TempDir;

use crate::faults::FaultyLog;

pub(crate) use creating::Wanted;
use watched_keys::{TooEarly, WatchedKeys};

/// How long a story waits for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// When the stories begin.
pub(crate) const BEGIN: Timestamp = Timestamp(1_700_000_000_000_000);

/// The first type of what the process manager asks for; the connector's reports are below.
const FIRST_CLOCK_COMMAND: u16 = 2_200;
/// The type of what webhooks ask for.
const DISABLE_WEBHOOK: u16 = 2_205;

/// Everything that outlives a replica, and the replica that runs.
pub(crate) struct World {
    pub(crate) log: Arc<Doubled<FaultyLog>>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) keys: KeyRing,
    pub(crate) device_keys: Arc<FileDeviceKeys>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) entropy: Arc<SeededEntropy>,
    pub(crate) account: AccountId,
    /// Looked at when the story ends, whatever it was about.
    too_early: TooEarly,
    leases: Arc<LocalLeases>,
    /// Dropped with the world, if it is the world's own.
    own: Option<TempDir>,
    folder: PathBuf,
    replicas: Vec<(Handle, Lifecycle)>,
    started: usize,
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
        let mut world = Self::over_in(own.path(), log, bus).await;
        world.own = Some(own);
        world
    }

    /// Everything around a replica in a folder, which may have been used before.
    pub(crate) async fn over_in(folder: &Path, log: Arc<dyn EventLog>, bus: Arc<dyn Bus>) -> Self {
        let entropy = Arc::new(SeededEntropy::new(7));
        let store = FileKeyStore::open(folder.join("keys")).await.unwrap();
        let too_early = TooEarly::default();
        let store = WatchedKeys { store, log: Arc::clone(&log), too_early: Arc::clone(&too_early) };
        let keys = KeyRing::new(MasterKey::generate(&*entropy), Arc::new(store));
        let account = AccountId::from_bytes([0xAC; 16]);
        keys.create(account.as_bytes(), &*entropy).await.unwrap().unwrap();
        found(&*log, account).await;
        Self {
            log: FaultyLog::over(log),
            bus,
            keys,
            device_keys: Arc::new(FileDeviceKeys::open(folder.join("devices")).await.unwrap()),
            clock: Arc::new(ManualClock::new(BEGIN)),
            leases: Arc::new(LocalLeases::open(folder.join("leases")).await.unwrap()),
            entropy,
            account,
            too_early,
            own: None,
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
        self.start_replica(bus, Settings::default()).await;
    }

    /// Starts one more replica on the same bus, which behaves otherwise.
    pub(crate) async fn add_replica_with(&mut self, settings: Settings) {
        let bus = Arc::clone(&self.bus);
        self.start_replica(bus, settings).await;
    }

    async fn start_replica(&mut self, bus: Arc<dyn Bus>, settings: Settings) {
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
        let handle = start(ports, settings, &lifecycle).await.unwrap();
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
        let command_id = CommandId::of_digest(&digest);
        CommandRequestV1 { command_id, keyed: true, ..self.request(instance, command) }
    }

    /// One of our services' own commands.
    pub(crate) fn report(&self, instance: InstanceId, command: impl Into<Command>) -> CommandRequestV1 {
        CommandRequestV1 { principal: PrincipalV1::Service, ..self.request(instance, command) }
    }

    pub(crate) async fn send(&self, request: &CommandRequestV1) -> CommandReplyV1 {
        self.send_on(&self.bus, request).await
    }

    /// Sends a request in the form of the newest gateways.
    pub(crate) async fn ask(&self, request: &CommandRequestV2) -> CommandReplyV1 {
        let subject = command_subject(Sender::Client, &request.target.stream());
        let payload = request.encode().unwrap().into();
        decode(&request_decision(&*self.bus, &subject, payload, PATIENCE).await.unwrap()).unwrap()
    }

    pub(crate) async fn send_on(&self, bus: &Arc<dyn Bus>, request: &CommandRequestV1) -> CommandReplyV1 {
        let subject = command_subject(sender_of(request), &request.target.stream());
        let payload = encode(request).unwrap().into();
        let reply = request_decision(&**bus, &subject, payload, PATIENCE).await.unwrap();
        decode(&reply).unwrap()
    }

    /// Sends a request to any replica, whoever owns the partition.
    pub(crate) async fn send_to_any(&self, request: &CommandRequestV1) -> CommandReplyV1 {
        let owner = CommandSubject::new(Decider::Owner, sender_of(request), &request.target.stream());
        let any = CommandSubject { decider: Decider::Any, ..owner }.to_string();
        let reply = self.bus.request(&any, encode(request).unwrap().into(), PATIENCE).await.unwrap();
        decode(&reply).unwrap()
    }

    /// Whether the command was accepted, by whoever may or may not answer within a second.
    pub(crate) async fn try_send(&self, request: &CommandRequestV1) -> bool {
        let subject = command_subject(sender_of(request), &request.target.stream());
        let payload = encode(request).unwrap().into();
        let reply = request_decision(&*self.bus, &subject, payload, Duration::from_secs(1)).await;
        reply.is_ok_and(|reply| matches!(decode(&reply), Ok(CommandReplyV1::Accepted(_))))
    }

    pub(crate) async fn accepted(&self, request: &CommandRequestV1) -> AcceptedV1 {
        accepted(self.send(request).await)
    }

    pub(crate) async fn rejected(&self, request: &CommandRequestV1) -> RejectionCodeV1 {
        rejected(self.send(request).await)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let too_early = self.too_early.lock().unwrap();
        if !std::thread::panicking() {
            assert!(too_early.is_empty(), "keys were destroyed before the log said it: {too_early:?}");
        }
    }
}

/// Who sends what our services ask for: the connector its reports, webhooks that an endpoint be disabled, the
/// process manager the rest.
fn sender_of(request: &CommandRequestV1) -> Sender {
    match &request.target {
        _ if request.principal != PrincipalV1::Service => Sender::Client,
        TargetV1::DisableAccountWebhook { .. } => Sender::Delivery,
        TargetV1::Instance { command, .. } if command.type_id == DISABLE_WEBHOOK => Sender::Delivery,
        TargetV1::Instance { command, .. } if FIRST_CLOCK_COMMAND <= command.type_id => Sender::Clock,
        _ => Sender::Link,
    }
}

/// Puts the account into the log, unless it is there already.
async fn found(log: &dyn EventLog, account: AccountId) {
    let stream = StreamKey::account(account);
    let state = AccountStateV3 {
        created_at: BEGIN,
        updated_at: BEGIN,
        name: Sealed(b"acme".to_vec()),
        token: Sealed(b"token of acme".to_vec()),
        token_entry: DirectoryId::from_bytes([0xA1; 16]),
        name_entry: DirectoryId::from_bytes([0xA2; 16]),
        credential_version: 1,
        attributes: None,
        webhooks: Vec::new(),
        closed_at: None,
        unsettled: None,
        upstream: None,
    };
    let created = AccountEvent::from(AccountCreatedV1 {
        name: state.name.clone(),
        token: state.token.clone(),
        token_entry: state.token_entry,
        name_entry: state.name_entry,
    });
    let commit = CommitV1 {
        stream,
        version: 1,
        previous: Hash::genesis(&stream),
        occurred_at: BEGIN,
        receipts: Vec::new(),
        events: vec![created.to_record().unwrap()],
        state: RecordV1::of(&state).unwrap(),
    };
    let payload = encode(&commit).unwrap().into();
    let commit = NewCommit { stream, version: 1, command_id: None, traceparent: None, payload };
    let appended = log.append(commit, Expected::Empty).await;
    assert!(matches!(appended, Ok(_) | Err(AppendError::Conflict { .. })), "{appended:?}");
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
