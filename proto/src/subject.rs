//! Subjects and stream keys: where a commit, a command or an event travels.
//!
//! | subject | what |
//! | --- | --- |
//! | `berth.v1.log.<kind>.<partition>.<id>` | commits |
//! | `berth.v1.cmd.<sender>.<partition>.<id>` | commands for the owner of the partition, request and reply |
//! | `berth.v1.any.<sender>.<partition>.<id>` | commands that every replica decides, request and reply |
//! | `berth.v1.query.<view>` | queries, request and reply |
//! | `berth.v1.events.<account>.<instance>` | public JSON events, kept for a while |
//! | `berth.v1.api.<account>.<verb>.<instance>` | what programs of customers ask, request and reply in JSON |
//! | `berth.v1.tail.<instance>` | a hint that an instance has a new commit |
//! | `berth.v1.last_words.<instance>` | keep what the last notices of a deleted instance need; request and reply |
//! | `berth.v1.attempts.<partition>` | attempts to deliver notices |
//! | `berth.v1.deliveries.<account>` | what was sent to endpoints; request and reply |
//! | `berth.v1.redelivery.<partition>.<instance>` | sending to endpoints again, and trying them, by the owner of the partition; request and reply |
//! | `berth.v1.pull.<partition>.<instance>` | notices that are kept until somebody fetches them, from the owner of the partition; request and reply |
//! | `berth.v1.letter.<partition>.<instance>` | message events of an upstream, for the owner of the partition; request and reply |
//! | `berth.v1.postbag.<partition>.<instance>` | message events that wait to be delivered |
//! | `berth.v1.workers.asked` | which workers are connected, asked of every connector; the id of the question |
//! | `berth.v1.workers.told.<id>` | the answers to that, as JSON |
//! | `berth.v1.views.asked` | how views stand, or that one be built anew, asked of every process that has some; JSON |
//! | `berth.v1.views.told.<id>` | the answers to that, as JSON |
//! | `berth.v1.hint.<instance>` | a hint that an upstream has news of an instance |
//! | `berth.v1.simulate.<partition>.<instance>` | playing on a simulated device, by the owner of the partition; request and reply |
//!
//! No personal data ever stands in a subject.

mod api;
mod command;
mod worker;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::ids::{AccountId, CommandId, DirectoryId, InstanceId, StreamId};

pub use api::{API_FILTER, ApiSubject, ApiVerb, InvalidApiSubject};
pub use command::{CommandSubject, Decider, InvalidCommandSubject, Sender, command_subject, owner_filter};
pub use worker::{WORKER_HELLOS, WorkerSession, worker_of_hello, worker_said_filter};

/// Partitions of the key space: the first six bits of a hash.
pub const PARTITIONS: u8 = 64;

/// One of the 64 partitions of the key space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Partition(u8);

impl Partition {
    /// The partition with this number, if there is one.
    pub const fn new(number: u8) -> Option<Self> {
        if number < PARTITIONS { Some(Self(number)) } else { None }
    }

    /// The partition of an id: the first six bits of its SHA-256.
    pub fn of(id: &[u8; 16]) -> Self {
        let [first, ..]: [u8; 32] = Sha256::digest(id).into();
        Self(first >> 2)
    }

    /// Its number, 0 to 63.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The shard of the log that holds it, out of `shards`.
    pub const fn shard(self, shards: u8) -> u8 {
        self.0 % shards
    }

    /// All partitions, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..PARTITIONS).map(Self)
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What kind of aggregate a stream belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The life of one instance.
    Instance,
    /// An account and its token.
    Account,
    /// One unique key: a name, a token, a number, an alias.
    Directory,
    /// Settled notices of one partition.
    Delivery,
}

impl Kind {
    /// Every kind, in the order of their wire numbers.
    pub const ALL: [Self; 4] = [Self::Instance, Self::Account, Self::Directory, Self::Delivery];

    /// The word that stands in subjects.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Account => "account",
            Self::Directory => "directory",
            Self::Delivery => "delivery",
        }
    }
}

impl FromStr for Kind {
    type Err = InvalidSubject;

    fn from_str(text: &str) -> Result<Self, InvalidSubject> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(InvalidSubject)
    }
}

