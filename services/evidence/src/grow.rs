//! Grows the trees from the log.

use std::{sync::Arc, time::Duration};

use berth_log::{Batches, FollowError, Followed, LogRead, is_large};
use berth_proto::Kind;
use berth_runtime::spawn_blocking;
use futures::{Stream, StreamExt};
use thiserror::Error;

use crate::{
    board::{Board, BoardError},
    forest::{Forest, Place},
    state::State,
    tree::TreeError,
};

/// The name of the reader of the log.
pub(crate) const NAME: &str = "evidence";
/// Commits that are added at once.
const BATCH_COMMITS_MAX: usize = 512;
/// The time between two batches of a log that is followed at its end. Nobody waits for a tree before its checkpoint, and a thread
/// that is woken for every few commits takes more of the processor than their hashes do.
const BATCH_EVERY: Duration = Duration::from_millis(20);
/// Commits of a batch from which on the trees count as behind, and nothing rests.
const COMMITS_BEHIND: usize = BATCH_COMMITS_MAX / 2;
/// The pause before another try.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// The trees do not grow at this moment.
#[derive(Debug, Error)]
pub(crate) enum GrowError {
    /// The log does not say how long it is.
    #[error("the log does not answer")]
    End(#[source] berth_log::ReadError),
    /// What was published cannot be read.
    #[error("what was published cannot be read")]
    Board(#[source] BoardError),
    /// A file cannot be used.
    #[error("a tree cannot be kept")]
    Tree(#[source] TreeError),
    /// The log cannot be followed.
    #[error("the log cannot be followed")]
    Follow(#[source] FollowError),
    /// The file of a tree was damaged.
    #[error("a tree is built again")]
    Damaged,
    /// The process ends.
    #[error("the process ends")]
    Ending,
}

/// What grows the trees.
#[derive(Debug)]
pub(crate) struct Grower {
    pub(crate) log: Arc<dyn LogRead>,
    pub(crate) board: Board,
    pub(crate) forest: Forest,
    pub(crate) state: State,
    pub(crate) folder: std::path::PathBuf,
}

impl Grower {
    /// Grows them for ever. A log that is another one than was read is read from where checkpoints attest to it.
    pub(crate) async fn run(self) {
        let mut is_open = false;
        loop {
            let ended = if is_open { Ok(()) } else { self.open().await };
            let ended = match ended {
                Ok(()) => {
                    is_open = true;
                    self.follow().await
                }
                Err(error) => Err(error),
            };
            if let Err(error) = ended {
                is_open &= matches!(error, GrowError::Follow(FollowError::Unavailable(_)));
                self.state.growing(Some(berth_runtime::chain(&error)));
                tracing::warn!(error = &error as &dyn std::error::Error, "the trees of the log do not grow");
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    /// Opens every tree as far as it is attested to.
    async fn open(&self) -> Result<(), GrowError> {
        self.forest.clear();
        let keys = self.board.keys().await.map_err(GrowError::Board)?;
        let life = self.board.life().await.map_err(GrowError::Board)?;
        let end = self.log.end().await.map_err(GrowError::End)?;
        for (&shard, at) in &end.0 {
            let last = self.board.last(shard, &keys).await.map_err(GrowError::Board)?;
            let attested = last.filter(|last| last.life == life).map(|last| last.head);
            let (forest, folder, incarnation) = (self.forest.clone(), self.folder.clone(), at.incarnation);
            let open = move || {
                let place = Place { folder: &folder, shard, life, incarnation };
                forest.open(place, attested.as_ref())
            };
            spawn_blocking(open).await.map_err(|_| GrowError::Ending)?.map_err(GrowError::Tree)?;
        }
        self.state.is_in_life(life);
        Ok(())
    }

    async fn follow(&self) -> Result<(), GrowError> {
        let from = self.forest.position();
        let follow = self.log.follow(NAME, &Kind::ALL, from).await.map_err(GrowError::Follow)?;
        let mut batches = Batches::new(follow, BATCH_COMMITS_MAX);
        let mut rest = Duration::ZERO;
        loop {
            let batch = tokio::select! {
                biased;
                () = self.forest.is_damaged() => return Err(GrowError::Damaged),
                batch = rested(rest, &mut batches) => batch,
            };
            let Some(batch) = batch else {
                return Err(GrowError::Follow(FollowError::Unavailable("the log stopped sending".into())));
            };
            rest = if is_large(&batch, COMMITS_BEHIND) { Duration::ZERO } else { BATCH_EVERY };
            let batch: Vec<Followed> =
                batch.into_iter().collect::<Result<_, _>>().map_err(GrowError::Follow)?;
            let is_at_end = batch.iter().any(|followed| matches!(followed, Followed::CaughtUp(_)));
            let forest = self.forest.clone();
            let grown = spawn_blocking(move || forest.extend(batch)).await.map_err(|_| GrowError::Ending)?;
            grown.map_err(GrowError::Tree)?;
            if is_at_end {
                self.state.growing(self.forest.broken());
            }
        }
    }
}

/// The next batch, after a rest.
async fn rested<B>(rest: Duration, batches: &mut (impl Stream<Item = B> + Unpin)) -> Option<B> {
    tokio::time::sleep(rest).await;
    batches.next().await
}
