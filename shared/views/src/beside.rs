//! Rows that are built from the log beside those that are read, until they stand for as much.
//!
//! They have a folder, a checkpoint and a place in the log of their own. First everything is folded that was in the log, by a
//! fold that tells nobody: the rows that are read have it, or will before this goes on. What came meanwhile is folded by the
//! view itself, so that whoever hears of its changes misses none of them. The last bit follows when the follower rests.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use berth_log::{Batches, Followed, Position};
use berth_runtime::{Pauses, chain, spawn_blocking};
use futures::StreamExt;
use tokio::task::JoinError;

use crate::{
    checked::{Checked, Checkpoint},
    ended::Ended,
    fold::{Folded, fold},
    folder::{Which, remove_rows},
    follower::{COMMITS_PER_BATCH_MAX, Ports, RETRY_PAUSE_MAX, RETRY_PAUSE_MIN, split},
    high_water::Marks,
    lag::commits_before,
    metrics,
    port::{View, ViewReader as _},
    reader::Core,
    start::open_guarded,
    store::StoreError,
    unwritten::Unwritten,
};

/// How long the rows that are read are waited for at once.
const REACHED_MAX: Duration = Duration::from_secs(10);
/// How long readers of the former rows are waited for before these are removed; else the next start does it.
const READERS_MAX: Duration = Duration::from_secs(5);
/// How often is looked whether they are gone.
const READERS_PAUSE: Duration = Duration::from_millis(5);

/// Rows that are built beside.
#[derive(Debug)]
pub(crate) struct Beside {
    ports: Ports,
    core: Arc<Core>,
    pub(crate) rows: Arc<Checked>,
    pub(crate) checkpoint: Checkpoint,
    /// What changed and is not written yet: nothing, once the rows stand for a whole log.
    unwritten: Unwritten,
}

impl Beside {
    /// Opens what was begun, or begins, and folds until the rows stand for nearly as much as those that are read.
    pub(crate) async fn build(ports: Ports, core: Arc<Core>) -> Result<Self, Ended> {
        let mut beside = Self::open(ports, core).await?;
        let folded = commits_before(&beside.checkpoint.position);
        beside.core.tell_rebuild(|rebuild| (rebuild.folded_before, rebuild.folded) = (folded, folded));
        let quiet = beside.ports.view.quiet();
        beside.catch_up_at_last(&quiet).await?;
        // What nobody was told of must be in the rows that are read, as those heard of it who hear of changes.
        while beside.core.reached(&beside.checkpoint.position, REACHED_MAX).await.is_err() {}
        beside.go_on().await
    }

    /// Folds what came meanwhile.
    pub(crate) async fn go_on(mut self) -> Result<Self, Ended> {
        let view = Arc::clone(&self.ports.view);
        self.catch_up_at_last(&view).await?;
        Ok(self)
    }

    /// Folds until the rows stand for a position of the log.
    pub(crate) async fn reach(&mut self, position: &Position) -> Result<(), Ended> {
        let view = Arc::clone(&self.ports.view);
        while !self.checkpoint.position.covers(position) {
            self.catch_up(&view).await?;
        }
        Ok(())
    }

    /// Refuses to replace rows by others that lack what the log cannot give any more, or the fold cannot read any more, unless just
    /// that was accepted.
    pub(crate) fn has_no_less_than(&self, read: &Checkpoint) -> Result<(), Ended> {
        if self.checkpoint.lacks_no_more_than(read) {
            return Ok(());
        }
        let (skipped, before, view) = (self.checkpoint.skipped, read.skipped, self.core.view);
        let Some(lacking) = &self.checkpoint.damage else {
            return Err(Ended::Unusable(
                "a release that does not know what its rows lack began them".to_owned(),
            ));
        };
        let damage = lacking.number();
        let accepted = self.core.accepted().clone();
        if accepted.contains(&damage) {
            tracing::warn!(view, skipped, before, %damage, "the new rows lack what the log cannot give any more, which was accepted");
            return Ok(());
        }
        let other = accepted
            .last()
            .map_or_else(String::new, |other| format!("; {other} was accepted, which is another damage"));
        let reason = format!(
            "{skipped} commits of the log could not be read or folded ({lacking}), and {before} of those that the former rows are \
             made of: the new rows would lack what the former ones have; `berth views rebuild --view {view} --accept-damage {damage}` \
             lets them lack just these{other}"
        );
        Err(Ended::Lacking { reason, damage })
    }

    /// Brings the rows to the disk and lets them take the place of those that are read; gives the folder of these.
    pub(crate) async fn promote(&mut self) -> Result<PathBuf, Ended> {
        let (rows, core, mut checkpoint) =
            (Arc::clone(&self.rows), Arc::clone(&self.core), self.checkpoint.clone());
        let mut unwritten = self.unwritten.take();
        let promoted = blocking(&self.core, move || {
            unwritten.write(&rows, &mut checkpoint)?;
            rows.flush()?;
            Ok::<_, StoreError>(core.folder.promote_next())
        });
        match promoted.await {
            Ok(Ok(promoted)) => promoted.map_err(|error| unusable(&error)),
            Ok(Err(error)) => Err(Ended::from(&error)),
            Err(error) => Err(unusable(&error)),
        }
    }

