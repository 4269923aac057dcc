//! The one transaction loop, and the only caller of [`EventLog::append`]: load, decide, append; on a conflict load
//! and decide again.

use std::{sync::Arc, time::Duration};

use berth_proto::{
    CommitV2, EncodeError, Hash, RecordV1, StreamKey, Timestamp, WriteVersion,
    commit::{CarriedState, CarriedV1, ReceiptV2},
    limits::COMMITS_WITHOUT_STATE_MAX,
};
use berth_runtime::{
    Clock, Entropy,
    telemetry::traces::{self, Span, SpanKind},
};
use bytes::Bytes;
use thiserror::Error;

use crate::{
    decode::DecodeError,
    loaded::Loaded,
    port::{AppendError, EventLog, Expected, LogRead, NewCommit, ReadError},
};

/// Appends to one stream that are tried before it counts as contended.
const ATTEMPTS_MAX: u64 = 32;
/// Attempts after which a loser waits a little before the next one, so that replicas do not keep colliding.
const EAGER_ATTEMPTS: u64 = 4;
/// What a loser waits at most, for each attempt that it lost.
const STAND_BACK_MICROS_MAX: u64 = 1_000;

/// What the next commit of a stream says.
#[derive(Debug)]
pub struct Next<S> {
    /// The commands that it answers.
    pub receipts: Vec<ReceiptV2>,
    /// What happened.
    pub events: Vec<RecordV1>,
    /// The state after the events.
    pub state: S,
    /// The version of the account whose configuration it was decided with; 0 if that says nothing of it.
    pub account_version: u64,
}

/// What was decided on a stream as it was loaded, with an answer for whoever asked.
#[derive(Debug)]
pub enum Plan<S, T> {
    /// This is to be appended to the stream, and the answer is true once it is.
    Append(Loaded<S>, Next<S>, T),
    /// The stream is left as it is.
    Keep(Loaded<S>, T),
}

/// What a transaction came to.
#[derive(Debug)]
pub struct Transacted<S, T> {
    /// The stream as it is now.
    pub loaded: Loaded<S>,
    /// The answer of the last decision.
    pub answer: T,
    /// What was appended, if anything was.
    pub written: Option<Written>,
}

/// What an appended commit says, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The commands that it answers.
    pub commands: usize,
    /// The events in it.
    pub events: usize,
}

