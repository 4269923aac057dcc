//! The commit: one message of the log, the events of one step and the state after them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest, Sha256};

use crate::{
    codec::{self, DecodeError, EncodeError, Frozen, RecordV1, from_payload, types},
    ids::{AccountId, CommandId, EndpointId, InstanceId, Sealed},
    instance::RememberedV1,
    limits,
    subject::StreamKey,
    time::Timestamp,
    write_version::WriteVersion,
};

/// A SHA-256 hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub [u8; 32]);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&self.to_string())
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).map_err(D::Error::custom)?;
            bytes.try_into().map(Self).map_err(|_| D::Error::custom("32 bytes are expected"))
        } else {
            <[u8; 32]>::deserialize(deserializer).map(Self)
        }
    }
}

impl CommandId {
    /// The id of a command that has no other: its digest, cut to the length of an id.
    pub fn of_digest(digest: &Hash) -> Self {
        Self::from_bytes(digest.0.first_chunk().copied().unwrap_or_default())
    }
}

impl Hash {
    /// The previous hash of a stream's first commit.
    pub fn genesis(stream: &StreamKey) -> Self {
        Self::over(b"berth.v1.genesis", &[stream.subject().as_bytes()])
    }

    /// The hash of a stored commit: over its subject, the hash before it and the exact stored bytes.
    pub fn of_commit(stream: &StreamKey, previous: Self, payload: &[u8]) -> Self {
        Self::over(b"berth.v1.commit", &[stream.subject().as_bytes(), &previous.0, payload])
    }

    /// The plain SHA-256 of some bytes.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The hash of some parts under a domain; each part is preceded by its length.
    pub fn over(domain: &[u8], parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in std::iter::once(&domain).chain(parts) {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }
}

/// Who a command was decided for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalV1 {
    /// The operator's root key.
    Root,
    /// An account token.
    Account {
        /// The account.
        account: AccountId,
    },
    /// An instance token.
    Instance {
        /// The account that owns the instance.
        account: AccountId,
        /// The instance.
        instance: InstanceId,
        /// The version of the token that was shown; an older one than the state's is refused.
        credential_version: u32,
    },
    /// One of our own services.
    Service,
}

/// How a command came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginV1 {
    /// The door: `native`, a dialect's name, `connector`, `sweeper` …
    pub via: String,
}

/// What a command came to. Answers are rendered from it again when the command is repeated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeV1 {
    /// Whether anything changed.
    pub code: OutcomeCodeV1,
    /// The attempt that the command started, joined or ended, 0 if none.
    pub attempt: u32,
    /// The endpoint that the command configured, rotated or removed.
    pub endpoint: Option<EndpointId>,
}

/// Whether a command changed anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeCodeV1 {
    /// Events were appended.
    Applied,
    /// The state was already as wanted.
    Unchanged,
    /// A connect found a running attempt and joined it.
    Joined,
}

/// What a commit says of one command that it answers, as release 0.1.0 began with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptV1 {
    /// The command.
    pub command_id: CommandId,
    /// Whether the client sent an `Idempotency-Key`.
    pub keyed: bool,
    /// Keyed digest of route, resolved instance and body.
    pub digest: Hash,
    /// Who it was decided for.
    pub principal: PrincipalV1,
    /// How it came in.
    pub origin: OriginV1,
    /// The command that caused this one, if a service sent it.
    pub causation: Option<CommandId>,
    /// What it came to.
    pub outcome: OutcomeV1,
    /// Index of its first event in the commit.
    pub first_event: u16,
    /// How many events are its.
    pub event_count: u16,
}

/// What a commit says of one command that it answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptV2 {
    /// The command.
    pub command_id: CommandId,
    /// Whether the client sent an `Idempotency-Key`.
    pub keyed: bool,
    /// Keyed digest of route, resolved instance and body.
    pub digest: Hash,
    /// Who it was decided for.
    pub principal: PrincipalV1,
    /// How it came in.
    pub origin: OriginV1,
    /// The command that caused this one, if a service sent it.
    pub causation: Option<CommandId>,
    /// What it came to.
    pub outcome: OutcomeV1,
    /// Index of its first event in the commit.
    pub first_event: u16,
    /// How many events are its.
    pub event_count: u16,
    /// A [`CallerV1`] as JSON, sealed for the owner of the stream; none for a service's command.
    pub caller: Option<Sealed>,
}

impl From<ReceiptV1> for ReceiptV2 {
    fn from(earlier: ReceiptV1) -> Self {
        let ReceiptV1 {
            command_id,
            keyed,
            digest,
            principal,
            origin,
            causation,
            outcome,
            first_event,
            event_count,
        } = earlier;
        Self {
            command_id,
            keyed,
            digest,
            principal,
            origin,
            causation,
            outcome,
            first_event,
            event_count,
            caller: None,
        }
    }
}

impl From<ReceiptV2> for ReceiptV1 {
    fn from(later: ReceiptV2) -> Self {
        let ReceiptV2 { command_id, keyed, digest, principal, origin, causation, outcome, .. } = later;
        let ReceiptV2 { first_event, event_count, .. } = later;
        Self { command_id, keyed, digest, principal, origin, causation, outcome, first_event, event_count }
    }
}

/// Where a client's command came from: personal, so it stands in a receipt only sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerV1 {
    /// The id of the HTTP request: the client's own `X-Request-Id`, or one that was made for it.
    pub request_id: String,
    /// The network address of the connection's other end; none if it is not known.
    pub address: Option<String>,
}

