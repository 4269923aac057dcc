//! The last commit of a stream, which no other commit's hash covers yet, and the state that it stands for.

use std::sync::Arc;

use berth_log::{
    ChainFaultKind, DecodeError, EventLog, NewCommit, StateError, Tail, TailSince, decode_commit,
    last_readable, rehydrate, verify,
};
use berth_proto::{
    AccountId, CommandId, CommitV2, DirectoryId, Hash, RecordV1, Sealed, Timestamp, codec,
    commit::{CarriedState, CarriedV1, OutcomeCodeV1, OutcomeV1, SinceV1},
    instance::{EntriesV1, InstanceStateV1, PermissionV1, PhaseV1, RememberedV1},
    limits::COMMITS_WITHOUT_STATE_MAX,
};
use futures::StreamExt;

use super::history::{History, instance};

type Log = Arc<dyn EventLog>;

/// Appends that run at once.
const APPENDS_AT_ONCE: usize = 64;

fn state() -> InstanceStateV1 {
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
        session: 1,
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

fn remembered(version: u64) -> RememberedV1 {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&version.to_be_bytes());
    RememberedV1 {
        command_id: CommandId::from_bytes(id),
        digest: Hash([3; 32]),
        version,
        outcome: OutcomeV1 { code: OutcomeCodeV1::Unchanged, attempt: 0, endpoint: None },
    }
}

fn full(state: &InstanceStateV1) -> CarriedV1 {
    CarriedV1::Full(RecordV1::of(state).unwrap())
}

fn next(history: &History, state: CarriedV1) -> NewCommit {
    let version = history.expected.next_version();
    let commit = CommitV2 {
        stream: history.stream,
        version,
        previous: history.last_hash,
        occurred_at: Timestamp(i64::try_from(version).unwrap()),
        receipts: Vec::new(),
        events: Vec::new(),
        state,
        account_version: 0,
        traceparent: None,
        damage: None,
    };
    let payload = codec::encode(&commit).unwrap().into();
    NewCommit { stream: history.stream, version, command_id: None, traceparent: None, payload }
}

async fn append(log: &Log, history: &mut History, state: CarriedV1) -> Tail {
    let commit = next(history, state);
    store(log, history, commit).await
}

async fn store(log: &Log, history: &mut History, commit: NewCommit) -> Tail {
    let payload = commit.payload.clone();
    let appended = log.append(commit, history.expected).await.unwrap();
    history.moved(&appended, &payload);
    appended.tail
}

pub(crate) async fn a_flipped_bit_of_the_last_commit_is_noticed(log: &Log) {
    let bits = next(&History::new(instance(1)), full(&state())).payload.len() * 8;
    let stories = (0..bits).map(|bit| async move {
        let history = History::new(instance(bit as u64));
        let commit = next(&history, full(&state()));
        let mut bytes = commit.payload.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        log.append(NewCommit { payload: bytes.into(), ..commit }, history.expected).await.unwrap();
        let stored = log.tail(&history.stream).await.unwrap().unwrap();
        assert!(rehydrate::<InstanceStateV1>(&**log, &stored).await.is_err(), "bit {bit} was read");
        let report = verify(&**log, &history.stream).await.unwrap();
        let fault = report.fault.unwrap_or_else(|| panic!("bit {bit} was verified"));
        assert_eq!((report.commits, fault.version), (0, 1));
        assert!(matches!(fault.kind, ChainFaultKind::Undecodable(_)), "{fault:?}");
    });
    futures::stream::iter(stories).buffer_unordered(APPENDS_AT_ONCE).collect::<Vec<_>>().await;
}

