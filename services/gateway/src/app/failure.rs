//! What can go wrong with a call, in one vocabulary; each door renders it in its own words.

use berth_bus::{KeyRingError, Led, Undecided, VolatileError};
use berth_log::ReadError;
use berth_proto::frame::RejectionCodeV1;
use thiserror::Error;

/// Seconds after which a client may try again when a part of the deployment does not answer.
pub const RETRY_AFTER_SECONDS: u32 = 2;
/// Seconds after which a client may ask again for a proof of what is not signed yet: checkpoints are up to a minute
/// apart, or as far as the operator sets.
pub const SIGNED_AFTER_SECONDS: u32 = 5;

/// What a dialect says of [`RejectionCodeV1::UpgradeNeeded`].
pub(crate) const UPGRADE_NEEDED: &str =
    "The history of the instance is damaged; it can be deleted once the operator has run `berth upgrade`";

/// What every door says of [`RejectionCodeV1::StillLeaving`].
pub(crate) const STILL_LEAVING: &str = "An instance that had this name at the upstream is deleted, and its device is still to be \
                                        unlinked there: wait until that is confirmed or given up, a day at most, or choose another name";

/// Why a call did not do what was asked. Nothing changed unless it says so.
#[derive(Debug, Error)]
pub enum Failure {
    /// No token, an unknown one, or one that is no longer the present one.
    #[error("the token is missing or not valid")]
    Unauthorized,
    /// The token is valid and does not allow this.
    #[error("the token does not allow this")]
    Forbidden,
    /// There is no such instance for this caller.
    #[error("there is no such instance")]
    NotFound,
    /// The session-aggregate decided against it.
    #[error("the command was rejected: {0:?}")]
    Rejected(RejectionCodeV1),
    /// The instance is on an upstream that is only observed.
    #[error("the instance is only observed")]
    ObservedOnly,
    /// Something in the request is not well formed.
    #[error("{field}: {problem}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// What is wrong with it and what is expected. Never a value.
        problem: &'static str,
    },
    /// The caller asks too often.
    #[error("too many requests")]
    Limited {
        /// Seconds to wait.
        retry_after_seconds: u32,
    },
    /// No signed checkpoint has it yet; the same request may be sent again after the next one.
    #[error("it is not signed yet")]
    NotSignedYet {
        /// Why nothing is signed at all; none if the next checkpoint is only waited for.
        trouble: Option<String>,
    },
    /// A part of the deployment does not answer; the same request may be sent again.
    #[error("{part} is not available")]
    Unavailable {
        /// Which part.
        part: &'static str,
        /// What happened, for the operator's log.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

impl Failure {
    /// A part of the deployment that does not answer.
    pub fn unavailable(
        part: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Unavailable { part, source: Some(source.into()) }
    }

    /// A part of the deployment whose streams have no leader: nobody can do what was asked until they have one again.
    pub(super) fn leaderless(led: Led) -> Self {
        Self::unavailable(led.part(), "most of the servers that keep it are away, so that it has no leader")
    }

    /// Seconds after which the same request may be sent again, where that helps.
    pub const fn retry_after_seconds(&self) -> Option<u32> {
        match self {
            Self::Limited { retry_after_seconds } => Some(*retry_after_seconds),
            Self::Unavailable { .. } => Some(RETRY_AFTER_SECONDS),
            Self::NotSignedYet { .. } => Some(SIGNED_AFTER_SECONDS),
            Self::Unauthorized
            | Self::Forbidden
            | Self::NotFound
            | Self::Rejected(_)
            | Self::ObservedOnly
            | Self::Invalid { .. } => None,
        }
    }

    /// The rejection code, if it is one.
    pub const fn rejection(&self) -> Option<RejectionCodeV1> {
        match self {
            Self::Rejected(code) => Some(*code),
            Self::Unauthorized
            | Self::Forbidden
            | Self::NotFound
            | Self::ObservedOnly
            | Self::Invalid { .. }
            | Self::Limited { .. }
            | Self::NotSignedYet { .. }
            | Self::Unavailable { .. } => None,
        }
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unavailable(_) => Self::unavailable("the log", error),
            ReadError::Damaged(_) => Self::Rejected(RejectionCodeV1::Damaged),
        }
    }
}

impl From<KeyRingError> for Failure {
    fn from(error: KeyRingError) -> Self {
        Self::unavailable("the key store", error)
    }
}

impl From<Undecided> for Failure {
    fn from(undecided: Undecided) -> Self {
        match undecided {
            Undecided::Unwritten(_) => Self::Rejected(RejectionCodeV1::StateTooLarge),
            Undecided::NoRoom(reason) => Self::unavailable("the log", reason),
            other => Self::unavailable("the session-aggregate", other),
        }
    }
}

impl From<VolatileError> for Failure {
    fn from(error: VolatileError) -> Self {
        Self::unavailable("the volatile store", error)
    }
}
