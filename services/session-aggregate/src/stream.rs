//! One stream of commits as an aggregate sees it: its last commit, and how the next one is made.
//!
//! The next commit needs only the last one: its version, its hash, its moment and the state that rides in
//! it. So rehydrating is one read, whatever the history, or two if the last commit only answers commands that
//! changed nothing: such a commit names the one that carries the state.

use berth_log::{
    AppendError, DecodeError, EventLog, Expected, LogRead, NewCommit, ReadError, Rehydrated, StateError,
    Tail, hash_of, rehydrate,
};
use berth_proto::{
    CommitV2, EncodeError, Hash, RecordV1, StreamKey, Timestamp, WriteVersion, codec,
    commit::{CarriedState, CarriedV1, ReceiptV2},
    limits::COMMITS_WITHOUT_STATE_MAX,
};

use crate::trouble::{Damage, Trouble};

/// A stream as it was last seen.
#[derive(Debug, Clone)]
pub(crate) struct Loaded<S> {
    /// Its last commit; none if it is empty.
    pub(crate) tail: Option<Tail>,
    /// What the next commit says of the one before it.
    pub(crate) previous: Hash,
    /// When its last commit was decided: the next one is never earlier.
    pub(crate) occurred_at: Timestamp,
    /// The state after its last commit.
    pub(crate) state: Option<S>,
    /// The commit that carries the whole state: the last one, or one a little before it.
    pub(crate) full: Option<Tail>,
    /// The size of that commit, in bytes.
    pub(crate) bytes: usize,
}

/// What the next commit of a stream says.
#[derive(Debug)]
pub(crate) struct Step<S> {
    /// The commands that it answers.
    pub(crate) receipts: Vec<ReceiptV2>,
    /// What happened.
    pub(crate) events: Vec<RecordV1>,
    /// The state after the events.
    pub(crate) state: S,
    /// When it was decided.
    pub(crate) at: Timestamp,
}

// === impl Loaded ===

impl<S> Loaded<S> {
    fn empty(stream: &StreamKey) -> Self {
        Self {
            tail: None,
            previous: Hash::genesis(stream),
            occurred_at: Timestamp(i64::MIN),
            state: None,
            full: None,
            bytes: 0,
        }
    }

    /// The version of its last commit, 0 if it has none.
    pub(crate) fn version(&self) -> u64 {
        self.tail.map_or(0, |tail| tail.version)
    }

    /// What an append must build on.
    pub(crate) fn expected(&self) -> Expected {
        self.tail.map_or(Expected::Empty, Expected::After)
    }

    /// The moment of a decision that is made now.
    pub(crate) fn moment(&self, now: Timestamp) -> Timestamp {
        now.max(self.occurred_at)
    }
}

/// Reads the last commit of a stream.
pub(crate) async fn load<S: CarriedState>(
    log: &dyn LogRead,
    stream: &StreamKey,
) -> Result<Loaded<S>, Trouble> {
    let damaged = |source| Trouble::Damaged { stream: *stream, source };
    let read = |error| match error {
        ReadError::Damaged(_) => damaged(Damage::Store(error)),
        ReadError::Unavailable(_) => Trouble::Read(error),
    };
    let Some(stored) = log.tail(stream).await.map_err(read)? else {
        return Ok(Loaded::empty(stream));
    };
    let Rehydrated { commit, state, full } =
        rehydrate::<S>(log, &stored).await.map_err(|error| match error {
            StateError::Decode(error) => damaged(Damage::Decode(error)),
            StateError::Read(error) => read(error),
        })?;
    Ok(Loaded {
        tail: Some(stored.tail),
        previous: hash_of(stream, commit.previous, &stored),
        occurred_at: commit.occurred_at,
        bytes: codec::encoded_len(&state).unwrap_or_default().max(stored.payload.len()),
        state: Some(state),
        full: Some(full),
    })
}

/// An append did not go through.
#[derive(Debug)]
pub(crate) enum NotAppended {
    /// Somebody else was first: load and decide again.
    Conflict,
    /// Anything else.
    Trouble(Trouble),
}

/// Appends the next commit of a stream and gives the stream as it is then.
pub(crate) async fn append<S: CarriedState>(
    log: &dyn EventLog,
    write_version: WriteVersion,
    stream: &StreamKey,
    loaded: &Loaded<S>,
    step: Step<S>,
) -> Result<Loaded<S>, NotAppended> {
    let encode = |error: EncodeError| NotAppended::Trouble(Trouble::Encode(error));
    let Step { receipts, events, state, at } = step;
    let expected = loaded.expected();
    let without = without_state(write_version, loaded, &events, &state);
    let carries_all = without.is_none();
    let commit = CommitV2 {
        stream: *stream,
        version: expected.next_version(),
        previous: loaded.previous,
        occurred_at: loaded.moment(at),
        receipts,
        events,
        state: match without {
            Some(without) => without,
            None => CarriedV1::Full(RecordV1::of(&state).map_err(encode)?),
        },
        account_version: 0,
        traceparent: None,
        damage: None,
    };
    let payload = commit.encode_for(write_version).ok_or(NotAppended::Trouble(Trouble::TooNew))?;
    let payload = bytes::Bytes::from(payload.map_err(encode)?);
    let appended = log
        .append(
            NewCommit {
                stream: *stream,
                version: commit.version,
                command_id: commit.receipts.first().map(|receipt| receipt.command_id),
                traceparent: commit.traceparent.clone(),
                payload: payload.clone(),
            },
            expected,
        )
        .await
        .map_err(|error| match error {
            AppendError::Conflict { .. } => NotAppended::Conflict,
            other => NotAppended::Trouble(Trouble::Append(other)),
        })?;
    Ok(Loaded {
        tail: Some(appended.tail),
        previous: Hash::of_commit(stream, commit.previous, &payload),
        occurred_at: commit.occurred_at,
        state: Some(state),
        full: if carries_all { Some(appended.tail) } else { loaded.full },
        bytes: if carries_all { payload.len() } else { loaded.bytes },
    })
}

/// What a commit says instead of a state that only remembers more than the last whole one, which is not far back.
fn without_state<S: CarriedState>(
    write_version: WriteVersion,
    loaded: &Loaded<S>,
    events: &[RecordV1],
    state: &S,
) -> Option<CarriedV1> {
    let full = loaded.full.filter(|_| events.is_empty() && write_version.checked_commits())?;
    let back = loaded.expected().next_version().checked_sub(full.version)?;
    let since = state.since(full.version, full.revision).filter(|_| back <= COMMITS_WITHOUT_STATE_MAX)?;
    Some(CarriedV1::Since(since))
}

/// The damage that a decode error stands for, for a caller that decodes by itself.
pub(crate) fn damaged(stream: &StreamKey, error: DecodeError) -> Trouble {
    Trouble::Damaged { stream: *stream, source: Damage::Decode(error) }
}
