//! Checkpoints of the log and proofs, from the evidence service.

use std::{sync::Arc, time::Duration};

use berth_bus::Bus;
use berth_log::{LogRead, Stored};
use berth_proto::{
    Hash, InstanceId, StreamKey,
    evidence::{EvidenceQueryV1, EvidenceReplyV1, LatestV1, PublishedV1},
    subject::query_subject,
};

use super::{asking::Question, failure::Failure};

/// What answers, as an error names it.
const PART: &str = "the evidence of the session-aggregate";
/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// That a commit is in the tree that a checkpoint signs.
#[derive(Debug, Clone)]
pub struct Inclusion {
    /// The commit as it is stored.
    pub commit: Stored,
    /// The checkpoint.
    pub published: PublishedV1,
    /// The place of the commit in the tree.
    pub index: u64,
    /// The hash of its leaf.
    pub leaf: Hash,
    /// From its neighbour to the root's child.
    pub path: Vec<Hash>,
}

/// Asks the evidence service.
#[derive(Debug)]
pub struct Evidence {
    pub(super) bus: Arc<dyn Bus>,
    pub(super) log: Arc<dyn LogRead>,
}

impl Evidence {
    /// The last checkpoint of each shard, and the keys that sign.
    pub async fn latest(&self) -> Result<LatestV1, Failure> {
        match self.ask(EvidenceQueryV1::Latest).await? {
            EvidenceReplyV1::Latest(latest) => Ok(latest),
            other => Err(refused(other)),
        }
    }

    /// Checkpoints of a shard after a number, and whether there are more.
    pub async fn page(&self, shard: u8, after: u64, limit: u16) -> Result<(Vec<PublishedV1>, bool), Failure> {
        match self.ask(EvidenceQueryV1::Checkpoints { shard, after, limit }).await? {
            EvidenceReplyV1::Checkpoints { published, more } => Ok((published, more)),
            other => Err(refused(other)),
        }
    }

    /// That a larger tree of a shard begins with a smaller one.
    pub async fn consistency(&self, shard: u8, from: u64, to: u64) -> Result<Vec<Hash>, Failure> {
        match self.ask(EvidenceQueryV1::Consistency { shard, from, to }).await? {
            EvidenceReplyV1::Consistency { path } => Ok(path),
            other => Err(refused(other)),
        }
    }

    /// The hashes of a tile of a shard's tree.
    pub async fn tile(&self, shard: u8, level: u8, index: u64, width: u16) -> Result<Vec<Hash>, Failure> {
        match self.ask(EvidenceQueryV1::Tile { shard, level, index, width }).await? {
            EvidenceReplyV1::Tile { hashes } => Ok(hashes),
            other => Err(refused(other)),
        }
    }

    /// That a commit of an instance is in the log that the last checkpoint signs; its last one if no version is given.
    pub async fn inclusion(&self, instance: InstanceId, version: Option<u64>) -> Result<Inclusion, Failure> {
        let stream = StreamKey::instance(instance);
        let commit = match version {
            None => self.log.tail(&stream).await?,
            Some(0) => None,
            Some(version) => self.log.read(&stream, version - 1, 1).await?.into_iter().next(),
        };
        let commit = commit.filter(|found| version.is_none_or(|version| found.tail.version == version));
        let commit = commit.ok_or(Failure::NotFound)?;
        // The revisions of a shard have no gap, and the first one is 1.
        let index = commit.tail.revision.saturating_sub(1);
        match self.ask(EvidenceQueryV1::Inclusion { shard: commit.shard, index }).await? {
            EvidenceReplyV1::Inclusion { published, leaf, path } => {
                Ok(Inclusion { commit, published, index, leaf, path })
            }
            EvidenceReplyV1::Absent => {
                // Without a key it never will be.
                let trouble = self.latest().await.ok().and_then(|latest| latest.trouble);
                Err(Failure::NotSignedYet { trouble })
            }
            other => Err(refused(other)),
        }
    }

    async fn ask(&self, query: EvidenceQueryV1) -> Result<EvidenceReplyV1, Failure> {
        let (bus, subject) = (self.bus.as_ref(), query_subject("evidence"));
        let question = Question { bus, subject, asked: &query, timeout: ANSWER_MAX };
        question.ask().await.map_err(|fault| fault.of(PART))
    }
}

/// Why a question has no answer.
fn refused(reply: EvidenceReplyV1) -> Failure {
    match reply {
        EvidenceReplyV1::Absent => Failure::NotFound,
        EvidenceReplyV1::NotReady { reason } | EvidenceReplyV1::Invalid { reason } => {
            Failure::unavailable(PART, reason)
        }
        EvidenceReplyV1::Latest(_)
        | EvidenceReplyV1::Checkpoints { .. }
        | EvidenceReplyV1::Inclusion { .. }
        | EvidenceReplyV1::Consistency { .. }
        | EvidenceReplyV1::Tile { .. } => Failure::unavailable(PART, "it answers something else"),
    }
}
