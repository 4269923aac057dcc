//! Answers questions from the bus.

use std::{sync::Arc, time::Duration};

use berth_bus::{Bus, Request, Requests, TransportError};
use berth_proto::{
    Hash,
    codec::{decode, encode},
    evidence::{CHECKPOINTS_MAX, EvidenceQueryV1, EvidenceReplyV1, LatestV1},
    subject::query_subject,
};
use berth_runtime::{Lifecycle, spawn_blocking};
use futures::StreamExt;
use tlog_tiles::tlog::{self, check_record};
use tokio::{sync::Semaphore, time::sleep};

use crate::{
    board::{Board, BoardError},
    forest::{Forest, Shard},
    state::State,
    tree::TreeError,
};

/// What questions name.
pub(crate) const VIEW: &str = "evidence";
/// All replicas share the questions.
const QUEUE: &str = "session-aggregate";
/// Questions that are answered at the same time; more wait in the bus.
const AT_ONCE_MAX: usize = 16;
/// The pause before the server serves again after its subscription ended.
const SERVE_AGAIN_PAUSE: Duration = Duration::from_millis(200);

/// What questions are answered from.
#[derive(Debug)]
pub(crate) struct Answers {
    pub(crate) board: Board,
    pub(crate) forest: Forest,
    pub(crate) state: State,
}

/// Why there is no answer.
enum Refusal {
    Absent,
    NotReady(String),
    Invalid(&'static str),
}

impl From<BoardError> for Refusal {
    fn from(error: BoardError) -> Self {
        Self::NotReady(berth_runtime::chain(&error))
    }
}

impl From<TreeError> for Refusal {
    fn from(error: TreeError) -> Self {
        match error {
            TreeError::Absent => Self::Absent,
            other => Self::NotReady(berth_runtime::chain(&other)),
        }
    }
}

/// Serves until the life cycle ends. Returns once it does.
pub(crate) async fn start(
    bus: Arc<dyn Bus>,
    answers: Arc<Answers>,
    lifecycle: &Lifecycle,
) -> Result<(), TransportError> {
    let mut requests = bus.serve(&query_subject(VIEW), QUEUE).await?;
    let (stop, life) = (lifecycle.stop().clone(), lifecycle.clone());
    lifecycle.spawn(async move {
        let serving = async {
            loop {
                take(&mut requests, &answers, &life).await;
                tracing::warn!("the subscription for questions of evidence ended: serving again");
                while let Err(_down) = bus.serve(&query_subject(VIEW), QUEUE).await.map(|it| requests = it) {
                    sleep(SERVE_AGAIN_PAUSE).await;
                }
            }
        };
        stop.run_until_cancelled(serving).await
    });
    Ok(())
}

/// Takes questions until the subscription ends.
async fn take(requests: &mut Requests, answers: &Arc<Answers>, lifecycle: &Lifecycle) {
    let slots = Arc::new(Semaphore::new(AT_ONCE_MAX));
    while let Some(request) = requests.next().await {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        let answers = Arc::clone(answers);
        lifecycle.spawn(async move {
            answers.answer(request).await;
            drop(slot);
        });
    }
}

// === impl Answers ===

impl Answers {
    async fn answer(&self, request: Request) {
        let reply = match decode::<EvidenceQueryV1>(&request.payload) {
            Ok(query) => self.reply_to(query).await,
            Err(_) => Err(Refusal::Invalid("it is no question that this release knows")),
        };
        let reply = reply.unwrap_or_else(|refusal| match refusal {
            Refusal::Absent => EvidenceReplyV1::Absent,
            Refusal::NotReady(reason) => EvidenceReplyV1::NotReady { reason },
            Refusal::Invalid(reason) => EvidenceReplyV1::Invalid { reason: reason.to_owned() },
        });
        match encode(&reply) {
            Ok(payload) => request.reply.send(payload.into()),
            Err(error) => tracing::error!(%error, "an answer of the evidence cannot be written"),
        }
    }

