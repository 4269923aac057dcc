//! Which rows a follower writes: those that it has, the same opened again, others that were built beside them, or new ones; and closing
//! them.

use std::sync::Arc;

use berth_runtime::{chain, spawn_blocking};
use futures::future::pending;
use tokio_util::sync::ReusableBoxFuture;

use super::Follower;
use crate::{
    beside::{self, Beside},
    ended::Ended,
    metrics,
    port::ViewState,
    start::open_or_quarantine,
};

/// Rows that are being built beside those that are read: it is polled between two batches, and its own are folded off the
/// asynchronous threads, so that it takes a share of the processor and the disk, but no turn of the follower.
pub(super) type Building = ReusableBoxFuture<'static, Result<Beside, Ended>>;

impl Follower {
    /// Closes rows that are of no use; the next turn builds new ones.
    pub(super) fn put_aside(&mut self, reason: &str) {
        tracing::error!(view = self.core.view, reason, "the view is put aside and built anew from the log");
        self.of_no_use = true;
        self.core.set_state(ViewState::Rebuilding, false);
        self.core.set_store(None);
        if self.building.take().is_some() {
            self.core.end_rebuild(Some(&Ended::Unusable(
                "the rows that were read were damaged, and those that were begun beside them are built on in their place"
                    .to_owned(),
            )));
        }
    }

    /// Closes rows that cannot be written; the next turn opens and verifies them again.
    pub(super) async fn shut(&mut self, reason: &str) {
        tracing::error!(view = self.core.view, reason, "the view cannot be written and is opened again");
        self.core.set_state(ViewState::Rebuilding, false);
        self.core.set_store(None);
        if self.building.take().is_some() {
            self.give_up(Ended::Full(reason.to_owned())).await;
        }
    }

    /// Begins to build rows beside, or goes on.
    pub(super) fn build_beside(&mut self) {
        // What was given up before it began is not begun.
        if self.building.is_none() && self.core.is_rebuilding() {
            tracing::info!(
                view = self.core.view,
                "the view is built anew beside its rows, which are read meanwhile"
            );
            self.building = Some(Building::new(Beside::build(self.ports.clone(), Arc::clone(&self.core))));
        }
    }

    /// Throws away what was built beside; the rows that are read stay.
    pub(super) async fn give_up(&mut self, ended: Ended) {
        let reason = ended.reason();
        tracing::error!(
            view = self.core.view,
            reason,
            "the view is not built anew; its rows stay as they are"
        );
        self.building = None;
        beside::rested(&self.core).await;
        let core = Arc::clone(&self.core);
        if let Ok(Err(error)) = spawn_blocking(move || core.folder.drop_next()).await {
            tracing::warn!(view = self.core.view, %error, "what was built beside cannot be removed");
        }
        self.core.end_rebuild(Some(&ended));
    }

    /// Lets rows that were built beside take the place of those that are read. Nothing is folded into these meanwhile, so that
    /// nobody reads less than before. A sentence if the log lost commits.
    pub(super) async fn take_over(&mut self, mut beside: Beside) -> Result<(), String> {
        let stop = self.stop.clone();
        let switched = async {
            self.compare().await?;
            beside.reach(&self.checkpoint().position).await?;
            beside.has_no_less_than(self.checkpoint())?;
            beside.promote().await
        };
        match stop.run_until_cancelled(switched).await {
            // It is gone on with at the next start.
            None => Ok(()),
            Some(Ok(former)) => {
                self.standing.reset(beside.checkpoint);
                self.marks.raise(&self.standing.checkpoint);
                let former_rows = self.core.set_store(Some(beside.rows));
                self.rows += 1;
                // What a reader reported was about the rows that are gone.
                drop(self.core.take_damage());
                self.tell(true);
                self.tell_state();
                metrics::rows(self.core.view, self.checkpoint().rows);
                self.core.end_rebuild(None);
                tracing::info!(view = self.core.view, "the view was built anew, and its new rows are read");
                self.lifecycle.spawn(beside::remove(self.core.view, former_rows, former));
                Ok(())
            }
            Some(Err(Ended::Unavailable(reason))) => {
                tracing::warn!(view = self.core.view, reason, "the new rows of the view wait for the log");
                self.building = Some(Building::new(beside.go_on()));
                Ok(())
            }
            Some(Err(Ended::RolledBack(sentence))) => {
                drop(beside);
                self.give_up(Ended::RolledBack(sentence.clone())).await;
                Err(sentence)
            }
            Some(Err(ended)) => {
                drop(beside);
                self.give_up(ended).await;
                Ok(())
            }
        }
    }

    /// Opens the rows again, or empty ones if these were of no use.
    pub(super) async fn reopen(&mut self) -> Ended {
        beside::rested(&self.core).await;
        let (core, options) = (Arc::clone(&self.core), self.ports.options.clone());
        let (schema, of_no_use) = (self.ports.view.schema(), self.of_no_use);
        let opened = spawn_blocking(move || {
            if of_no_use {
                metrics::quarantined(core.view);
                core.folder.quarantine(options.clock.now())?;
            }
            open_or_quarantine(&core.folder, &options, core.view, schema)
        });
        match opened.await.unwrap_or_else(|error| Err(error.into())) {
            Ok((checked, checkpoint)) => {
                self.standing.reset(checkpoint);
                self.of_no_use = false;
                // What an earlier reader reported was about the rows that are gone.
                drop(self.core.take_damage());
                self.core.set_store(Some(Arc::new(checked)));
                self.rows += 1;
                self.tell(false);
                self.tell_lag(false);
                Ended::Nudged
            }
            Err(error) => Ended::Unavailable(chain(&error)),
        }
    }

    /// Brings everything to the disk before the process ends.
    pub(super) async fn close(&mut self) {
        if self.marks.due().is_some() {
            self.marks.write(self.core.view).await;
        }
        let Some(store) = self.core.store() else {
            return;
        };
        let rest = self.standing.take_rest();
        let flushed = spawn_blocking(move || {
            if let Some((mut checkpoint, mut unwritten)) = rest {
                unwritten.write(&store, &mut checkpoint)?;
            }
            store.flush()
        });
        if let Ok(Err(error)) = flushed.await {
            tracing::warn!(view = self.core.view, %error, "the view cannot be flushed; it is checked at the next start");
        }
    }
}

/// What was built beside, once it is; never if nothing is built.
pub(super) async fn built(building: &mut Option<Building>) -> Result<Beside, Ended> {
    let Some(future) = building else { return pending().await };
    let built = future.await;
    *building = None;
    built
}
