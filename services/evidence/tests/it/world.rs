//! A log, whatever engine it lies on, and replicas of the service over it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use berth_bus::{
    Bus, Checkpoints,
    local::{FileCheckpoints, LocalBus},
    nats::NatsCheckpoints,
};
use berth_evidence::{Board, Handle, Head, Keys, Ports, Settings, SigningKey, start};
use berth_log::{
    EventLog, Expected, NewCommit,
    embedded::EmbeddedLog,
    jetstream::{JetStreamLog, JetStreamOptions},
    memory::MemoryLog,
};
use berth_proto::{
    InstanceId, Partition, StreamKey, Timestamp,
    codec::{decode, encode},
    evidence::{EvidenceQueryV1, EvidenceReplyV1, LatestV1, PublishedV1},
    subject::query_subject,
};
use berth_runtime::{Lifecycle, ManualClock, SeededEntropy};
use berth_test_support::NatsServer;
use bytes::Bytes;
use tempfile::TempDir;
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

/// How many shards every log has.
pub(crate) const SHARDS: u8 = 3;
/// How long a story waits for anything.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often checkpoints are signed: stories are impatient.
const EVERY: Duration = Duration::from_millis(20);
/// The id of the deployment.
pub(crate) const DEPLOYMENT: &str = "deploymentofthestories";

/// Everything that outlives a replica.
pub(crate) struct World {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) bus: Arc<LocalBus>,
    pub(crate) checkpoints: Arc<dyn Checkpoints>,
    pub(crate) folder: TempDir,
    /// The clock of every replica.
    pub(crate) clock: Arc<ManualClock>,
    /// What was appended, by shard, in order.
    pub(crate) appended: Vec<Vec<(StreamKey, Bytes)>>,
    _server: Option<NatsServer>,
}

/// A replica that runs until it is dropped.
pub(crate) struct Replica {
    pub(crate) handle: Handle,
    pub(crate) owner: watch::Sender<BTreeSet<Partition>>,
    lifecycle: Lifecycle,
}

impl Replica {
    pub(crate) async fn stop(self) {
        assert!(self.lifecycle.shut_down().await, "it drains");
    }
}

/// A key that belongs to a number.
pub(crate) fn key(seed: u64) -> SigningKey {
    SigningKey::generate(&SeededEntropy::new(seed))
}

impl World {
    pub(crate) fn in_memory() -> Self {
        Self::over(Arc::new(MemoryLog::new(SHARDS)))
    }

    pub(crate) fn embedded() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = EmbeddedLog::open(folder.path(), SHARDS, &SeededEntropy::new(3)).unwrap();
        Self { folder, ..Self::over(Arc::new(log)) }
    }

    pub(crate) async fn on_nats() -> Self {
        let server = NatsServer::start().await;
        let client = async_nats::connect(server.url()).await.unwrap();
        let options = JetStreamOptions { shards: SHARDS, replicas: 1 };
        let log = JetStreamLog::open(client.clone(), options).await.unwrap();
        let checkpoints = NatsCheckpoints::open(client, 1).await.unwrap();
        let world = Self::over(Arc::new(log));
        Self { checkpoints: Arc::new(checkpoints), _server: Some(server), ..world }
    }

    pub(crate) fn over(log: Arc<dyn EventLog>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            log,
            bus: Arc::new(LocalBus::new()),
            checkpoints: Arc::new(FileCheckpoints::new(folder.path().join("checkpoints"))),
            folder,
            clock: Arc::new(ManualClock::new(Timestamp(1_700_000_000_000_000))),
            appended: vec![Vec::new(); usize::from(SHARDS)],
            _server: None,
        }
    }

    /// Starts a replica that owns everything and whose trees lie in a folder of this name.
    pub(crate) async fn start(&self, name: &str, key: SigningKey) -> Replica {
        self.start_owning(name, key, Partition::all().collect()).await
    }

    /// Starts a replica that owns these partitions.
    pub(crate) async fn start_owning(
        &self,
        name: &str,
        key: SigningKey,
        own: BTreeSet<Partition>,
    ) -> Replica {
        let (sender, owned) = watch::channel(own);
        let lifecycle = Lifecycle::new();
        let ports = Ports {
            log: self.log.clone() as _,
            bus: self.bus.clone() as _,
            owned,
            checkpoints: self.checkpoints.clone(),
            clock: self.clock.clone(),
            data: self.folder.path().join(name),
        };
        let settings = Settings { deployment: DEPLOYMENT.to_owned(), key: Some(key), every: EVERY };
        let handle = start(ports, settings, &lifecycle).await.unwrap();
        Replica { handle, owner: sender, lifecycle }
    }

    /// Appends that many commits, spread over streams and shards. What they say matters to nobody here.
    pub(crate) async fn append(&mut self, count: usize, what: &str) {
        for number in 0..count {
            let id = InstanceId::from_bytes([u8::try_from(number % 7).unwrap(); 16]);
            let stream = StreamKey::instance(id);
            let expected = match self.log.tail(&stream).await.unwrap() {
                Some(stored) => Expected::After(stored.tail),
                None => Expected::Empty,
            };
            let payload = Bytes::from(format!("{what} {number}"));
            let commit = NewCommit {
                stream,
                version: expected.next_version(),
                command_id: None,
                traceparent: None,
                payload: payload.clone(),
            };
            let appended = self.log.append(commit, expected).await.unwrap();
            self.appended[usize::from(appended.shard)].push((stream, payload));
        }
    }

    pub(crate) async fn ask(&self, query: EvidenceQueryV1) -> EvidenceReplyV1 {
        let payload = encode(&query).unwrap().into();
        let reply = self.bus.request(&query_subject("evidence"), payload, PATIENCE).await.unwrap();
        decode(&reply).unwrap()
    }

    pub(crate) async fn latest(&self) -> LatestV1 {
        match self.ask(EvidenceQueryV1::Latest).await {
            EvidenceReplyV1::Latest(latest) => latest,
            other => panic!("{other:?}"),
        }
    }

    /// The last checkpoint of a shard once it attests to all of the commits.
    pub(crate) async fn attested(&self, shard: u8) -> (PublishedV1, Head) {
        let size = self.appended[usize::from(shard)].len() as u64;
        eventually("every commit is attested to", async || {
            let latest = self.latest().await;
            let keys = Keys::open(DEPLOYMENT, latest.keys.iter().map(String::as_str)).unwrap();
            let last = latest.published.into_iter().find(|published| published.shard == shard);
            let last = last.ok_or("nothing was published")?;
            let head = Head::open(&last.note, keys.all()).unwrap();
            if head.size == size { Ok((last, head)) } else { Err("not all of it") }
        })
        .await
    }

    pub(crate) fn board(&self) -> Board {
        Board::new(self.checkpoints.clone(), DEPLOYMENT)
    }

    /// How many checkpoints of a shard were published.
    pub(crate) async fn published(&self, shard: u8) -> usize {
        self.board().page(shard, 0, 1_000).await.unwrap().0.len()
    }

    /// Waits until a replica says this of itself.
    pub(crate) async fn until(&self, replica: &Replica, words: &str) {
        eventually(words, async || {
            let status = replica.handle.status();
            if status.contains(words) { Ok(()) } else { Err(status) }
        })
        .await;
    }
}

/// Tries until it works.
pub(crate) async fn eventually<T, E: std::fmt::Debug>(
    what: &str,
    mut is_so: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match is_so().await {
            Ok(found) => return found,
            Err(last) => assert!(Instant::now() < deadline, "{what}: not in time: {last:?}"),
        }
        sleep(Duration::from_millis(5)).await;
    }
}