/// The subject is not one of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a subject of the log: `berth.v1.log.<kind>.<partition>.<id>` is expected")]
pub struct InvalidSubject;

/// The key of one stream of commits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StreamKey {
    kind: Kind,
    id: StreamId,
}

impl StreamKey {
    /// The stream of an instance.
    pub const fn instance(id: InstanceId) -> Self {
        Self { kind: Kind::Instance, id: StreamId::from_bytes(*id.as_bytes()) }
    }

    /// The stream of an account.
    pub const fn account(id: AccountId) -> Self {
        Self { kind: Kind::Account, id: StreamId::from_bytes(*id.as_bytes()) }
    }

    /// The stream of a directory entry.
    pub const fn directory(id: DirectoryId) -> Self {
        Self { kind: Kind::Directory, id: StreamId::from_bytes(*id.as_bytes()) }
    }

    /// The stream of the settled notices of a partition: its id is the partition's number.
    pub const fn delivery(partition: Partition) -> Self {
        let mut id = [0; 16];
        id[15] = partition.0;
        Self { kind: Kind::Delivery, id: StreamId::from_bytes(id) }
    }

    /// The kind of the stream.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The 16 bytes of the id, whatever the kind.
    pub const fn id(&self) -> &[u8; 16] {
        self.id.as_bytes()
    }

    /// The instance whose stream this is, if it is one.
    pub fn as_instance(&self) -> Option<InstanceId> {
        (self.kind == Kind::Instance).then_some(self.id.instance())
    }

    /// The account whose stream this is, if it is one.
    pub fn as_account(&self) -> Option<AccountId> {
        (self.kind == Kind::Account).then_some(self.id.account())
    }

    /// The partition that the stream lies in.
    pub fn partition(&self) -> Partition {
        match self.kind {
            Kind::Delivery => {
                let [.., last] = *self.id.as_bytes();
                Partition(last % PARTITIONS)
            }
            Kind::Instance | Kind::Account | Kind::Directory => Partition::of(self.id.as_bytes()),
        }
    }

    /// The subject of its commits.
    pub fn subject(&self) -> String {
        format!("berth.v1.log.{}.{}.{}", self.kind.as_str(), self.partition(), self.id)
    }
}

impl fmt::Debug for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.as_str(), self.id)
    }
}

impl fmt::Display for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.as_str(), self.id)
    }
}

impl FromStr for StreamKey {
    type Err = InvalidSubject;

    /// Reads a subject of the log; the partition in it must be the right one.
    fn from_str(subject: &str) -> Result<Self, InvalidSubject> {
        let rest = subject.strip_prefix("berth.v1.log.").ok_or(InvalidSubject)?;
        let mut parts = rest.split('.');
        let (Some(kind), Some(_), Some(id), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidSubject);
        };
        let key = Self { kind: kind.parse()?, id: id.parse().map_err(|_| InvalidSubject)? };
        if key.subject() == subject { Ok(key) } else { Err(InvalidSubject) }
    }
}

/// The subject filter of one kind of stream in one partition.
pub fn log_filter(kind: Kind, partition: Partition) -> String {
    format!("berth.v1.log.{}.{partition}.*", kind.as_str())
}

/// The subject of queries to a view.
pub fn query_subject(view: &str) -> String {
    format!("berth.v1.query.{view}")
}

/// The subject of the public JSON events of an instance.
pub fn public_event_subject(account: AccountId, instance: InstanceId) -> String {
    format!("berth.v1.events.{account}.{instance}")
}

/// The filter of [`public_event_subject`].
pub const EVENTS_FILTER: &str = "berth.v1.events.*.*";

/// The filter of the public events of an account.
pub fn events_filter(account: AccountId) -> String {
    format!("berth.v1.events.{account}.*")
}

/// The subject on which an instance's new version (8 bytes, big endian) is told: a hint to read again.
pub fn tail_subject(instance: InstanceId) -> String {
    format!("berth.v1.tail.{instance}")
}

/// The subject on which the webhooks service is asked to keep what the last notices of a deleted instance need,
/// before its data key is destroyed. The reply says that this is done, or that there is nothing to keep.
pub fn last_words_subject(instance: InstanceId) -> String {
    format!("berth.v1.last_words.{instance}")
}