    async fn reply_to(&self, query: EvidenceQueryV1) -> Result<EvidenceReplyV1, Refusal> {
        match query {
            EvidenceQueryV1::Latest => self.latest().await,
            EvidenceQueryV1::Checkpoints { shard, after, limit } => {
                self.has(shard)?;
                if !(1..=CHECKPOINTS_MAX).contains(&limit) {
                    return Err(Refusal::Invalid("the page is empty or too long"));
                }
                let (published, more) = self.board.page(shard, after, usize::from(limit)).await?;
                Ok(EvidenceReplyV1::Checkpoints { published, more })
            }
            EvidenceQueryV1::Inclusion { shard, index } => self.inclusion(shard, index).await,
            EvidenceQueryV1::Consistency { shard, from, to } => {
                let path = self.look(shard, move |there| there.tree.consistency(from, to)).await?;
                Ok(EvidenceReplyV1::Consistency { path })
            }
            EvidenceQueryV1::Tile { shard, level, index, width } => {
                let hashes = self.look(shard, move |there| there.tree.tile(level, index, width)).await?;
                Ok(EvidenceReplyV1::Tile { hashes })
            }
        }
    }

    fn has(&self, shard: u8) -> Result<(), Refusal> {
        if shard < self.forest.shards() { Ok(()) } else { Err(Refusal::Absent) }
    }

    async fn latest(&self) -> Result<EvidenceReplyV1, Refusal> {
        let keys = self.board.keys().await?;
        let mut published = Vec::new();
        for shard in 0..self.forest.shards() {
            published.extend(self.board.last(shard, &keys).await?.map(|last| last.told));
        }
        Ok(EvidenceReplyV1::Latest(LatestV1 {
            deployment: self.board.deployment().to_owned(),
            shards: self.forest.shards(),
            published,
            keys: self.board.announcements().await?,
            trouble: self.state.trouble(),
        }))
    }

    async fn inclusion(&self, shard: u8, index: u64) -> Result<EvidenceReplyV1, Refusal> {
        self.has(shard)?;
        let keys = self.board.keys().await?;
        let last = self.board.last(shard, &keys).await?.ok_or(Refusal::Absent)?;
        if Some(last.life) != self.state.life() {
            return Err(Refusal::NotReady("nothing was signed yet since the log lost commits".to_owned()));
        }
        let head = last.head;
        if index >= head.size {
            return Err(Refusal::Absent);
        }
        let (size, root) = (head.size, head.root);
        let found = self
            .look(shard, move |there| {
                let tree = &there.tree;
                if tree.size() < size {
                    return Ok(None);
                }
                Ok(Some((tree.root(size)?, tree.leaf(index)?, tree.inclusion(index, size)?)))
            })
            .await?;
        let Some((own, leaf, path)) = found else {
            return Err(Refusal::NotReady("the tree is being built".to_owned()));
        };
        if own != root {
            return Err(Refusal::NotReady("the log is not what the last checkpoint attests to".to_owned()));
        }
        if !proves(&path, size, root, index, leaf) {
            let forest = self.forest.clone();
            let _ending = spawn_blocking(move || forest.distrust(shard)).await;
            return Err(Refusal::NotReady("the tree is damaged and built again".to_owned()));
        }
        Ok(EvidenceReplyV1::Inclusion { published: last.told, leaf, path })
    }

    /// Looks at a tree, apart from the async threads.
    async fn look<T: Send + 'static>(
        &self,
        shard: u8,
        look: impl FnOnce(&mut Shard) -> Result<T, TreeError> + Send + 'static,
    ) -> Result<T, Refusal> {
        self.has(shard)?;
        let forest = self.forest.clone();
        let looked = spawn_blocking(move || forest.with(shard, look)).await;
        match looked.map_err(|_| Refusal::NotReady("the process ends".to_owned()))? {
            Some(found) => Ok(found?),
            None => Err(Refusal::NotReady(self.state.in_words())),
        }
    }
}

/// Whether a path leads from a leaf to a root.
fn proves(path: &[Hash], size: u64, root: Hash, index: u64, leaf: Hash) -> bool {
    let path = path.iter().map(|hash| tlog::Hash(hash.0)).collect();
    check_record(&path, size, tlog::Hash(root.0), index, tlog::Hash(leaf.0)).is_ok()
}
