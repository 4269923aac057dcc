//! A stream as it was last seen: all that its next commit needs.
//!
//! That is the last commit only: its version, its hash, its moment and the state that rides in it. So loading is one
//! read, whatever the history, or two if the last commit only answers commands that changed nothing: such a commit
//! names the one that carries the state.

use berth_proto::{
    Hash, StreamKey, Timestamp,
    commit::{CarriedState, DamageV1},
};

use crate::{
    chain::hash_of,
    decode::{Rehydrated, StateError, rehydrate},
    port::{LogRead, Tail},
    readable::{DamagedTail, Readable, damaged_tail},
    transaction::TransactError,
};

/// A stream as it was last seen.
#[derive(Debug, Clone)]
pub struct Loaded<S> {
    /// The stream.
    pub stream: StreamKey,
    /// Its last commit; none if it is empty.
    pub tail: Option<Tail>,
    /// The state after its last commit; none if it is empty.
    pub state: Option<S>,
    /// What the next commit says of the one before it.
    pub(crate) previous: Hash,
    /// When its last commit was decided: the next one is never earlier.
    pub(crate) occurred_at: Timestamp,
    /// The commit that carries the whole state: the last one, or one a little before it.
    pub(crate) full: Option<Tail>,
    /// What the next commit says of the last one, if that is damaged and is built on all the same.
    pub(crate) damage: Option<DamageV1>,
}

impl<S> Loaded<S> {
    /// The version of its last commit, 0 if it has none.
    pub fn version(&self) -> u64 {
        self.tail.map_or(0, |tail| tail.version)
    }

    /// When a commit that is decided now is said to have occurred: never before the one before it, even if a clock
    /// that was ahead decided that one.
    pub fn moment(&self, now: Timestamp) -> Timestamp {
        now.max(self.occurred_at)
    }

    /// The same with its state in another form; none if the state cannot be had in that.
    pub fn with_state<T>(self, form: impl FnOnce(S) -> Option<T>) -> Option<Loaded<T>> {
        let Self { stream, tail, state, previous, occurred_at, full, damage } = self;
        let state = match state {
            Some(state) => Some(form(state)?),
            None => None,
        };
        Some(Loaded { stream, tail, state, previous, occurred_at, full, damage })
    }

    /// What the next commit says of the last one, if that is damaged.
    pub const fn damage(&self) -> Option<&DamageV1> {
        self.damage.as_ref()
    }
}

impl<S: CarriedState> Loaded<S> {
    /// A stream without a commit.
    pub fn empty(stream: StreamKey) -> Self {
        Self {
            stream,
            tail: None,
            state: None,
            previous: Hash::genesis(&stream),
            occurred_at: Timestamp(i64::MIN),
            full: None,
            damage: None,
        }
    }

    pub(crate) async fn read(log: &dyn LogRead, stream: &StreamKey) -> Result<Self, TransactError> {
        let Some(stored) = log.tail(stream).await.map_err(|error| TransactError::read(error, stream))? else {
            return Ok(Self::empty(*stream));
        };
        let Rehydrated { commit, state, full } =
            rehydrate::<S>(log, &stored).await.map_err(|error| match error {
                StateError::Decode(error) => error.into(),
                StateError::Read(error) => TransactError::read(error, stream),
            })?;
        Ok(Self {
            stream: *stream,
            tail: Some(stored.tail),
            state: Some(state),
            previous: hash_of(stream, commit.previous, &stored),
            occurred_at: commit.occurred_at,
            full: Some(full),
            damage: None,
        })
    }

    /// Reads a stream whose last commit is damaged, as far as it can be read: its state is that of the last good
    /// commit, if there is one.
    pub(crate) async fn read_damaged(log: &dyn LogRead, stream: &StreamKey) -> Result<Self, TransactError> {
        let found = damaged_tail::<S>(log, stream).await;
        let found = found.map_err(|error| TransactError::read(error, stream))?;
        let Some(DamagedTail { tail, damage, readable }) = found else {
            return Err(TransactError::Sound { stream: *stream });
        };
        let loaded = Self { tail: Some(tail), damage: Some(damage), ..Self::empty(*stream) };
        let Some(Readable { hash: previous, occurred_at, state, .. }) = readable else { return Ok(loaded) };
        Ok(Self { previous, occurred_at, state: Some(state), ..loaded })
    }
}
