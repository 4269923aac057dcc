//! Message events of an upstream that are handed on to the endpoint of their instance.
//!
//! They are no events of the log: what people write to each other is nothing that happened to a session, is wanted by nobody
//! once it was delivered, and would stand in the log for ever.

use serde::{Deserialize, Serialize};

use crate::{
    codec::{Frozen, types},
    ids::Sealed,
    limits,
    time::Timestamp,
};

/// A message event, as it is handed to the owner of the instance's deliveries on [`crate::subject::letter_subject`] and kept
/// until it is delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterV1 {
    /// The session in which it came: what comes after a logout is another session's.
    pub session: u32,
    /// When it came.
    pub received_at: Timestamp,
    /// What the upstream calls it, such as `messages.upsert`.
    pub event: String,
    /// The body as the upstream sent it, sealed with the data key of the instance.
    pub body: Sealed,
}

impl Frozen for LetterV1 {
    const TYPE: u16 = types::LETTER;
    const VERSION: u8 = 1;
    const BYTES_MAX: usize = limits::LETTER_BYTES_MAX + limits::LETTER_ENVELOPE_BYTES_MAX;
}

/// What becomes of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LetterReplyV1 {
    /// It is kept until it is delivered.
    Taken,
    /// As many wait for the instance as may.
    Full,
    /// Not now; the same may be sent again.
    Unavailable,
}

impl Frozen for LetterReplyV1 {
    const TYPE: u16 = types::LETTER_REPLY;
    const VERSION: u8 = 1;
    const BYTES_MAX: usize = limits::FRAME_BYTES_MAX;
}