    async fn open(ports: Ports, core: Arc<Core>) -> Result<Self, Ended> {
        let (options, schema, shared) = (ports.options.clone(), ports.view.schema(), Arc::clone(&core));
        let opened = blocking(&core, move || -> io::Result<_> {
            let folder = &shared.folder;
            let mut opened = Err(String::new());
            // Rows that were begun and are of no use are thrown away, and others begun.
            for _ in 0..2 {
                let rows = folder.begin_next()?;
                shared.note_accepted()?;
                opened = open_guarded(folder, Which::Next, &rows, &options, shared.view, schema)?;
                match &opened {
                    Ok(_) => break,
                    Err(reason) => {
                        tracing::warn!(view = shared.view, reason, "what was built beside is of no use");
                        folder.drop_next()?;
                    }
                }
            }
            opened.map_err(io::Error::other)
        });
        let (rows, checkpoint) =
            opened.await.map_err(|error| unusable(&error))?.map_err(|error| unusable(&error))?;
        let unwritten = Unwritten::within(ports.options.held_bytes);
        Ok(Self { ports, core, rows: Arc::new(rows), checkpoint, unwritten })
    }

    /// Folds what is in the log, however often the log does not answer.
    async fn catch_up_at_last(&mut self, view: &Arc<dyn View>) -> Result<(), Ended> {
        let mut pauses = Pauses::new(RETRY_PAUSE_MIN, RETRY_PAUSE_MAX);
        loop {
            match self.catch_up(view).await {
                Err(Ended::Unavailable(reason)) => {
                    tracing::warn!(view = view.name(), reason, "the new rows of the view wait for the log");
                    pauses.wait().await;
                }
                ended => return ended,
            }
        }
    }

    /// Folds what is in the log at this moment.
    async fn catch_up(&mut self, view: &Arc<dyn View>) -> Result<(), Ended> {
        let log = Arc::clone(&self.ports.log);
        let end = log.end().await.map_err(|error| Ended::Unavailable(chain(&error)))?;
        let nothing = Marks::default();
        crate::seen::compare(&self.checkpoint, &nothing, &end)?;
        self.core.tell_rebuild(|rebuild| rebuild.of = commits_before(&end));
        let (from, mut expected) = crate::seen::from(&self.checkpoint, &nothing);
        let follow = log.follow(&format!("{}-next", view.name()), view.kinds(), from).await?;
        let mut batches = Batches::new(follow, COMMITS_PER_BATCH_MAX);
        while let Some(batch) = batches.next().await {
            let (good, failed) = split(batch);
            let folded = self.fold(view, good, expected).await?;
            (self.checkpoint, self.unwritten, expected) =
                (folded.checkpoint, folded.unwritten, folded.expected);
            self.tell();
            match failed {
                _ if folded.caught_up => return Ok(()),
                Some(error) => return Err(error.into()),
                None => {}
            }
        }
        Err(Ended::Unavailable("the log stopped sending".to_owned()))
    }

    async fn fold(
        &mut self,
        view: &Arc<dyn View>,
        batch: Vec<Followed>,
        expected: crate::fold::Expected,
    ) -> Result<Folded, Ended> {
        let (view, rows, checkpoint) = (Arc::clone(view), Arc::clone(&self.rows), self.checkpoint.clone());
        let unwritten = self.unwritten.take();
        let folded = blocking(&self.core, move || {
            fold(view.as_ref(), &rows, checkpoint, unwritten, expected, batch, false)
        });
        Ok(folded.await.map_err(|error| unusable(&error))??)
    }

    fn tell(&self) {
        let folded = commits_before(&self.checkpoint.position);
        self.core.tell_rebuild(|rebuild| {
            rebuild.folded = folded;
            metrics::rebuild_left(self.core.view, rebuild.of.saturating_sub(folded));
        });
    }
}

/// Works off the asynchronous threads. Whoever gives the rows up meanwhile waits with [`rested`] before it touches their files.
async fn blocking<T: Send + 'static>(
    core: &Core,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    let busy = Arc::clone(&core.beside).lock_owned().await;
    let working = spawn_blocking(move || {
        let done = work();
        drop(busy);
        done
    });
    working.await
}

/// Waits until nothing works on rows that were built beside and given up.
pub(crate) async fn rested(core: &Core) {
    drop(core.beside.lock().await);
}

/// Closes the former rows once nobody reads them, and removes them.
pub(crate) async fn remove(view: &'static str, rows: Option<Arc<Checked>>, folder: PathBuf) {
    let removed = spawn_blocking(move || {
        if let Some(rows) = rows {
            let mut waited = Duration::ZERO;
            while Arc::strong_count(&rows) > 1 && waited < READERS_MAX {
                std::thread::sleep(READERS_PAUSE);
                waited += READERS_PAUSE;
            }
            if Arc::into_inner(rows).is_none() {
                return Err(io::Error::other("somebody reads them still"));
            }
        }
        remove_rows(&folder)
    });
    if let Err(error) = removed.await.unwrap_or_else(|error| Err(error.into())) {
        tracing::warn!(view, %error, "the former rows of the view are removed at the next start");
    }
}

fn unusable(error: &dyn std::error::Error) -> Ended {
    Ended::Unusable(chain(error))
}