/// The state that a commit carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CarriedV1 {
    /// The whole state after the events.
    Full(RecordV1),
    /// The state is that of an earlier commit, which carries all of it, and what is remembered since.
    Since(SinceV1),
}

/// What is remembered since the last commit that carried the whole state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinceV1 {
    /// The version of that commit, at most [`limits::COMMITS_WITHOUT_STATE_MAX`] before this one.
    pub version: u64,
    /// The engine's number of that commit when this one was written: a hint where to look, never believed
    /// without a look at what stands there.
    pub revision: u64,
    /// Keyed commands that were answered since, oldest first.
    pub keyed: Vec<RememberedV1>,
    /// Commands without a key that were answered since, oldest first.
    pub unkeyed: Vec<RememberedV1>,
}

/// A state that rides in commits.
pub trait CarriedState: Frozen {
    /// The record that a commit carries. What an earlier shape says as well stands in that one, so that whoever knows only
    /// that one reads it too.
    fn record(&self) -> Result<RecordV1, EncodeError> {
        RecordV1::of(self)
    }

    /// What must be remembered since the commit with this version and revision, which carried a whole state, if
    /// nothing else can have changed. None for a state that is always carried as a whole.
    fn since(&self, _version: u64, _revision: u64) -> Option<SinceV1> {
        None
    }

    /// Makes the state that a commit carried into that of a later commit without a state. False if a state of
    /// this kind is always carried as a whole.
    fn remember_since(&mut self, _since: &SinceV1) -> bool {
        false
    }
}

/// What a tombstone of a damaged instance rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DamageV1 {
    /// The version of the first damaged commit after the last good one.
    pub version: u64,
    /// The SHA-256 of the stored bytes that stand there; none if the store could not give them.
    pub stored: Option<Hash>,
    /// The version of the last good commit, whose state the tombstone goes on from; 0 if there is none.
    pub good_version: u64,
}

/// One message of the log, as release 0.1.0 began with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitV1 {
    /// The stream.
    pub stream: StreamKey,
    /// Its gapless version, 1 for the first commit.
    pub version: u64,
    /// The hash of the commit before, or the genesis hash of the stream.
    pub previous: Hash,
    /// When it was decided: never before the previous commit's moment.
    pub occurred_at: Timestamp,
    /// The commands that it answers.
    pub receipts: Vec<ReceiptV1>,
    /// What happened.
    pub events: Vec<RecordV1>,
    /// The state after the events.
    pub state: RecordV1,
}

impl Frozen for CommitV1 {
    const TYPE: u16 = types::COMMIT;
    const VERSION: u8 = 1;
    const BYTES_MAX: usize = limits::COMMIT_BYTES_MAX;
}

/// One message of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitV2 {
    /// The stream.
    pub stream: StreamKey,
    /// Its gapless version, 1 for the first commit.
    pub version: u64,
    /// The hash of the commit before, or the genesis hash of the stream. With `damage`, that of the last good one.
    pub previous: Hash,
    /// When it was decided: never before the previous commit's moment.
    pub occurred_at: Timestamp,
    /// The commands that it answers.
    pub receipts: Vec<ReceiptV2>,
    /// What happened.
    pub events: Vec<RecordV1>,
    /// The state after the events. A commit with events carries the whole of it.
    pub state: CarriedV1,
    /// The version of the account whose configuration it was decided with, 0 if none was read.
    pub account_version: u64,
    /// The W3C trace context of the first command's request.
    pub traceparent: Option<String>,
    /// What it rests on, if the commit before it is damaged.
    pub damage: Option<DamageV1>,
}

impl Frozen for CommitV2 {
    const TYPE: u16 = types::COMMIT;
    const VERSION: u8 = 2;
    const BYTES_MAX: usize = limits::COMMIT_BYTES_MAX;
    const CHECKED_SINCE: u8 = 2;

    fn from_earlier(version: u8, payload: &[u8]) -> Option<Result<Self, DecodeError>> {
        (version == CommitV1::VERSION).then(|| from_payload::<CommitV1>(payload).map(Self::from))
    }
}

impl From<CommitV1> for CommitV2 {
    fn from(earlier: CommitV1) -> Self {
        let CommitV1 { stream, version, previous, occurred_at, receipts, events, state } = earlier;
        Self {
            stream,
            version,
            previous,
            occurred_at,
            receipts: receipts.into_iter().map(ReceiptV2::from).collect(),
            events,
            state: CarriedV1::Full(state),
            account_version: 0,
            traceparent: None,
            damage: None,
        }
    }
}

// === impl CommitV2 ===

impl CommitV2 {
    /// The whole state, if the commit carries it.
    pub const fn full_state(&self) -> Option<&RecordV1> {
        match &self.state {
            CarriedV1::Full(state) => Some(state),
            CarriedV1::Since(_) => None,
        }
    }

    /// The bytes to be stored in a deployment with this write version. In one below 2 that is a [`CommitV1`],
    /// which has no place for what came with this version; none if the commit cannot be told without.
    pub fn encode_for(&self, write_version: WriteVersion) -> Option<Result<Vec<u8>, EncodeError>> {
        if write_version.checked_commits() {
            return Some(codec::encode(self));
        }
        let state = self.full_state().filter(|_| self.damage.is_none())?.clone();
        let Self { stream, version, previous, occurred_at, receipts, events, .. } = self.clone();
        let receipts = receipts.into_iter().map(ReceiptV1::from).collect();
        Some(codec::encode(&CommitV1 { stream, version, previous, occurred_at, receipts, events, state }))
    }
}
