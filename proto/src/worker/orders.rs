//! What a worker is told.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::InstanceId;

/// What a worker is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ToWorker {
    /// The hello was accepted.
    Welcome(Welcome),
    /// It was not, or the worker broke the contract; the connection ends.
    Refused(Refusal),
    /// The connector is alive.
    Heartbeat {},
    /// Run a link.
    Run(Run),
    /// Close the link and keep its keys. A run that is none any more needs no answer.
    Stop(Place),
    /// Unlink the device, and report on this run what came of it.
    Unlink(Place),
    /// What to do after a report.
    Answer(Answer),
}

/// A hello was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Welcome {
    /// The contract that counts from now on.
    pub contract: u32,
    /// How often each side says that it is alive. Whoever hears nothing for three times as long ends the connection.
    pub heartbeat_ms: u64,
    /// How long a link may stay open when the connection that asked for it is gone and no other asks for it. An attempt
    /// that has no device yet ends at once then.
    pub unowned_ms: u64,
}

/// Why a worker is sent away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Refusal {
    /// A word for programs.
    pub code: RefusalCode,
    /// A sentence for people.
    pub message: String,
}

/// Why a worker is sent away, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// No contract of the hello is known here.
    ContractUnsupported,
    /// The deployment was told of no such library.
    LibraryUnknown,
    /// Another process with this name is connected. It may be retried when that one is gone.
    NameTaken,
    /// There are too many workers.
    TooManyWorkers,
    /// A message was none; see the sentence.
    InvalidMessage,
    /// A report was sent before the one before it was answered.
    UnansweredReport,
    /// The same process has opened a newer connection.
    Replaced,
    /// Nothing was heard for too long, or what was said was not taken.
    Silent,
    /// The connector stops; another one, or the same, may be there soon.
    Stopping,
}

/// Which run a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Place {
    /// The run: a number that the connection has once.
    pub run: u64,
    /// The instance.
    #[cfg_attr(test, schema(value_type = String, min_length = 26, max_length = 26, pattern = "^[0-9a-v]{26}$"))]
    pub instance: InstanceId,
    /// The attempt that links, or had linked, the device: instance and attempt name a device and its keys.
    pub attempt: u32,
    /// Under which tenure the connector asks. What is asked under a lower one than the worker has seen for this device is
    /// out of date: it does nothing of it.
    pub epoch: u64,
}

/// Run a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Run {
    /// The run.
    #[serde(flatten)]
    pub place: Place,
    /// How it begins.
    #[serde(flatten)]
    pub start: Start,
}

/// How a run begins.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(tag = "start", rename_all = "snake_case")]
pub enum Start {
    /// A new device, by QR code.
    Qr {},
    /// A new device, by a code that is typed on the phone with this number; QR codes may be shown beside it.
    Code {
        /// The digits of the number.
        phone: String,
    },
    /// The device that is linked. One whose connection is open already goes on, and says so.
    Resume {},
    /// The same, but an open connection is closed first.
    Reopen {},
}

/// What to do after a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Answer {
    /// The run.
    #[serde(flatten)]
    pub place: Place,
    /// The number of the report.
    pub number: u64,
    /// What to do.
    pub next: Next,
}

/// What to do after a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// Go on.
    Continue,
    /// The run is over: close the link and keep its keys.
    Stop,
    /// The run is over: close the link and delete its keys.
    Wipe,
}

impl fmt::Debug for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Qr {} => "qr",
            Self::Code { .. } => "code",
            Self::Resume {} => "resume",
            Self::Reopen {} => "reopen",
        })
    }
}
