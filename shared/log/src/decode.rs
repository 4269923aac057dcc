//! Reading a stored commit: the only way from bytes of the log to a [`CommitV2`] and to the state that it stands for.

use berth_proto::{
    CommitV2, StreamKey,
    codec::{self, RecordV1},
    commit::{CarriedState, CarriedV1, SinceV1},
    limits::COMMITS_WITHOUT_STATE_MAX,
};
use thiserror::Error;

use crate::port::{LogRead, ReadError, Stored, Tail};

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
    /// Somebody else than the deployment put it there, or its message was altered.
    #[error("the commit at revision {revision} of {stream} was not written by this deployment")]
    Forged {
        /// The stream that it lies in.
        stream: StreamKey,
        /// Its revision.
        revision: u64,
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
    /// The commit says that it has another place in its stream.
    #[error("the commit at revision {revision} of {stream} has version {inside} inside")]
    Version {
        /// The stream that it lies in.
        stream: StreamKey,
        /// Its revision.
        revision: u64,
        /// The version that it names.
        inside: u64,
    },
    /// The commit carries no state, and the one that it names does not either, or is not there.
    #[error(
        "the commit at revision {revision} of {stream} rests on the state of version {base}, which is not there"
    )]
    Base {
        /// The stream that it lies in.
        stream: StreamKey,
        /// Its revision.
        revision: u64,
        /// The version that it names.
        base: u64,
    },
}

impl DecodeError {
    /// The stream in which the commit lies.
    pub const fn stream(&self) -> StreamKey {
        let (Self::Bytes { stream, .. }
        | Self::Forged { stream, .. }
        | Self::Elsewhere { stream, .. }
        | Self::Version { stream, .. }
        | Self::Base { stream, .. }) = self;
        *stream
    }

    /// Whether a newer release wrote what this one does not know: nothing is damaged, and that release reads it.
    pub const fn is_newer(&self) -> bool {
        matches!(self, Self::Bytes { source: codec::DecodeError::Unknown { .. }, .. })
    }
}

/// The state of a commit cannot be had.
#[derive(Debug, Error)]
pub enum StateError {
    /// It or the commit whose state it rests on cannot be used; a retry does not help.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The commit whose state it rests on cannot be read now.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// The commit in stored bytes. Its stream and version must be those of the place that it lies in.
pub fn decode_commit(stored: &Stored) -> Result<CommitV2, DecodeError> {
    let (stream, Tail { version, revision }) = (stored.stream, stored.tail);
    let commit = decode_anywhere(stored)?;
    if commit.version == version {
        Ok(commit)
    } else {
        Err(DecodeError::Version { stream, revision, inside: commit.version })
    }
}

/// As [`decode_commit`], for an engine that learns the version of a place from the commit in it.
pub(crate) fn decode_anywhere(stored: &Stored) -> Result<CommitV2, DecodeError> {
    let Stored { stream, tail, payload, forged, .. } = stored;
    if *forged {
        return Err(DecodeError::Forged { stream: *stream, revision: tail.revision });
    }
    let commit: CommitV2 = codec::decode(payload).map_err(|source| bytes(stored, source))?;
    if commit.stream == *stream {
        Ok(commit)
    } else {
        Err(DecodeError::Elsewhere { stream: *stream, revision: tail.revision, inside: commit.stream })
    }
}

/// A commit and its state, of a kind of stream whose every commit carries the whole of it.
pub fn decode_state<S: CarriedState>(stored: &Stored) -> Result<(CommitV2, S), DecodeError> {
    let commit = decode_commit(stored)?;
    match &commit.state {
        CarriedV1::Full(state) => {
            let state = state.open().map_err(|source| bytes(stored, source))?;
            Ok((commit, state))
        }
        CarriedV1::Since(since) => Err(no_base(stored, since)),
    }
}

/// A commit with the state after it.
#[derive(Debug, Clone)]
pub struct Rehydrated<S> {
    /// The commit.
    pub commit: CommitV2,
    /// The state after it.
    pub state: S,
    /// The commit that carries the whole state: this one or an earlier one.
    pub full: Tail,
}

/// A commit and the state after it, which costs one more read if the commit carries none: at most two in all.
pub async fn rehydrate<S: CarriedState>(
    log: &dyn LogRead,
    stored: &Stored,
) -> Result<Rehydrated<S>, StateError> {
    let commit = decode_commit(stored)?;
    let (state, full, since) = match &commit.state {
        CarriedV1::Full(record) => (record.open(), stored.tail, None),
        CarriedV1::Since(since) => {
            let (record, full) = base(log, stored, since).await?;
            (record.open(), full, Some(since))
        }
    };
    let mut state: S = state.map_err(|source| bytes(stored, source))?;
    if let Some(since) = since
        && !state.remember_since(since)
    {
        return Err(no_base(stored, since).into());
    }
    Ok(Rehydrated { commit, state, full })
}

/// The whole state that a commit without one rests on.
async fn base(log: &dyn LogRead, stored: &Stored, since: &SinceV1) -> Result<(RecordV1, Tail), StateError> {
    let reach = stored.tail.version.saturating_sub(COMMITS_WITHOUT_STATE_MAX)..stored.tail.version;
    if !reach.contains(&since.version) {
        return Err(no_base(stored, since).into());
    }
    let at = Tail { version: since.version, revision: since.revision };
    let found = log.read_at(&stored.stream, at).await?.ok_or_else(|| no_base(stored, since))?;
    match decode_commit(&found)?.state {
        CarriedV1::Full(record) => Ok((record, found.tail)),
        CarriedV1::Since(_) => Err(no_base(stored, since).into()),
    }
}

fn bytes(stored: &Stored, source: codec::DecodeError) -> DecodeError {
    DecodeError::Bytes { stream: stored.stream, revision: stored.tail.revision, source }
}

fn no_base(stored: &Stored, since: &SinceV1) -> DecodeError {
    DecodeError::Base { stream: stored.stream, revision: stored.tail.revision, base: since.version }
}
