use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use berth_log::{EventLog, Expected, NewCommit, memory::MemoryLog};
use berth_proto::{
    AccountId, CommandId, CommitV2, DirectoryId, Hash, Sealed, Timestamp, codec,
    commit::{CarriedState, CarriedV1, OutcomeCodeV1, OutcomeV1},
    instance::{EntriesV1, PermissionV1, PhaseV1, RememberedV1},
};
use berth_test_support::{Doubled, LogDouble};

use super::*;

/// A log that tells by its place whether the end of a stream was seen, and counts the commits that it gives.
#[derive(Debug, Clone)]
struct Counting {
    log: MemoryLog,
    given: Arc<AtomicU64>,
}

#[async_trait]
impl LogDouble for Counting {
    fn beneath(&self) -> &dyn EventLog {
        &self.log
    }

    async fn tail(&self, stream: &StreamKey) -> Result<Option<Stored>, ReadError> {
        self.given.fetch_add(1, Ordering::SeqCst);
        self.log.tail(stream).await
    }

    async fn tail_since(&self, stream: &StreamKey, seen: Tail) -> Result<TailSince, ReadError> {
        let found = self.log.tail(stream).await?;
        if found.as_ref().is_some_and(|stored| stored.tail == seen) {
            return Ok(TailSince::Same);
        }
        self.given.fetch_add(1, Ordering::SeqCst);
        Ok(TailSince::Other(found))
    }

    async fn read(&self, stream: &StreamKey, after: u64, limit: usize) -> Result<Vec<Stored>, ReadError> {
        self.given.fetch_add(1, Ordering::SeqCst);
        self.log.read(stream, after, limit).await
    }
}

impl Counting {
    fn new() -> Self {
        Self { log: MemoryLog::new(1), given: Arc::default() }
    }

    fn states(&self, bytes_max: usize) -> States {
        States::within(&(Arc::new(Doubled(self.clone())) as _), bytes_max)
    }

    /// How many commits it gave since this was asked last.
    fn given(&self) -> u64 {
        self.given.swap(0, Ordering::SeqCst)
    }

    /// Stores a payload as the next commit of an instance.
    async fn store(&self, instance: InstanceId, payload: Vec<u8>) -> Tail {
        let stream = StreamKey::instance(instance);
        let expected = match self.log.tail(&stream).await.unwrap() {
            Some(stored) => Expected::After(stored.tail),
            None => Expected::Empty,
        };
        let version = expected.next_version();
        let commit =
            NewCommit { stream, version, command_id: None, traceparent: None, payload: payload.into() };
        self.log.append(commit, expected).await.unwrap().tail
    }

    async fn append(&self, instance: InstanceId, version: u64, state: CarriedV1) -> Tail {
        let commit = CommitV2 {
            stream: StreamKey::instance(instance),
            version,
            previous: Hash([0; 32]),
            occurred_at: Timestamp(1),
            receipts: Vec::new(),
            events: Vec::new(),
            state,
            account_version: 0,
            traceparent: None,
            damage: None,
        };
        self.store(instance, codec::encode(&commit).unwrap()).await
    }
}

fn instance(number: u8) -> InstanceId {
    InstanceId::from_bytes([number; 16])
}

fn state(session: u32) -> InstanceStateV1 {
    let nowhere = DirectoryId::from_bytes([0; 16]);
    let entries = EntriesV1 { name: nowhere, token: nowhere, number: nowhere, alias: None, creation: None };
    InstanceStateV1 {
        account: AccountId::from_bytes([1; 16]),
        created_at: Timestamp(1),
        updated_at: Timestamp(1),
        number: 1,
        name: Sealed(vec![1]),
        token: Sealed(vec![2]),
        entries,
        credential_version: 1,
        jwt_version: 1,
        phase: PhaseV1::Created,
        session,
        attempt: 0,
        permission: PermissionV1::Silent,
        last_device: None,
        last_end: None,
        unlinks: Vec::new(),
        webhooks: Vec::new(),
        settings: Vec::new(),
        keyed: Vec::new(),
        unkeyed: Vec::new(),
    }
}

fn full(state: &InstanceStateV1) -> CarriedV1 {
    CarriedV1::Full(RecordV1::of(state).unwrap())
}

#[tokio::test]
async fn a_state_is_read_once_until_its_instance_has_another_commit() {
    let log = Counting::new();
    let (states, id) = (log.states(usize::MAX), instance(1));
    assert_eq!(states.read(id).await.unwrap(), None);
    log.append(id, 1, full(&state(1))).await;
    assert_eq!(states.read(id).await.unwrap(), Some((1, state(1))));
    log.given();
    for _ in 0..3 {
        assert_eq!(states.read(id).await.unwrap(), Some((1, state(1))));
    }
    assert_eq!(log.given(), 0);
    log.append(id, 2, full(&state(2))).await;
    assert_eq!(states.read(id).await.unwrap(), Some((2, state(2))));
    assert_eq!(log.given(), 1);
}

#[tokio::test]
async fn a_state_that_another_commit_carries_is_read_once_and_without_what_it_remembers() {
    let log = Counting::new();
    let (states, id) = (log.states(usize::MAX), instance(1));
    let base = log.append(id, 1, full(&state(1))).await;
    let mut later = state(1);
    later.keyed.push(RememberedV1 {
        command_id: CommandId::from_bytes([7; 16]),
        digest: Hash([3; 32]),
        version: 2,
        outcome: OutcomeV1 { code: OutcomeCodeV1::Unchanged, attempt: 0, endpoint: None },
    });
    let since = later.since(base.version, base.revision).unwrap();
    log.append(id, 2, CarriedV1::Since(since)).await;
    assert_eq!(states.read(id).await.unwrap(), Some((2, state(1))));
    assert_eq!(log.given(), 2);
    assert_eq!(states.read(id).await.unwrap(), Some((2, state(1))));
    assert_eq!(log.given(), 0);
    assert_eq!(states.read_remembering(id).await.unwrap(), Some((2, later)), "whoever asks for it has it");
}

#[tokio::test]
async fn a_damaged_end_is_told_although_the_state_before_it_is_kept() {
    let log = Counting::new();
    let (states, id) = (log.states(usize::MAX), instance(1));
    log.append(id, 1, full(&state(1))).await;
    states.read(id).await.unwrap();
    log.store(id, vec![0; 64]).await;
    for _ in 0..2 {
        let refused = states.read(id).await.unwrap_err();
        assert!(matches!(refused, Failure::Rejected(RejectionCodeV1::Damaged)), "{refused:?}");
    }
}

#[tokio::test]
async fn what_is_kept_is_bounded_and_the_rest_is_read() {
    let log = Counting::new();
    let one = RecordV1::of(&state(1)).unwrap().body.len() + ENTRY_BYTES;
    let states = log.states(8 * one);
    for number in 0..64 {
        log.append(instance(number), 1, full(&state(1))).await;
    }
    for number in (0..64).chain(0..64) {
        assert_eq!(states.read(instance(number)).await.unwrap(), Some((1, state(1))));
        assert!(states.kept.weight() <= 8 * one as u64);
    }
    assert!(!states.kept.is_empty());
    let large = InstanceStateV1 { name: Sealed(vec![1; 9 * one]), ..state(1) };
    log.append(instance(99), 1, full(&large)).await;
    log.given();
    for given in 1..=2 {
        assert_eq!(states.read(instance(99)).await.unwrap(), Some((1, large.clone())));
        assert_eq!(log.given.load(Ordering::SeqCst), given, "what is larger than the whole is not kept");
    }
}
