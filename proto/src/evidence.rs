//! Questions to the evidence service, which keeps a Merkle tree over each shard of the log, and its answers.

use serde::{Deserialize, Serialize};

use crate::{
    codec::{Frozen, types},
    commit::Hash,
    limits,
    time::Timestamp,
};

/// Most checkpoints of one page.
pub const CHECKPOINTS_MAX: u16 = 100;

/// A question to the evidence service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum EvidenceQueryV1 {
    /// The last checkpoint of each shard, and the keys that sign.
    Latest,
    /// Checkpoints of a shard in the order in which they were published.
    Checkpoints {
        /// The shard.
        shard: u8,
        /// The number after which the page starts.
        after: u64,
        /// Most checkpoints of the page.
        limit: u16,
    },
    /// That a commit is in the tree of the last checkpoint.
    Inclusion {
        /// The shard.
        shard: u8,
        /// The place of the commit in the tree: its revision in the shard less one.
        index: u64,
    },
    /// That one tree begins with another.
    Consistency {
        /// The shard.
        shard: u8,
        /// The size of the smaller tree.
        from: u64,
        /// The size of the larger one.
        to: u64,
    },
    /// Hashes of the tree, as C2SP `tlog-tiles` cuts them.
    Tile {
        /// The shard.
        shard: u8,
        /// The level of the tile.
        level: u8,
        /// Its place in the level.
        index: u64,
        /// How many hashes it has: 256 if it is full.
        width: u16,
    },
}

impl Frozen for EvidenceQueryV1 {
    const TYPE: u16 = types::EVIDENCE_QUERY;
    const VERSION: u8 = 1;
    const BYTES_MAX: usize = limits::FRAME_BYTES_MAX;
}

/// The answer of the evidence service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum EvidenceReplyV1 {
    /// The last checkpoints and the keys.
    Latest(LatestV1),
    /// A page of checkpoints.
    Checkpoints {
        /// The checkpoints.
        published: Vec<PublishedV1>,
        /// Whether there are more.
        more: bool,
    },
    /// That a commit is in a tree.
    Inclusion {
        /// The checkpoint that signs the tree.
        published: PublishedV1,
        /// The hash of the leaf.
        leaf: Hash,
        /// From the leaf's neighbour to the root's child.
        path: Vec<Hash>,
    },
    /// That one tree begins with another.
    Consistency {
        /// As RFC 6962 orders them.
        path: Vec<Hash>,
    },
    /// The hashes of a tile.
    Tile {
        /// In their order.
        hashes: Vec<Hash>,
    },
    /// There is no such shard, checkpoint or tree.
    Absent,
    /// Not now: the reason is for people.
    NotReady {
        /// Why.
        reason: String,
    },
    /// The question is not well formed.
    Invalid {
        /// What is wrong with it.
        reason: String,
    },
}

impl Frozen for EvidenceReplyV1 {
    const TYPE: u16 = types::EVIDENCE_REPLY;
    const VERSION: u8 = 1;
    const BYTES_MAX: usize = limits::FRAME_BYTES_MAX;
}

/// The last checkpoint of each shard, and the keys that sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatestV1 {
    /// The id of the deployment.
    pub deployment: String,
    /// How many shards the log has.
    pub shards: u8,
    /// By shard; a shard that has none yet is absent.
    pub published: Vec<PublishedV1>,
    /// The signed notes that announce each key, the first first.
    pub keys: Vec<String>,
    /// Why something is not signed, in words; none if all is well.
    pub trouble: Option<String>,
}

/// A checkpoint that was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedV1 {
    /// Its number; later ones have higher numbers.
    pub number: u64,
    /// The shard.
    pub shard: u8,
    /// When it was published, by the clock of whoever signed it. No part of what is signed.
    pub published_at: Timestamp,
    /// The signed note.
    pub note: String,
}
