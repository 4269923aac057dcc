//! The commit: one message of the log, the events of one step and the state after them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest, Sha256};

use crate::{
    codec::{Frozen, RecordV1, types},
    ids::{AccountId, CommandId, EndpointId, InstanceId},
    limits,
    subject::StreamKey,
    time::Timestamp,
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

impl Hash {
    /// The previous hash of a stream's first commit.
    pub fn genesis(stream: &StreamKey) -> Self {
        Self::over(b"berth.v1.genesis", &[stream.subject().as_bytes()])
    }

    /// The hash of a stored commit: over its subject, the hash before it and the exact stored bytes.
    pub fn of_commit(stream: &StreamKey, previous: Self, payload: &[u8]) -> Self {
        Self::over(b"berth.v1.commit", &[stream.subject().as_bytes(), &previous.0, payload])
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

/// What a commit says of one command that it answers.
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

/// One message of the log.
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
