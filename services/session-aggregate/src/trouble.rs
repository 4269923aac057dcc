//! Why a command could not be decided, as opposed to decided against.

use berth_bus::{KeyRingError, KeyStoreError};
use berth_log::{AppendError, DecodeError, ReadError};
use berth_proto::{
    EncodeError, StreamKey,
    frame::{CommandReplyV1, RejectionCodeV1, RejectionV1},
};
use thiserror::Error;

/// A command could not be decided. The same command may be sent again, except where noted.
#[derive(Debug, Error)]
pub(crate) enum Trouble {
    /// The log cannot be read now.
    #[error("the log could not be read")]
    Read(#[source] ReadError),
    /// The log did not take the commit, or it is not known whether it did.
    #[error("the commit could not be appended")]
    Append(#[source] AppendError),
    /// Other replicas kept changing the stream.
    #[error("{stream} was changed by others again and again")]
    Contended {
        /// The stream.
        stream: StreamKey,
    },
    /// The data keys cannot be had now.
    #[error("a data key could not be had")]
    Keys(#[source] KeyRingError),
    /// The keys of a device cannot be deleted now.
    #[error("the keys of a device could not be deleted")]
    DeviceKeys(#[source] KeyStoreError),
    /// The sender of the command sealed values with a key that is not stored.
    #[error("the data key of {owner} is not there")]
    NoKey {
        /// The owner of the key.
        owner: berth_proto::InstanceId,
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
    /// The commit or its state is larger than allowed. A retry does not help.
    #[error("the commit cannot be encoded")]
    Encode(#[source] EncodeError),
    /// What the commit says has no place in the formats that the deployment writes yet.
    #[error("the deployment does not write commits that can say this yet: raise its write version")]
    TooNew,
    /// Too many commands wait.
    #[error("too many commands wait")]
    Overloaded,
}

/// What is wrong with a stored commit.
#[derive(Debug, Error)]
pub(crate) enum Damage {
    /// It or the one whose state it rests on cannot be decoded, is of a version that this release does not know, or
    /// belongs elsewhere.
    #[error("it cannot be used")]
    Decode(#[source] DecodeError),
    /// The store is damaged where it lies.
    #[error("the store is damaged where it lies")]
    Store(#[source] ReadError),
}

impl Trouble {
    /// The answer to a command that met this.
    pub(crate) fn reply(&self) -> CommandReplyV1 {
        let code = match self {
            Self::Damaged { .. } => RejectionCodeV1::Damaged,
            Self::Encode(EncodeError::TooLarge { .. }) | Self::Append(AppendError::TooLarge { .. }) => {
                RejectionCodeV1::StateTooLarge
            }
            Self::Append(AppendError::Full(_)) => return CommandReplyV1::NoRoom { reason: chain(self) },
            _ => return CommandReplyV1::Unavailable { reason: chain(self) },
        };
        CommandReplyV1::Rejected(RejectionV1 { code, state: None })
    }
}

/// The message of an error and of everything behind it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}
