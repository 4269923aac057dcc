//! What is wrong with a file that is to be imported.

use berth_evidence::InvalidNote;
use berth_proto::InstanceId;
use thiserror::Error;

use super::line::FORMAT;

/// A file is not to be imported.
#[derive(Debug, Error)]
pub(crate) enum Fault {
    /// It is something else.
    #[error("it is no export of Berth: its first line does not say so")]
    NotExport,
    /// It has histories only.
    #[error(
        "it is an export for an audit: it has the histories of instances, and neither accounts nor the directory nor keys. \
         What can be imported is written by `berth export`"
    )]
    Audit,
    /// A later release wrote it.
    #[error("it has format {found}, and this release knows formats up to {FORMAT}: use a newer one")]
    Newer {
        /// What it says.
        found: u64,
    },
    /// Its last line is not there.
    #[error("it ends after line {line}, which is not its last one: it was cut off")]
    NoEnd {
        /// The last line that is there.
        line: u64,
    },
    /// A line is wrong.
    #[error("line {line}")]
    At {
        /// Which one, from 1.
        line: u64,
        /// What is wrong.
        #[source]
        what: Wrong,
    },
}

/// What is wrong with a line.
#[derive(Debug, Error)]
pub(crate) enum Wrong {
    /// It has no end.
    #[error("it is cut off")]
    CutOff,
    /// It is longer than any.
    #[error("it is longer than a line of an export can be")]
    TooLong,
    /// It is none.
    #[error("it is no line of an export")]
    Unreadable(#[source] serde_json::Error),
    /// The file cannot be read there.
    #[error("it cannot be read")]
    Io(#[source] std::io::Error),
    /// There are two.
    #[error("it begins another export: two were joined")]
    Joined,
    /// Something stands where nothing may.
    #[error("something stands behind the last line: two exports were joined, or somebody added to this one")]
    Behind,
    /// It names a shard that there is not.
    #[error("it is of shard {shard}, and there are {shards}")]
    NoSuchShard {
        /// The shard.
        shard: u8,
        /// How many there are.
        shards: u8,
    },
    /// A commit is not where it belongs.
    #[error(
        "commit {found} of shard {shard} stands where commit {expected} is expected: lines are missing, doubled or in another order"
    )]
    Order {
        /// The shard.
        shard: u8,
        /// Which one it says it is.
        found: u64,
        /// Which one would be next.
        expected: u64,
    },
    /// A subject is none, or of another shard.
    #[error("its subject does not belong into shard {shard}")]
    Subject {
        /// The shard.
        shard: u8,
    },
    /// A note is not one of this deployment.
    #[error("it was not signed by this deployment: it is another one's, or was changed")]
    Note(#[source] InvalidNote),
    /// A checkpoint is not of the commits before it.
    #[error("the checkpoint attests to {size} commits of shard {shard}, and {found} stand before it")]
    Misplaced {
        /// The shard.
        shard: u8,
        /// What it attests to.
        size: u64,
        /// What there is.
        found: u64,
    },
    /// The commits are not the ones that were signed.
    #[error(
        "commits {first} to {last} of shard {shard} are not those that were signed: one of them was changed{}",
        suspect.map(|line| format!(", most likely the one of line {line}")).unwrap_or_default()
    )]
    Root {
        /// The shard.
        shard: u8,
        /// The first one that is not proved otherwise.
        first: u64,
        /// The last one that the checkpoint attests to.
        last: u64,
        /// The first line from there on that does not follow the one before it.
        suspect: Option<u64>,
    },
    /// A key was wrapped under another root secret.
    #[error("the key of {0} cannot be opened: it was changed, or is another deployment's")]
    Key(InstanceId),
    /// The master key is another one.
    #[error("the root secret cannot be opened with this master key: it was changed")]
    RootSecret,
    /// Nothing says what the master key opens.
    #[error("the master key is not the one that this export was written with")]
    OtherKey,
    /// Fewer commits than there should be.
    #[error("shard {shard} has {found} commits, and the first line counts {expected}")]
    Short {
        /// The shard.
        shard: u8,
        /// What there is.
        found: u64,
        /// What the first line says.
        expected: u64,
    },
    /// The last line counts otherwise.
    #[error("the last line counts other lines than there are: lines are missing, or were added")]
    Counts,
    /// The lines are not those that were written.
    #[error("the digest of the lines before it is another one: a line was changed, taken away or put elsewhere{}",
        suspect.map(|line| format!(", most likely line {line}")).unwrap_or_default())]
    Digest {
        /// The first line that does not follow the one before it.
        suspect: Option<u64>,
    },
}

impl Wrong {
    /// At this line.
    pub(crate) const fn at(self, line: u64) -> Fault {
        Fault::At { line, what: self }
    }
}
