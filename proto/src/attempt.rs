//! Attempts to deliver a notice, as they stand in the store of attempts.
//!
//! An attempt is written twice: when it begins, before anything is sent, and when it has ended. One that was begun and
//! never ended is an attempt of unknown fate. The store is bounded (thirty days, and a number of bytes): what matters
//! for ever, that a notice is settled, is a commit of a delivery stream.

use serde::{Deserialize, Serialize};

use crate::{
    codec::{Frozen, types},
    delivery::{NoticeClass, NoticeKeyV1, SettlementV1},
    ids::{AccountId, Sealed},
    limits,
    time::Timestamp,
};

/// An attempt as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryAttemptV1 {
    /// What is delivered.
    pub notice: NoticeKeyV1,
    /// The account of the instance when it was tried.
    pub account: AccountId,
    /// When it may be sent.
    pub class: NoticeClass,
    /// What it says, in the words of its format.
    pub event: String,
    /// When it came into being.
    pub occurred_at: Timestamp,
    /// The number of the attempt, from 1; from 1 again when the notice is sent again on request.
    pub number: u16,
    /// When the attempt began.
    pub started_at: Timestamp,
    /// How it ended; none before that.
    pub end: Option<AttemptEndV1>,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptEndV1 {
    /// How long it took.
    pub took_ms: u32,
    /// What came of it.
    pub result: AttemptResultV1,
    /// The beginning of the answer's body, sealed under the data key of the instance. None if there was none, and where
    /// it might repeat what is kept nowhere.
    pub answer: Option<Sealed>,
    /// What becomes of the notice.
    pub then: AfterAttemptV1,
}

/// What came of an attempt: an answer, or the reason why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttemptResultV1 {
    /// The endpoint answered.
    Answered {
        /// The HTTP status.
        status: u16,
    },
    /// The URL, or what its name leads to, is not allowed.
    Refused,
    /// The configured URL or headers cannot be used.
    Invalid,
    /// The name is not known.
    Name,
    /// No connection.
    Connect,
    /// No answer in time.
    TimedOut,
    /// The connection broke, or what came is not HTTP.
    Broken,
    /// Nothing was sent: the address had as many attempts as it may have, or the permission ended meanwhile. It counts as
    /// no attempt.
    NotSent,
    /// Nothing was sent: what the notice is made from cannot be read.
    Unreadable,
}

/// What becomes of a notice after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AfterAttemptV1 {
    /// It is tried again.
    Waits {
        /// When.
        until: Timestamp,
    },
    /// It is settled.
    Settled {
        /// How.
        outcome: SettlementV1,
    },
}

impl Frozen for DeliveryAttemptV1 {
    const TYPE: u16 = types::ATTEMPT;
    const VERSION: u8 = 1;
    const BYTES_MAX: usize = limits::FRAME_BYTES_MAX;
}