/// The filter of [`last_words_subject`].
pub const LAST_WORDS_FILTER: &str = "berth.v1.last_words.*";

/// The subject of the attempts to deliver notices of a partition; see [`crate::attempt`].
pub fn attempts_subject(partition: Partition) -> String {
    format!("berth.v1.attempts.{partition}")
}

/// The filter of [`attempts_subject`].
pub const ATTEMPTS_FILTER: &str = "berth.v1.attempts.*";

/// The subject on which is asked what the endpoints of an account were sent; see [`crate::deliveries`].
pub fn deliveries_subject(account: AccountId) -> String {
    format!("berth.v1.deliveries.{account}")
}

/// The filter of [`deliveries_subject`].
pub const DELIVERIES_FILTER: &str = "berth.v1.deliveries.*";

/// The subject on which the owner of an instance's deliveries is asked to send again; see [`crate::redelivery`].
pub fn redelivery_subject(instance: InstanceId) -> String {
    of_owner("redelivery", instance)
}

/// The filter of [`redelivery_subject`] for a partition.
pub fn redelivery_filter(partition: Partition) -> String {
    format!("berth.v1.redelivery.{partition}.*")
}

/// The subject on which the notices of an instance that wait to be fetched are asked for; see [`crate::pull`].
pub fn pull_subject(instance: InstanceId) -> String {
    of_owner("pull", instance)
}

/// The filter of [`pull_subject`] for a partition.
pub fn pull_filter(partition: Partition) -> String {
    format!("berth.v1.pull.{partition}.*")
}

/// The subject on which the owner of an instance's deliveries is handed message events; see [`crate::letter`].
pub fn letter_subject(instance: InstanceId) -> String {
    of_owner("letter", instance)
}

/// The filter of [`letter_subject`] for a partition.
pub fn letter_filter(partition: Partition) -> String {
    format!("berth.v1.letter.{partition}.*")
}

/// The subject under which message events of an instance are kept.
pub fn postbag_subject(instance: InstanceId) -> String {
    of_owner("postbag", instance)
}

/// The filter of [`postbag_subject`]; of a partition, or of all.
pub fn postbag_filter(partition: Option<Partition>) -> String {
    match partition {
        Some(partition) => format!("berth.v1.postbag.{partition}.*"),
        None => "berth.v1.postbag.*.*".to_owned(),
    }
}

/// The subject on which connectors are asked which workers are connected to them; the payload is the id of the question.
pub const WORKERS_ASKED: &str = "berth.v1.workers.asked";

/// The subject on which they tell it, each for itself.
pub fn workers_told(question: CommandId) -> String {
    format!("berth.v1.workers.told.{question}")
}

/// The subject on which processes are asked how their views stand, or to build one anew: [`crate::views::Question`].
pub const VIEWS_ASKED: &str = "berth.v1.views.asked";

/// The subject on which they tell it, each for itself.
pub fn views_told(question: CommandId) -> String {
    format!("berth.v1.views.told.{question}")
}

/// The subject on which whoever owns the link of an instance is told that its upstream has news of it.
pub fn hint_subject(instance: InstanceId) -> String {
    format!("berth.v1.hint.{instance}")
}

/// The filter of [`hint_subject`].
pub const HINTS_FILTER: &str = "berth.v1.hint.*";

/// The subject on which the simulated driver is told what to play on an instance's link.
pub fn simulate_subject(instance: InstanceId) -> String {
    of_owner("simulate", instance)
}

/// The filter of [`simulate_subject`] for a partition.
pub fn simulate_filter(partition: Partition) -> String {
    format!("berth.v1.simulate.{partition}.*")
}

/// What only the owner of an instance's partition answers.
fn of_owner(what: &str, instance: InstanceId) -> String {
    format!("berth.v1.{what}.{}.{instance}", Partition::of(instance.as_bytes()))
}

/// The key of a sealed code in the volatile store; `kind` is `qr` or `pairing`.
pub fn code_key(instance: InstanceId, attempt: u32, kind: &str, index: u32) -> String {
    format!("code.{instance}.{attempt}.{kind}.{index}")
}
