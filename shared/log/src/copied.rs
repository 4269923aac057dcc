//! Commits of another log, taken over as they are.

use crate::{
    decode::decode_commit,
    port::{AppendError, Appended, EventLog, Expected, NewCommit, Stored},
};

/// Appends a commit that was decided elsewhere, byte for byte, as whoever wrote it first gave it to the log: what stands beside
/// its bytes follows from them. Nothing is decided here, so a copy belongs into a log that nobody writes to meanwhile.
pub async fn append_copy(
    log: &dyn EventLog,
    copy: Stored,
    expected: Expected,
) -> Result<Appended, AppendError> {
    // Damage that a deployment has had is history, and has nothing beside it.
    let commit = decode_commit(&copy).ok();
    let first = commit.as_ref().and_then(|commit| commit.receipts.first());
    let new = NewCommit {
        stream: copy.stream,
        version: copy.tail.version,
        command_id: first.map(|receipt| receipt.command_id),
        traceparent: commit.as_ref().and_then(|commit| commit.traceparent.clone()),
        payload: copy.payload,
    };
    if copy.forged { log.append_forged(new, expected).await } else { log.append(new, expected).await }
}