pub(crate) async fn a_state_is_found_through_a_commit_without_one(log: &Log) {
    let mut history = History::new(instance(1));
    let mut neighbour = History::new(instance(2));
    let mut now = state();
    let base = append(log, &mut history, full(&now)).await;
    for back in 1..=COMMITS_WITHOUT_STATE_MAX {
        neighbour.append(&**log, back).await.unwrap();
        now.keyed.push(remembered(base.version + back));
        // The hint is right, of a neighbour's commit, or of none at all.
        let revision = [base.revision, base.revision + 1, u64::MAX >> 1][usize::try_from(back % 3).unwrap()];
        let since = now.since(base.version, revision).unwrap();
        append(log, &mut history, CarriedV1::Since(since)).await;
        let stored = log.tail(&history.stream).await.unwrap().unwrap();
        let found = rehydrate::<InstanceStateV1>(&**log, &stored).await.unwrap();
        assert_eq!(found.state, now);
        assert_eq!(found.full, base);
    }
    assert_eq!(verify(&**log, &history.stream).await.unwrap().fault, None);
    let readable = last_readable::<InstanceStateV1>(&**log, &history.stream, |_| true).await.unwrap();
    assert_eq!(readable.unwrap().state, now);
}

pub(crate) async fn a_state_that_is_not_where_a_commit_says_is_refused(log: &Log) {
    let mut history = History::new(instance(1));
    let base = append(log, &mut history, full(&state())).await;
    let since = |version, revision| {
        CarriedV1::Since(SinceV1 { version, revision, keyed: Vec::new(), unkeyed: Vec::new() })
    };
    let first = append(log, &mut history, since(base.version, base.revision)).await;
    // A commit without a state itself, the commit itself, one that is not there, and none.
    for (version, at) in [(first.version, 3), (4, 4), (9, 5), (0, 6)] {
        let tail = append(log, &mut history, since(version, first.revision)).await;
        assert_eq!(tail.version, at);
        let stored = log.tail(&history.stream).await.unwrap().unwrap();
        let refused = rehydrate::<InstanceStateV1>(&**log, &stored).await.unwrap_err();
        assert!(matches!(refused, StateError::Decode(DecodeError::Base { .. })), "{version}: {refused:?}");
    }
    let mut far = History::new(instance(2));
    let base = append(log, &mut far, full(&state())).await;
    for _ in 0..=COMMITS_WITHOUT_STATE_MAX {
        append(log, &mut far, since(base.version, base.revision)).await;
    }
    let stored = log.tail(&far.stream).await.unwrap().unwrap();
    let refused = rehydrate::<InstanceStateV1>(&**log, &stored).await.unwrap_err();
    assert!(matches!(refused, StateError::Decode(DecodeError::Base { .. })), "{refused:?}");
}

pub(crate) async fn reading_back_passes_over_what_is_damaged(log: &Log) {
    let mut history = History::new(instance(1));
    let mut now = state();
    let base = append(log, &mut history, full(&now)).await;
    now.keyed.push(remembered(2));
    let since = now.since(base.version, base.revision).unwrap();
    let good = append(log, &mut history, CarriedV1::Since(since)).await;
    let hash = history.last_hash;
    let damaged = NewCommit { payload: vec![0; 64].into(), ..next(&history, full(&now)) };
    store(log, &mut history, damaged).await;
    let readable =
        last_readable::<InstanceStateV1>(&**log, &history.stream, |_| true).await.unwrap().unwrap();
    assert_eq!((readable.tail, readable.hash, readable.state), (good, hash, now));
    let stored = log.tail(&history.stream).await.unwrap().unwrap();
    assert!(decode_commit(&stored).is_err());
}

pub(crate) async fn an_end_that_was_seen_is_told_from_another_one(log: &Log) {
    let mut history = History::new(instance(1));
    let nowhere = Tail { version: 1, revision: 1 };
    assert_eq!(log.tail_since(&history.stream, nowhere).await.unwrap(), TailSince::Other(None));
    let mut seen = nowhere;
    for _ in 0..3 {
        let tail = append(log, &mut history, full(&state())).await;
        let stored = log.tail(&history.stream).await.unwrap();
        assert_eq!(stored.as_ref().map(|stored| stored.tail), Some(tail));
        let other = TailSince::Other(stored);
        if seen != tail {
            assert_eq!(log.tail_since(&history.stream, seen).await.unwrap(), other);
        }
        let same = log.tail_since(&history.stream, tail).await.unwrap();
        assert!(same == TailSince::Same || same == other, "{same:?}");
        seen = tail;
    }
}
