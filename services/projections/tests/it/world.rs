//! A log with real instances in it, and replicas of the service over it.

use std::{path::Path, sync::Arc, time::Duration};

use berth_bus::{
    Bus, KeyRing, Leases,
    local::{FileKeyStore, LocalBus, LocalFeed, LocalLeases},
};
use berth_domain::instance::evolve;
use berth_log::{EventLog, Expected, LogRead, NewCommit, decode_commit, decode_state, memory::MemoryLog};
use berth_projections::{Handle, Ports, Settings};
use berth_proto::{
    AccountId, CommitV1, DirectoryId, Hash, InstanceId, RecordV1, StreamKey, Timestamp,
    codec::{decode, encode},
    event::{
        AbandonedV1, ConnectRequestedV1, DeviceLinkedV1, Event, InstanceCreatedV1, InstanceDeletedV1,
        LoggedOutV1, LogoutOriginV1, ReportedV1,
    },
    instance::{DeviceV1, EntriesV1, InstanceStateV1, MethodV1, PhaseV1, SettingsBlockV1},
    query::{InstanceQueryV1, PageV1, QueryReplyV1, QueryV1},
    subject::query_subject,
};
use berth_runtime::{Clock, Lifecycle, ManualClock, MasterKey, SeededEntropy, sealing::field};
use tempfile::TempDir;

/// How long a story waits for something that must happen.
pub(crate) const WAIT_MAX: Duration = Duration::from_mins(1);
/// What stands in a setting and in a token: it must never be found in a file in clear.
pub(crate) const SECRET: &str = "correct-horse-battery-staple";

/// Everything but the service.
pub(crate) struct World {
    pub(crate) log: MemoryLog,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) keys: KeyRing,
    pub(crate) leases: Arc<dyn Leases>,
    pub(crate) feed: LocalFeed,
    pub(crate) clock: Arc<ManualClock>,
    entropy: SeededEntropy,
    folder: TempDir,
}

/// A replica of the service.
pub(crate) struct Replica {
    pub(crate) handle: Handle,
    lifecycle: Lifecycle,
}

pub(crate) const fn account(number: u8) -> AccountId {
    AccountId::from_bytes([number; 16])
}

