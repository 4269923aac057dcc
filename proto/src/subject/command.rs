//! Subjects of commands: they say who sends, so that NATS decides who may, and the session-aggregate need not
//! believe what a request says of itself.

use std::{fmt, str::FromStr};

use thiserror::Error;

use super::{Partition, StreamKey};
use crate::ids::StreamId;

/// Who sends a command. NATS lets each user speak as its own senders only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sender {
    /// A gateway, for whoever showed it a key or a token.
    Client,
    /// A gateway that starts: it makes the account `default`.
    Start,
    /// The connector, which reports what happens on the device links.
    Link,
    /// The process manager, which does what time or an account asks for.
    Clock,
    /// The webhooks service, which disables an endpoint that wants nothing more.
    Delivery,
}

impl Sender {
    /// Every sender.
    pub const ALL: [Self; 5] = [Self::Client, Self::Start, Self::Link, Self::Clock, Self::Delivery];

    /// The word that stands in subjects.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Start => "start",
            Self::Link => "link",
            Self::Clock => "clock",
            Self::Delivery => "delivery",
        }
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Sender {
    type Err = InvalidCommandSubject;

    fn from_str(text: &str) -> Result<Self, InvalidCommandSubject> {
        Self::ALL.into_iter().find(|sender| sender.as_str() == text).ok_or(InvalidCommandSubject)
    }
}

/// Who is to decide a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decider {
    /// The replica that owns the partition: it has the state in memory.
    Owner,
    /// Any replica.
    Any,
}

impl Decider {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Owner, Self::Any];

    /// The word that stands in subjects.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "cmd",
            Self::Any => "any",
        }
    }

    /// The filter of every command that is for this decider.
    pub const fn filter(self) -> &'static str {
        match self {
            Self::Owner => "berth.v1.cmd.*.*.*",
            Self::Any => "berth.v1.any.*.*.*",
        }
    }
}

/// The subject is not one of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a subject of a command: `berth.v1.<cmd or any>.<sender>.<partition>.<id>` is expected")]
pub struct InvalidCommandSubject;

/// The subject that a command travels on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommandSubject {
    /// Who is to decide it.
    pub decider: Decider,
    /// Who sends it.
    pub sender: Sender,
    /// The partition of the stream that decides.
    pub partition: Partition,
    /// The id of that stream.
    pub id: StreamId,
}

impl CommandSubject {
    /// The subject of commands for a stream's aggregate.
    pub fn new(decider: Decider, sender: Sender, stream: &StreamKey) -> Self {
        Self { decider, sender, partition: stream.partition(), id: stream.id }
    }

    /// Whether it is a subject of this stream's aggregate.
    pub fn is_of(&self, stream: &StreamKey) -> bool {
        self.partition == stream.partition() && self.id == stream.id
    }
}

impl fmt::Display for CommandSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { decider, sender, partition, id } = self;
        write!(f, "berth.v1.{}.{sender}.{partition}.{id}", decider.as_str())
    }
}

impl FromStr for CommandSubject {
    type Err = InvalidCommandSubject;

    /// Reads a subject; whether its partition is that of its id depends on the stream that the request names.
    fn from_str(subject: &str) -> Result<Self, InvalidCommandSubject> {
        let rest = subject.strip_prefix("berth.v1.").ok_or(InvalidCommandSubject)?;
        let mut parts = rest.split('.');
        let (Some(decider), Some(sender), Some(partition), Some(id), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidCommandSubject);
        };
        let read = Self {
            decider: Decider::ALL
                .into_iter()
                .find(|one| one.as_str() == decider)
                .ok_or(InvalidCommandSubject)?,
            sender: sender.parse()?,
            partition: partition.parse().ok().and_then(Partition::new).ok_or(InvalidCommandSubject)?,
            id: id.parse().map_err(|_| InvalidCommandSubject)?,
        };
        // A number may be written in more than one way.
        if read.to_string() == subject { Ok(read) } else { Err(InvalidCommandSubject) }
    }
}

/// The filter of the commands that the owner of a partition decides.
pub fn owner_filter(partition: Partition) -> String {
    format!("berth.v1.{}.*.{partition}.*", Decider::Owner.as_str())
}

/// The subject on which a sender's commands for a stream's aggregate travel to the owner of its partition.
pub fn command_subject(sender: Sender, stream: &StreamKey) -> String {
    CommandSubject::new(Decider::Owner, sender, stream).to_string()
}
