//! Reading a stored commit: the only way from bytes of the log to a [`CommitV1`].

use berth_proto::{CommitV1, StreamKey, codec};
use thiserror::Error;

use crate::port::Stored;

/// A stored commit cannot be used. A retry does not help; a reader reports it and goes on with other
/// streams.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The bytes are no commit that this release knows.
    #[error("the commit at revision {revision} of {stream} cannot be read")]
    Bytes {
        /// The stream that it lies in.
        stream: StreamKey,
        /// Its revision.
        revision: u64,
        /// Why.
        #[source]
        source: codec::DecodeError,
    },
    /// The commit says that it belongs elsewhere: it was moved or forged.
    #[error("the commit at revision {revision} of {stream} is one of {inside}")]
    Elsewhere {
        /// The stream that it lies in.
        stream: StreamKey,
        /// Its revision.
        revision: u64,
        /// The stream that it names.
        inside: StreamKey,
    },
}

/// The commit in stored bytes. Its stream must be the one that it lies in.
pub fn decode_commit(stored: &Stored) -> Result<CommitV1, DecodeError> {
    let Stored { stream, tail, payload, .. } = stored;
    let commit: CommitV1 = codec::decode(payload).map_err(|source| DecodeError::Bytes {
        stream: *stream,
        revision: tail.revision,
        source,
    })?;
    if commit.stream == *stream {
        Ok(commit)
    } else {
        Err(DecodeError::Elsewhere { stream: *stream, revision: tail.revision, inside: commit.stream })
    }
}
