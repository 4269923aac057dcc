//! Evidence that nobody changed the log: a Merkle tree over the commits of each shard in the shard's own order (RFC
//! 6962), and checkpoints of it that are signed and published apart from the log.
//!
//! Every replica grows the trees from the log (`grow`), each for itself, and answers questions from its own
//! (`server`). The owner of a shard signs (`sign`). What was published is a list that only grows (`board`); the
//! trees can be thrown away and are built again to the same roots.

mod board;
mod forest;
mod grow;
mod key;
mod leaf;
mod metrics;
mod note;
mod server;
mod sign;
mod state;
mod tree;

use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Duration};

use berth_bus::{Bus, Checkpoints, TransportError};
use berth_log::{LogRead, watch_lag};
use berth_proto::Partition;
use berth_runtime::{Clock, Lifecycle};
use tokio::sync::watch;

pub use crate::{
    board::{Board, BoardError, Published, Told},
    key::{InvalidKey, PublicKey, SigningKey},
    leaf::leaf_hash,
    note::{Follows, Head, InvalidNote, Keys, Origin},
    tree::{Growing, TILE_WIDTH, Tree, TreeError},
};

use crate::{forest::Forest, grow::Grower, server::Answers, sign::Signer, state::State};

/// What the service works with.
#[derive(Debug, Clone)]
pub struct Ports {
    /// The log.
    pub log: Arc<dyn LogRead>,
    /// Where questions come from.
    pub bus: Arc<dyn Bus>,
    /// The partitions that this replica owns. Whoever owns the partition with the number of a shard signs that shard.
    pub owned: watch::Receiver<BTreeSet<Partition>>,
    /// Where checkpoints are published.
    pub checkpoints: Arc<dyn Checkpoints>,
    /// Wall-clock time, which is told beside a checkpoint and is no part of it.
    pub clock: Arc<dyn Clock>,
    /// The folder of this replica's trees.
    pub data: PathBuf,
}

/// What can be set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The id of the deployment.
    pub deployment: String,
    /// The key that signs; without one no tree is kept and nothing is signed.
    pub key: Option<SigningKey>,
    /// How often checkpoints are published, if there is anything new.
    pub every: Duration,
}

/// The running service.
#[derive(Debug, Clone)]
pub struct Handle {
    state: State,
}

impl Handle {
    /// How the service stands, in words.
    pub fn status(&self) -> String {
        self.state.in_words()
    }
}

/// Starts the service; returns once it takes questions. It ends with the life cycle.
pub async fn start(
    ports: Ports,
    settings: Settings,
    lifecycle: &Lifecycle,
) -> Result<Handle, TransportError> {
    let Ports { log, bus, owned, checkpoints, clock, data } = ports;
    metrics::describe(log.shards());
    let Settings { deployment, key, every } = settings;
    let board = Board::new(checkpoints, &deployment);
    let (forest, state) = (Forest::new(log.shards()), State::default());
    let answers = Answers { board: board.clone(), forest: forest.clone(), state: state.clone() };
    server::start(bus, Arc::new(answers), lifecycle).await?;
    let stop = lifecycle.stop().clone();
    let Some(key) = key else {
        tracing::warn!(
            "nothing is signed: no evidence key is set (BERTH_EVIDENCE_KEY; `openssl rand -base64 32` makes one), so that \
             nobody can prove what the log was"
        );
        state.signing(Some("no evidence key is set (BERTH_EVIDENCE_KEY)".to_owned()));
        return Ok(Handle { state });
    };
    let (watched, grown, ended) = (Arc::clone(&log), forest.clone(), stop.clone());
    lifecycle.spawn(async move {
        ended.run_until_cancelled(watch_lag(watched, grow::NAME, || Some(grown.position()))).await
    });
    let grower =
        Grower { log, board: board.clone(), forest: forest.clone(), state: state.clone(), folder: data };
    lifecycle.spawn(async move { stop.run_until_cancelled(grower.run()).await });
    let signer = Signer { board, forest, state: state.clone(), owned, clock, key, every };
    lifecycle.spawn(signer.run(lifecycle.stop().clone()));
    Ok(Handle { state })
}
