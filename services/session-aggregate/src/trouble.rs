//! Why a command could not be decided, as opposed to decided against.

use berth_bus::{KeyRingError, KeyStoreError};
use berth_log::{AppendError, DecodeError, ReadError, TransactError};
use berth_proto::{
    EncodeError, InstanceId,
    frame::{CommandReplyV1, RejectionCodeV1, RejectionV1},
};
use berth_runtime::chain;
use thiserror::Error;

/// A command could not be decided. The same command may be sent again, except where noted.
#[derive(Debug, Error)]
pub(crate) enum Trouble {
    /// The log: it says itself whether a retry helps.
    #[error(transparent)]
    Log(#[from] TransactError),
    /// The data keys cannot be had now.
    #[error("a data key could not be had")]
    Keys(#[from] KeyRingError),
    /// The keys of a device cannot be deleted now.
    #[error("the keys of a device could not be deleted")]
    DeviceKeys(#[from] KeyStoreError),
    /// The sender of the command sealed values with a key that is not stored.
    #[error("the data key of {owner} is not there")]
    NoKey {
        /// The owner of the key.
        owner: InstanceId,
    },
    /// What the last notices of a deleted instance need is not kept yet.
    #[error("the webhooks service has not kept the last notices yet")]
    LastWords,
    /// Too many commands wait.
    #[error("too many commands wait")]
    Overloaded,
}

impl From<ReadError> for Trouble {
    fn from(error: ReadError) -> Self {
        TransactError::Read(error).into()
    }
}

impl From<DecodeError> for Trouble {
    fn from(error: DecodeError) -> Self {
        TransactError::from(error).into()
    }
}

impl From<EncodeError> for Trouble {
    fn from(error: EncodeError) -> Self {
        TransactError::from(error).into()
    }
}

impl Trouble {
    /// The answer to a command that met this.
    pub(crate) fn reply(&self) -> CommandReplyV1 {
        let code = match self {
            Self::Log(TransactError::Damaged { .. }) => RejectionCodeV1::Damaged,
            Self::Log(
                TransactError::Encode(EncodeError::TooLarge { .. })
                | TransactError::Append(AppendError::TooLarge { .. }),
            ) => RejectionCodeV1::StateTooLarge,
            Self::Log(TransactError::Append(AppendError::Full(_))) => {
                return CommandReplyV1::NoRoom { reason: chain(self) };
            }
            Self::Log(TransactError::TooNew) => RejectionCodeV1::UpgradeNeeded,
            _ => return CommandReplyV1::Unavailable { reason: chain(self) },
        };
        CommandReplyV1::Rejected(RejectionV1 { code, state: None })
    }
}