/// An instance's id by its number: in this order.
pub(crate) const fn instance(number: u16) -> InstanceId {
    let [high, low] = number.to_be_bytes();
    InstanceId::from_bytes([9, high, low, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
}

/// All instances of an account.
pub(crate) fn all(number: u8, limit: u16) -> InstanceQueryV1 {
    InstanceQueryV1 {
        account: Some(account(number)),
        states: Vec::new(),
        text: None,
        phone: None,
        with_deleted: false,
        after: None,
        limit,
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let leases = LocalLeases::open(folder.path().join("leases")).await.unwrap();
        Self::with(folder, Arc::new(LocalBus::new()), Arc::new(leases)).await
    }

    pub(crate) async fn with(folder: TempDir, bus: Arc<dyn Bus>, leases: Arc<dyn Leases>) -> Self {
        let entropy = SeededEntropy::new(1);
        let store = FileKeyStore::open(folder.path().join("keys")).await.unwrap();
        Self {
            log: MemoryLog::new(3),
            bus,
            keys: KeyRing::new(MasterKey::generate(&entropy), Arc::new(store)),
            leases,
            feed: LocalFeed::default(),
            clock: Arc::new(ManualClock::new(Timestamp(1_700_000_000_000_000))),
            entropy,
            folder,
        }
    }

    pub(crate) fn folder(&self, replica: &str) -> std::path::PathBuf {
        self.folder.path().join(replica)
    }

    /// Starts a replica with a folder of its own.
    pub(crate) async fn start(&self, replica: &str) -> Replica {
        self.start_in(&self.folder(replica)).await
    }

    async fn start_in(&self, data: &Path) -> Replica {
        let replica = self.start_on(Arc::new(self.log.clone()), data).await;
        until("the replica is ready", || async { replica.handle.ready().then_some(()) }).await;
        replica
    }

    /// Starts a replica on any log; it need not become ready.
    pub(crate) async fn start_on(&self, log: Arc<dyn LogRead>, data: &Path) -> Replica {
        let lifecycle = Lifecycle::new();
        let ports = Ports {
            log,
            bus: Arc::clone(&self.bus),
            feed: Some(Arc::new(self.feed.clone())),
            keys: self.keys.clone(),
            leases: Arc::clone(&self.leases),
            clock: self.clock.clone(),
            data: data.to_owned(),
        };
        let handle = berth_projections::start(ports, Settings::default(), &lifecycle).await.unwrap();
        Replica { handle, lifecycle }
    }

    /// Appends events to an instance's stream.
    pub(crate) async fn append(&self, id: InstanceId, events: &[Event]) -> InstanceStateV1 {
        let stream = StreamKey::instance(id);
        let last = self.log.tail(&stream).await.unwrap();
        let mut state = last.as_ref().map(|last| decode_state::<InstanceStateV1>(last).unwrap().1);
        let now = self.clock.now();
        for event in events {
            state = evolve(state, event, now);
        }
        let state = state.unwrap();
        let expected = last.map_or(Expected::Empty, |last| Expected::After(last.tail));
        let commit = CommitV1 {
            stream,
            version: expected.next_version(),
            previous: Hash([0; 32]),
            occurred_at: now,
            receipts: Vec::new(),
            events: events.iter().map(|event| event.to_record().unwrap()).collect(),
            state: RecordV1::of(&state).unwrap(),
        };
        let commit = NewCommit {
            stream,
            version: commit.version,
            command_id: None,
            traceparent: None,
            payload: encode(&commit).unwrap().into(),
        };
        self.log.append(commit, expected).await.unwrap();
        state
    }

    pub(crate) async fn create(&self, id: InstanceId, account: AccountId, name: &str) {
        let key = self.keys.create(id.as_bytes(), &self.entropy).await.unwrap().unwrap();
        let seal = |field: &str, text: &str| key.seal(id.as_bytes(), field, text.as_bytes());
        let entry = DirectoryId::from_bytes([0; 16]);
        let entries = EntriesV1 { name: entry, token: entry, number: entry, alias: None, creation: None };
        let created = InstanceCreatedV1 {
            account,
            number: 1_000_000_000 + u64::from(id.as_bytes()[2]),
            name: seal(field::NAME, name),
            token: seal(field::TOKEN, SECRET),
            entries,
            settings: vec![SettingsBlockV1 { owner: "native".into(), body: seal(field::SETTINGS, SECRET) }],
        };
        self.append(id, &[created.into()]).await;
    }

    /// Begins an attempt that ends in two minutes.
    pub(crate) async fn connect(&self, id: InstanceId) {
        let deadline = self.clock.now().plus_seconds(120);
        let event = ConnectRequestedV1 { attempt: 1, method: MethodV1::Qr, deadline };
        self.append(id, &[event.into()]).await;
    }

    pub(crate) async fn link(&self, id: InstanceId, phone: &str, push_name: &str) {
        let key = self.keys.key(id.as_bytes()).await.unwrap().unwrap();
        let seal = |field: &str, text: &str| key.seal(id.as_bytes(), field, text.as_bytes());
        let device = DeviceV1 {
            jid: seal(field::JID, &format!("{phone}@s.whatsapp.net")),
            lid: None,
            phone: seal(field::PHONE, phone),
            push_name: Some(seal(field::PUSH_NAME, push_name)),
            business_name: None,
            picture_url: None,
            platform: "android".into(),
        };
        self.connect(id).await;
        let reported = ReportedV1 { epoch: 1, number: 1 };
        self.append(id, &[DeviceLinkedV1 { attempt: 1, device, reported }.into()]).await;
    }

    pub(crate) async fn log_out(&self, id: InstanceId) {
        let event = LoggedOutV1 { session: 1, origin: LogoutOriginV1::Command, code: 401, unlink: None };
        self.append(id, &[event.into()]).await;
    }

    /// Deletes an instance that is not linked, and destroys its key.
    pub(crate) async fn erase(&self, id: InstanceId) {
        let state = self.append(id, &[InstanceDeletedV1 { session: 1 }.into()]).await;
        assert!(matches!(state.phase, PhaseV1::Deleted { .. }), "a linked instance is logged out first");
        self.keys.destroy(id.as_bytes()).await.unwrap();
    }

    /// Gives up the create of an instance that never was, and destroys its key.
    pub(crate) async fn abandon(&self, id: InstanceId, account: AccountId) {
        self.keys.create(id.as_bytes(), &self.entropy).await.unwrap().unwrap();
        self.append(id, &[AbandonedV1 { account }.into()]).await;
        self.keys.destroy(id.as_bytes()).await.unwrap();
    }

    /// Asks once; none while the view is built.
    pub(crate) async fn ask(&self, query: &QueryV1) -> QueryReplyV1 {
        let payload = encode(query).unwrap().into();
        let reply = self.bus.request(&query_subject("records"), payload, WAIT_MAX).await.unwrap();
        decode(&reply).unwrap()
    }

    pub(crate) async fn page(&self, query: &InstanceQueryV1) -> PageV1 {
        match self.ask(&QueryV1::Instances(query.clone())).await {
            QueryReplyV1::Page(page) => page,
            other => panic!("no page but {other:?}"),
        }
    }

    /// The ids of all pages of a query.
    pub(crate) async fn ids(&self, query: &InstanceQueryV1) -> Vec<InstanceId> {
        let mut query = query.clone();
        let mut ids = Vec::new();
        loop {
            let page = self.page(&query).await;
            ids.extend(page.rows.iter().map(|row| row.id.instance()));
            if !page.more {
                return ids;
            }
            query.after = ids.last().copied();
        }
    }

    /// Waits until a query finds exactly these.
    pub(crate) async fn finds(&self, query: &InstanceQueryV1, wanted: &[InstanceId]) {
        until(&format!("{query:?} finds {wanted:?}"), || async {
            (self.ids(query).await == wanted).then_some(())
        })
        .await;
    }

    /// What a list must be, computed from the log itself.
    pub(crate) async fn reference(&self, ids: &[InstanceId]) -> Vec<(InstanceId, u64, RecordV1)> {
        let mut rows = Vec::new();
        for id in ids {
            let stored = self.log.tail(&StreamKey::instance(*id)).await.unwrap().unwrap();
            let commit = decode_commit(&stored).unwrap();
            rows.push((*id, commit.version, commit.full_state().unwrap().clone()));
        }
        rows
    }

    /// Whether any file below a folder contains a text.
    pub(crate) fn leaks(&self, replica: &str, text: &str) -> bool {
        let mut folders = vec![self.folder(replica)];
        let mut bytes_seen = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let bytes = std::fs::read(&path).unwrap();
                    bytes_seen += bytes.len();
                    if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
                        return true;
                    }
                }
            }
        }
        assert!(bytes_seen > 1_000, "there is something in the files");
        false
    }
}

impl Replica {
    pub(crate) async fn stop(self) {
        drop(self.handle);
        assert!(self.lifecycle.shut_down().await, "the service ends by itself");
    }
}

/// Waits until `ask` has an answer.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(what: &str, ask: impl Fn() -> F) -> T {
    let deadline = tokio::time::Instant::now() + WAIT_MAX;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(tokio::time::Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
