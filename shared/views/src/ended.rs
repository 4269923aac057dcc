//! Why following ended, and so what comes next.

use berth_log::FollowError;
use berth_proto::views::DamageNumber;
use berth_runtime::chain;

use crate::{beside::Beside, fold::FoldError, store::StoreError};

/// Why following ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The process stops.
    Stopped,
    /// A reader waits for a position behind commits of other kinds: follow again to learn where the end is.
    Nudged,
    /// Rows that were built beside are as far as those that are read, or nearly.
    Built(Box<Beside>),
    /// The log does not answer.
    Unavailable(String),
    /// The log lost commits.
    RolledBack(String),
    /// The rows are of no use.
    Unusable(String),
    /// Rows that were built beside others are sound, and lack what these have.
    Lacking {
        /// Why that is, and what can be done.
        reason: String,
        /// By which number it is accepted.
        damage: DamageNumber,
    },
    /// The disk is full: the rows are sound as far as they were written.
    Full(String),
}

impl From<&StoreError> for Ended {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::Full(_) => Self::Full(chain(error)),
            StoreError::Engine { .. } | StoreError::Panicked { .. } | StoreError::Damaged(_) => {
                Self::Unusable(chain(error))
            }
        }
    }
}

impl From<FollowError> for Ended {
    fn from(error: FollowError) -> Self {
        match error {
            FollowError::Unavailable(_) => Self::Unavailable(chain(&error)),
            FollowError::Recreated { shard } => Self::recreated(shard),
            FollowError::RolledBack { .. } => Self::RolledBack(error.to_string()),
        }
    }
}

impl From<FoldError> for Ended {
    fn from(error: FoldError) -> Self {
        match error {
            FoldError::Store(error) => Self::from(&error),
            FoldError::Recreated { shard } => Self::recreated(shard),
            FoldError::Regrown { shard, revision } => Self::RolledBack(format!(
                "shard {shard} of the log has another commit at {revision} than was seen there before: \
                 acknowledged commits are lost"
            )),
        }
    }
}

impl Ended {
    /// Why, in words.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Stopped => "the process stops".to_owned(),
            Self::Nudged | Self::Built(_) => "it goes on".to_owned(),
            Self::Unavailable(reason)
            | Self::RolledBack(reason)
            | Self::Unusable(reason)
            | Self::Lacking { reason, .. }
            | Self::Full(reason) => reason.clone(),
        }
    }

    /// The rows stand for a log that is gone.
    pub(crate) fn recreated(shard: u8) -> Self {
        Self::Unusable(format!("shard {shard} of the log was recreated"))
    }
}
