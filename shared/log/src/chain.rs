//! Verifying a stream: versions without a gap, and each commit's hash of the one before it.

use berth_proto::{Hash, StreamKey, commit::DamageV1};

use crate::{
    around::{Pages, Place},
    decode::{DecodeError, decode_commit},
    port::{LogRead, ReadError, Stored},
};

/// What verifying a stream came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainReport {
    /// How many commits are in order, from the first.
    pub commits: u64,
    /// The hash of the last of them, or the genesis hash of the stream.
    pub last_hash: Hash,
    /// The first commit that is not in order.
    pub fault: Option<ChainFault>,
    /// The first commit from there on that was written knowing of damage before it.
    pub tombstone: Option<Tombstone>,
}

/// A commit that was written although the one before it is damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// Its version.
    pub version: u64,
    /// What it says of the damage.
    pub damage: DamageV1,
}

/// The first commit of a stream that is not in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainFault {
    /// The version that should stand there.
    pub version: u64,
    /// What is wrong.
    pub kind: ChainFaultKind,
}

/// What is wrong with a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainFaultKind {
    /// It cannot be read, or names another stream.
    Undecodable(DecodeError),
    /// Somebody else than the deployment put it there, or its message was altered.
    Forged,
    /// The store cannot give it: its row is damaged or absent.
    Row,
    /// It has another version: a commit is missing, doubled or out of order.
    Version {
        /// The version that it has.
        found: u64,
    },
    /// It was written after another commit than the one before it: one of the two was changed.
    Previous {
        /// The hash that it names.
        found: Hash,
        /// The hash of the commit before it.
        expected: Hash,
    },
    /// It was decided before the commit before it.
    Time,
}

/// The hash of a stored commit, given the hash that it names as its predecessor's.
pub fn hash_of(stream: &StreamKey, previous: Hash, stored: &Stored) -> Hash {
    Hash::of_commit(stream, previous, &stored.payload)
}

/// The hash of a stored commit, from nothing but its own bytes.
pub fn hash_of_stored(stored: &Stored) -> Result<Hash, DecodeError> {
    Ok(hash_of(&stored.stream, decode_commit(stored)?.previous, stored))
}

/// Walks a stream from its first commit to its last and names the first one that is not in order.
pub async fn verify(log: &dyn LogRead, stream: &StreamKey) -> Result<ChainReport, ReadError> {
    let mut walk = Walk {
        report: ChainReport { commits: 0, last_hash: Hash::genesis(stream), fault: None, tombstone: None },
        occurred_at: None,
    };
    let mut pages = Pages::after(log, stream, 0);
    while let Some(page) = pages.next().await? {
        for place in &page {
            let stepped = match place {
                Place::Commit(stored) => walk.step(stream, stored),
                Place::Damaged(_) => Err(ChainFaultKind::Row),
            };
            if let Err(kind) = stepped {
                let version = walk.report.commits + 1;
                walk.report.fault = Some(ChainFault { version, kind });
                walk.report.tombstone = tombstone(log, stream, version).await?;
                return Ok(walk.report);
            }
        }
    }
    Ok(walk.report)
}

/// The first commit after a version that was written knowing of damage.
async fn tombstone(
    log: &dyn LogRead,
    stream: &StreamKey,
    after: u64,
) -> Result<Option<Tombstone>, ReadError> {
    let mut pages = Pages::after(log, stream, after);
    while let Some(page) = pages.next().await? {
        let commits = page.iter().filter_map(|place| match place {
            Place::Commit(stored) => decode_commit(stored).ok(),
            Place::Damaged(_) => None,
        });
        let mut known = commits.filter_map(|commit| Some((commit.version, commit.damage?)));
        if let Some((version, damage)) = known.next() {
            return Ok(Some(Tombstone { version, damage }));
        }
    }
    Ok(None)
}

struct Walk {
    report: ChainReport,
    occurred_at: Option<berth_proto::Timestamp>,
}

impl Walk {
    fn step(&mut self, stream: &StreamKey, stored: &Stored) -> Result<(), ChainFaultKind> {
        let commit = decode_commit(stored).map_err(|error| match error {
            DecodeError::Forged { .. } => ChainFaultKind::Forged,
            DecodeError::Version { inside, .. } => ChainFaultKind::Version { found: inside },
            other => ChainFaultKind::Undecodable(other),
        })?;
        if commit.version != self.report.commits + 1 {
            return Err(ChainFaultKind::Version { found: commit.version });
        }
        let expected = self.report.last_hash;
        if commit.previous != expected {
            return Err(ChainFaultKind::Previous { found: commit.previous, expected });
        }
        if self.occurred_at.is_some_and(|before| commit.occurred_at < before) {
            return Err(ChainFaultKind::Time);
        }
        self.occurred_at = Some(commit.occurred_at);
        self.report.commits += 1;
        self.report.last_hash = hash_of(stream, expected, stored);
        Ok(())
    }
}
