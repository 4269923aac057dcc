//! One stream of commits as an aggregate sees it: its last commit, and how the next one is made.
//!
//! The next commit needs only the last one: its version, its hash, its moment and the state that rides in
//! it. So rehydrating is one read, whatever the history.

use berth_log::{AppendError, EventLog, Expected, LogRead, NewCommit, ReadError, Stored, Tail};
use berth_proto::{
    CommitV1, DecodeError, EncodeError, Hash, RecordV1, StreamKey, Timestamp,
    codec::{self, Frozen},
    commit::ReceiptV1,
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
    /// The size of its last commit, in bytes.
    pub(crate) bytes: usize,
}

/// What the next commit of a stream says.
#[derive(Debug)]
pub(crate) struct Step<S> {
    /// The commands that it answers.
    pub(crate) receipts: Vec<ReceiptV1>,
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
pub(crate) async fn load<S: Frozen>(log: &dyn LogRead, stream: &StreamKey) -> Result<Loaded<S>, Trouble> {
    match log.tail(stream).await {
        Ok(None) => Ok(Loaded::empty(stream)),
        Ok(Some(stored)) => {
            open(stream, &stored).map_err(|source| Trouble::Damaged { stream: *stream, source })
        }
        Err(error @ ReadError::Damaged(_)) => {
            Err(Trouble::Damaged { stream: *stream, source: Damage::Store(error) })
        }
        Err(error) => Err(Trouble::Read(error)),
    }
}

fn open<S: Frozen>(stream: &StreamKey, stored: &Stored) -> Result<Loaded<S>, Damage> {
    let commit: CommitV1 = codec::decode(&stored.payload).map_err(Damage::Decode)?;
    if commit.stream != *stream {
        return Err(Damage::WrongStream);
    }
    if commit.version != stored.tail.version {
        return Err(Damage::WrongVersion);
    }
    Ok(Loaded {
        tail: Some(stored.tail),
        previous: Hash::of_commit(stream, commit.previous, &stored.payload),
        occurred_at: commit.occurred_at,
        state: Some(commit.state.open().map_err(Damage::Decode)?),
        bytes: stored.payload.len(),
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
pub(crate) async fn append<S: Frozen>(
    log: &dyn EventLog,
    stream: &StreamKey,
    loaded: &Loaded<S>,
    step: Step<S>,
) -> Result<Loaded<S>, NotAppended> {
    let encode = |error: EncodeError| NotAppended::Trouble(Trouble::Encode(error));
    let Step { receipts, events, state, at } = step;
    let expected = loaded.expected();
    let commit = CommitV1 {
        stream: *stream,
        version: expected.next_version(),
        previous: loaded.previous,
        occurred_at: loaded.moment(at),
        receipts,
        events,
        state: RecordV1::of(&state).map_err(encode)?,
    };
    let payload = bytes::Bytes::from(codec::encode(&commit).map_err(encode)?);
    debug_assert!(codec::decode::<CommitV1>(&payload) == Ok(commit.clone()), "what is stored can be read");
    let appended = log
        .append(
            NewCommit {
                stream: *stream,
                version: commit.version,
                command_id: commit.receipts.first().map(|receipt| receipt.command_id),
                traceparent: None,
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
        bytes: payload.len(),
    })
}

/// The damage that a decode error stands for, for a caller that decodes by itself.
pub(crate) fn damaged(stream: &StreamKey, error: DecodeError) -> Trouble {
    Trouble::Damaged { stream: *stream, source: Damage::Decode(error) }
}