/// A transaction did not come to its end.
#[derive(Debug, Error)]
pub enum TransactError {
    /// The log cannot be read now. A retry helps.
    #[error("the log could not be read")]
    Read(#[source] ReadError),
    /// The log did not take the commit, or it is not known whether it did. Whoever retries finds what became of it.
    #[error("the commit could not be appended")]
    Append(#[source] AppendError),
    /// Others were first, again and again. A retry helps.
    #[error("{stream} was changed by others again and again")]
    Contended {
        /// The stream.
        stream: StreamKey,
    },
    /// The last commit of a stream cannot be trusted: an operator has to look. A retry does not help.
    #[error("the last commit of {stream} is damaged")]
    Damaged {
        /// The stream.
        stream: StreamKey,
        /// What is wrong with it.
        #[source]
        source: Damage,
    },
    /// The last commit of a stream, which was to be built on although it is damaged, is not.
    #[error("the last commit of {stream} is not damaged")]
    Sound {
        /// The stream.
        stream: StreamKey,
    },
    /// The commit or its state is larger than allowed. A retry does not help.
    #[error("the commit cannot be encoded")]
    Encode(#[from] EncodeError),
    /// What the commit says has no place in the formats that the deployment writes yet. A retry does not help.
    #[error("the deployment does not write commits that can say this yet: raise its write version")]
    TooNew,
}

/// What is wrong with a stored commit.
#[derive(Debug, Error)]
pub enum Damage {
    /// It or the one whose state it rests on cannot be decoded, is of a version that this release does not know, or
    /// belongs elsewhere.
    #[error("it cannot be used")]
    Decode(#[source] DecodeError),
    /// The store is damaged where it lies.
    #[error("the store is damaged where it lies")]
    Store(#[source] ReadError),
}

/// What a writer's transactions decide on.
#[derive(Debug, Clone, Copy)]
enum Ground {
    /// A stream whose last commit can be trusted.
    Sound,
    /// A stream whose last commit cannot, as far as it can be read.
    Damaged,
}

/// Appends to the log for everybody.
#[derive(Debug, Clone)]
pub struct Writer {
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    write_version: WriteVersion,
    ground: Ground,
}

// === impl Writer ===

impl Writer {
    /// A writer of the formats that every replica of the deployment reads.
    pub const fn new(
        log: Arc<dyn EventLog>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        write_version: WriteVersion,
    ) -> Self {
        Self { log, clock, entropy, write_version, ground: Ground::Sound }
    }

    /// The same for streams whose last commit is damaged: it decides on them as far as they can be read, and appends behind
    /// the damage a commit that says so. Its transactions end with [`TransactError::Sound`] if the last commit is not
    /// damaged, or not any more; [`TransactError::TooNew`] where commits cannot say yet on what damage they are built.
    pub fn behind_damage(&self) -> Result<Self, TransactError> {
        if self.write_version.checked_commits() {
            Ok(Self { ground: Ground::Damaged, ..self.clone() })
        } else {
            Err(TransactError::TooNew)
        }
    }

    /// The log, for whoever only reads it.
    pub fn log(&self) -> &dyn LogRead {
        &*self.log
    }

    /// Decides on a stream, as it is at that moment, and appends what was decided. `remembered` is the stream as
    /// somebody saw it earlier, which saves a read.
    ///
    /// An answer rests either on an append, which the log refuses if the stream has moved on, or on a state that was
    /// read here: never on memory alone, since another replica may have appended.
    ///
    /// It is decided on the present clock, which may be before the last commit: what is folded into the state
    /// has the commit's [`Loaded::moment`].
    pub async fn transact<S, T, E, F>(
        &self,
        stream: StreamKey,
        mut remembered: Option<Loaded<S>>,
        decide: impl Fn(Loaded<S>, Timestamp) -> F,
    ) -> Result<Transacted<S, T>, E>
    where
        S: CarriedState,
        E: From<TransactError>,
        F: Future<Output = Result<Plan<S, T>, E>>,
    {
        for attempt in 0..ATTEMPTS_MAX {
            self.stand_back(attempt).await;
            let is_remembered = remembered.is_some();
            let loaded = match remembered.take() {
                Some(remembered) => remembered,
                None => self.load(&stream).await?,
            };
            let now = self.clock.now();
            match decide(loaded, now).await? {
                Plan::Append(loaded, next, answer) => {
                    let written = Some(Written { commands: next.receipts.len(), events: next.events.len() });
                    if let Some(loaded) = self.append(&loaded, next, now).await? {
                        return Ok(Transacted { loaded, answer, written });
                    }
                }
                Plan::Keep(..) if is_remembered => {}
                Plan::Keep(loaded, answer) => return Ok(Transacted { loaded, answer, written: None }),
            }
        }
        Err(TransactError::Contended { stream }.into())
    }

    /// Waits for a random while if attempts were lost.
    async fn stand_back(&self, attempt: u64) {
        if attempt > EAGER_ATTEMPTS {
            let micros = self.entropy.below(STAND_BACK_MICROS_MAX * attempt);
            tokio::time::sleep(Duration::from_micros(micros)).await;
        }
    }

    /// Reads the last commit of a stream.
    pub async fn load<S: CarriedState>(&self, stream: &StreamKey) -> Result<Loaded<S>, TransactError> {
        match self.ground {
            Ground::Sound => Loaded::read(&*self.log, stream).await,
            Ground::Damaged => Loaded::read_damaged(&*self.log, stream).await,
        }
    }

    /// Appends the next commit and gives the stream as it is then; none if somebody else was first.
    async fn append<S: CarriedState>(
        &self,
        loaded: &Loaded<S>,
        next: Next<S>,
        now: Timestamp,
    ) -> Result<Option<Loaded<S>>, TransactError> {
        let (stream, previous, at) = (loaded.stream, loaded.previous, loaded.moment(now));
        let expected = loaded.tail.map_or(Expected::Empty, Expected::After);
        let version = expected.next_version();
        let command_id = next.receipts.first().map(|receipt| receipt.command_id);
        let carried = self.carried(loaded, &next)?;
        let carries_all = matches!(carried, CarriedV1::Full(_));
        let span = traces::current().map(|trace| traces::begin("append", SpanKind::Internal, Some(trace)));
        let traceparent = span.as_ref().and_then(Span::context).map(|context| context.to_string());
        let commit = CommitV2 {
            stream,
            version,
            previous,
            occurred_at: at,
            receipts: next.receipts,
            events: next.events,
            state: carried,
            account_version: next.account_version,
            traceparent: traceparent.clone(),
            damage: loaded.damage.clone(),
        };
        let payload = commit.encode_for(self.write_version).ok_or(TransactError::TooNew)?;
        let payload = Bytes::from(payload?);
        let new = NewCommit { stream, version, command_id, traceparent, payload: payload.clone() };
        match self.log.append(new, expected).await {
            Ok(appended) => Ok(Some(Loaded {
                stream,
                tail: Some(appended.tail),
                state: Some(next.state),
                previous: Hash::of_commit(&stream, previous, &payload),
                occurred_at: at,
                full: if carries_all { Some(appended.tail) } else { loaded.full },
                damage: None,
            })),
            Err(AppendError::Conflict { .. }) => Ok(None),
            Err(error) => Err(TransactError::Append(error)),
        }
    }

    /// The state as the next commit carries it: the whole of it, or, if nothing happened, what is remembered since
    /// the last whole one, which is not far back.
    fn carried<S: CarriedState>(&self, loaded: &Loaded<S>, next: &Next<S>) -> Result<CarriedV1, EncodeError> {
        let since = loaded.full.filter(|full| {
            let back = loaded.version() + 1 - full.version;
            let small = next.events.is_empty() && back <= COMMITS_WITHOUT_STATE_MAX;
            small && self.write_version.checked_commits()
        });
        match since.and_then(|full| next.state.since(full.version, full.revision)) {
            Some(since) => Ok(CarriedV1::Since(since)),
            None => Ok(CarriedV1::Full(next.state.record()?)),
        }
    }
}

// === impl Plan ===

impl<S, T> Plan<S, T> {
    /// The same plan with another answer.
    pub fn map<U>(self, answer: impl FnOnce(T) -> U) -> Plan<S, U> {
        match self {
            Self::Append(loaded, next, given) => Plan::Append(loaded, next, answer(given)),
            Self::Keep(loaded, given) => Plan::Keep(loaded, answer(given)),
        }
    }
}

// === impl TransactError ===

impl TransactError {
    pub(crate) fn read(error: ReadError, stream: &StreamKey) -> Self {
        match error {
            ReadError::Damaged(_) => Self::Damaged { stream: *stream, source: Damage::Store(error) },
            ReadError::Unavailable(_) => Self::Read(error),
        }
    }
}

impl From<DecodeError> for TransactError {
    fn from(error: DecodeError) -> Self {
        Self::Damaged { stream: error.stream(), source: Damage::Decode(error) }
    }
}
