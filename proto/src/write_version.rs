//! Which formats a deployment writes: a rolling upgrade reads the new ones everywhere before one is written.

use serde::{Deserialize, Serialize};

/// The first version whose commits have a checksum and may go without a state.
const CHECKED_COMMITS: u16 = 2;
/// The first version in which what an account has is read from the account, and names at upstreams are reserved.
const ACCOUNT_WIDE: u16 = 3;
/// The first version in which every commit on NATS has an authentication tag.
const TAGGED_COMMITS: u16 = 4;

/// The version of the formats that a deployment writes. A release reads every format that it knows, but writes
/// the new ones only once every replica of the deployment reads them, which an operator says by raising this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct WriteVersion(u16);

impl WriteVersion {
    /// What release 0.1.0 began with.
    pub const OLDEST: Self = Self(1);
    /// What this release can write.
    pub const NEWEST: Self = Self(4);

    /// The write version with this number; none if this release does not know it.
    pub const fn new(number: u16) -> Option<Self> {
        if number >= Self::OLDEST.0 && number <= Self::NEWEST.0 { Some(Self(number)) } else { None }
    }

    /// Its number.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Whether commits are [`crate::CommitV2`]s and commands [`crate::frame::CommandRequestV2`]s.
    pub const fn checked_commits(self) -> bool {
        self.0 >= CHECKED_COMMITS
    }

    /// Whether accounts may have an upstream and endpoints of their own, and are told how endpoints fare. Releases that know only
    /// the version before read no account with an upstream and no such report, and find the endpoint of an account only as its
    /// copy in each instance.
    pub const fn account_wide(self) -> bool {
        self.0 >= ACCOUNT_WIDE
    }

    /// Whether the directory has entries for the names that instances have at upstreams. Releases that know only the version before
    /// stop at the first one that they meet.
    pub const fn names_at_upstreams(self) -> bool {
        self.0 >= ACCOUNT_WIDE
    }

    /// Whether every process tags the commits that it writes where others can write, so that one without a tag is nobody's. Releases
    /// that know only the version before write none.
    pub const fn tagged_commits(self) -> bool {
        self.0 >= TAGGED_COMMITS
    }
}

impl Default for WriteVersion {
    fn default() -> Self {
        Self::NEWEST
    }
}

impl TryFrom<u16> for WriteVersion {
    type Error = String;

    fn try_from(number: u16) -> Result<Self, String> {
        Self::new(number).ok_or_else(|| format!("this release does not know the write version {number}"))
    }
}

impl From<WriteVersion> for u16 {
    fn from(version: WriteVersion) -> Self {
        version.0
    }
}
