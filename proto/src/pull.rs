//! Asking for notices that are kept until somebody fetches them, and saying that they were fetched.

use serde::{Deserialize, Serialize};

use crate::{
    codec::{Frozen, types},
    ids::Sealed,
    limits,
};

/// What is asked of an instance's queue, on [`crate::subject::pull_subject`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PullRequestV1 {
    /// The oldest notice. It stays the oldest until it is deleted.
    Receive {
        /// How long to wait for one, in milliseconds; the server may wait less.
        wait_ms: u32,
    },
    /// The notice with this receipt was fetched and is not wanted any more.
    Delete {
        /// The receipt.
        receipt: u64,
    },
    /// Nothing that waits is wanted any more.
    Clear,
}

impl Frozen for PullRequestV1 {
    const TYPE: u16 = types::PULL_REQUEST;
    const VERSION: u8 = 1;
    const BYTES_MAX: usize = limits::FRAME_BYTES_MAX;
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PullReplyV1 {
    /// Nothing waits.
    Nothing,
    /// The oldest notice.
    Notice {
        /// Names it in the queue of its instance: a positive number below 2^31.
        receipt: u64,
        /// Its body, sealed with the data key of the instance.
        body: Sealed,
    },
    /// Whether there was such a notice that nobody had deleted.
    Deleted {
        /// Whether there was.
        existed: bool,
    },
    /// Nothing waits any more.
    Cleared,
    /// Not done; the same may be asked again.
    Unavailable,
}

impl Frozen for PullReplyV1 {
    const TYPE: u16 = types::PULL_REPLY;
    const VERSION: u8 = 1;
    const BYTES_MAX: usize = limits::FRAME_BYTES_MAX;
}
