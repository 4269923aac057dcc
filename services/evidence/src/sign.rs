//! Signs and publishes checkpoints of a shard, on the one replica that owns it.
//!
//! Whoever signs has read the last published checkpoint of the shard just before, has found its root in the tree that
//! it built from the log itself, and publishes only if nothing was published since. So two that believe to own the
//! shard cannot contradict each other, and a log that contradicts what was published is not signed any more.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use berth_proto::Partition;
use berth_runtime::{Clock, spawn_blocking};
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    board::{Board, BoardError, Published},
    forest::{Forest, Shard},
    key::SigningKey,
    metrics,
    note::{Follows, Head, Keys},
    state::State,
    tree::TreeError,
};

/// How long the last checkpoints of a process that stops may take.
const LAST_MAX: Duration = Duration::from_secs(2);

/// What signs.
#[derive(Debug)]
pub(crate) struct Signer {
    pub(crate) board: Board,
    pub(crate) forest: Forest,
    pub(crate) state: State,
    pub(crate) owned: watch::Receiver<BTreeSet<Partition>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) key: SigningKey,
    pub(crate) every: Duration,
}

/// A shard is not signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignError {
    /// What was published cannot be read or added to.
    #[error(transparent)]
    Board(#[from] BoardError),
    /// The tree cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The log is not what was signed.
    #[error(
        "shard {shard} of the log is not the one that checkpoint {number} attests to: its first {size} commits have \
         another root; whoever wrote the log changed what was signed"
    )]
    Contradiction {
        /// The shard.
        shard: u8,
        /// The checkpoint.
        number: u64,
        /// How many commits it attests to.
        size: u64,
    },
    /// The process ends.
    #[error("the process ends")]
    Ending,
}

impl Signer {
    /// Signs what this replica owns until the life cycle stops, and once more then.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut owned = self.owned.clone();
        let mut ticks = interval(self.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut shards = Vec::new();
        loop {
            tokio::select! {
                biased;
                // What is owned ends with the life cycle too: what was owned before counts.
                () = stop.cancelled() => {
                    let _late = timeout(LAST_MAX, self.sign_all(&shards)).await;
                    return;
                }
                Ok(()) = owned.changed() => {}
                () = self.forest.is_due() => {}
                _ = ticks.tick() => {}
            }
            shards = self.shards_of(&owned.borrow_and_update());
            self.state.signs(!shards.is_empty());
            self.sign_all(&shards).await;
        }
    }

    /// The shards that go with these partitions: each with the partition that has its number, which lies in it.
    fn shards_of(&self, owned: &BTreeSet<Partition>) -> Vec<u8> {
        let numbers = owned.iter().map(|partition| partition.number());
        numbers.filter(|number| *number < self.forest.shards()).collect()
    }

    /// Signs every one of these shards that has grown.
    async fn sign_all(&self, shards: &[u8]) {
        let Some(life) = self.state.life().filter(|_| !shards.is_empty()) else { return };
        let mut trouble = None;
        match self.board.keys_with(&self.key, self.clock.now()).await {
            Ok(keys) => {
                for &shard in shards {
                    if let Err(error) = self.sign_shard(shard, life, &keys).await {
                        trouble.get_or_insert(berth_runtime::chain(&error));
                    }
                }
            }
            Err(error) => trouble = Some(berth_runtime::chain(&error)),
        }
        if let Some(trouble) = &trouble {
            tracing::error!(trouble, "the log is not signed");
        }
        self.state.signing(trouble);
    }

    async fn sign_shard(&self, shard: u8, life: u64, keys: &Keys) -> Result<(), SignError> {
        let last = self.board.last(shard, keys).await?;
        let number = last.as_ref().map_or(0, |last| last.told.number);
        let former = self.board.follows(life).await?;
        let origin = self.board.origin(shard, life).to_string();
        let forest = self.forest.clone();
        let look = move || {
            let found = forest.with(shard, |there| {
                let found = next(there, shard, life, origin, last.as_ref(), former);
                // Before somebody is accused, the file of the tree must be above suspicion.
                let is_damaged =
                    matches!(found, Err(SignError::Contradiction { .. })) && !there.tree.is_sound();
                (found, is_damaged)
            });
            match found {
                None => Ok(None),
                Some((found, false)) => found,
                Some((_, true)) => Ok(forest.distrust(shard).map(|()| None)?),
            }
        };
        let Some(head) = spawn_blocking(look).await.map_err(|_| SignError::Ending)?? else { return Ok(()) };
        let published = self.board.publish(shard, &head, &self.key, self.clock.now(), number).await?;
        if published.is_some() {
            metrics::published(shard, head.size);
            self.forest.with(shard, |there| there.attested = Some(head));
        }
        Ok(())
    }
}

/// The head that comes after the last one that was published; none if nothing is new. `former` is what the life says that it
/// follows.
fn next(
    shard: &mut Shard,
    number: u8,
    life: u64,
    origin: String,
    last: Option<&Published>,
    former: Vec<Follows>,
) -> Result<Option<Head>, SignError> {
    let size = shard.tree.size();
    let follows = match last {
        None => former,
        // A life that says itself what it follows had another number of shards before.
        Some(last) if last.life < life && !former.is_empty() => former,
        Some(last) if last.life < life => {
            let Head { origin, size, root, .. } = last.head.clone();
            vec![Follows { origin, size, root }]
        }
        // Not all of the log was read yet; or it ends before what was signed, which the guard of the log tells.
        Some(last) if last.life > life || last.head.size > size => return Ok(None),
        Some(last) if !is_of(shard, &last.head)? => {
            let (checkpoint, size) = (last.told.number, last.head.size);
            return Err(SignError::Contradiction { shard: number, number: checkpoint, size });
        }
        Some(last) if last.head.size == size => return Ok(None),
        Some(last) => last.head.follows.clone(),
    };
    if size == 0 {
        return Ok(None);
    }
    Ok(Some(Head { origin, size, root: shard.tree.root(size)?, follows }))
}

/// Whether a head is that of the shard's tree.
fn is_of(shard: &mut Shard, head: &Head) -> Result<bool, TreeError> {
    if shard.attested.as_ref() == Some(head) {
        return Ok(true);
    }
    let is_so = shard.tree.root(head.size)? == head.root;
    if is_so {
        shard.attested = Some(head.clone());
    }
    Ok(is_so)
}
