//! The task that keeps a view up to date: follow, fold, retry, put aside, build anew, and let rows that were built beside take
//! the place of those that are read.

use std::{sync::Arc, time::Duration};

use berth_log::{Batch, Batches, FollowError, Followed, LogRead, is_large};
use berth_runtime::{Lifecycle, Pauses, chain, spawn_blocking};
use futures::{
    StreamExt,
    future::pending,
    stream::{BoxStream, once},
};
use tokio::{
    task::{JoinError, JoinHandle},
    time::Instant,
};
use tokio_util::sync::{CancellationToken, ReusableBoxFuture};

use crate::{
    beside::{self, Beside},
    checked::Checkpoint,
    ended::Ended,
    fold::{Expected, FoldError, Folded, fold},
    high_water::{self, Marks},
    metrics,
    options::ViewOptions,
    port::{Change, View, ViewState},
    reader::Core,
    seen,
    start::open_or_quarantine,
    unwritten::Unwritten,
};

/// Commits that are folded at once, if they do not have [`berth_log::BATCH_BYTES_MAX`] before: so many share what a batch costs
/// whatever is in it. A view that is behind reads one more batch meanwhile.
pub(crate) const COMMITS_PER_BATCH_MAX: usize = 1_024;
/// Commits of a batch from which on the view counts as behind, and does not pause.
const COMMITS_BEHIND: usize = 128;
/// The pause after the first failure to follow; it doubles with each further one.
pub(crate) const RETRY_PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest such pause.
pub(crate) const RETRY_PAUSE_MAX: Duration = Duration::from_secs(10);
/// How often the high-water mark is written at most.
const MARK_EVERY: Duration = Duration::from_secs(1);
/// How often a checkpoint is written that changed without a row: what a start after a crash folds again.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);

/// Rows that are being built beside those that are read: it is polled between two batches, and its own are folded off the
/// asynchronous threads, so that it takes a share of the processor and the disk, but no turn of the follower.
type Building = ReusableBoxFuture<'static, Result<Beside, Ended>>;
/// What the log sends, and at last that it stopped sending.
type Following = BoxStream<'static, Batch>;
/// A batch that is being folded.
type Folding = JoinHandle<Result<Folded, FoldError>>;

/// What a follower works with.
#[derive(Debug, Clone)]
pub(crate) struct Ports {
    pub(crate) log: Arc<dyn LogRead>,
    pub(crate) view: Arc<dyn View>,
    pub(crate) options: ViewOptions,
}

/// A running follower.
pub(crate) struct Follower {
    ports: Ports,
    core: Arc<Core>,
    stop: CancellationToken,
    checkpoint: Checkpoint,
    /// What changed and is not written yet: nothing, once the rows are read.
    unwritten: Unwritten,
    /// The checkpoint that the store has, as long as rows are held back.
    written: Checkpoint,
    /// When the store was given its checkpoint, if that is not this one.
    checkpoint_behind_since: Option<Instant>,
    marks: Marks,
    /// Whether the marks are ahead of their file.
    marks_due: bool,
    /// When they may be written again.
    marks_after: Instant,
    /// Whether the rows that were closed are to be put aside.
    of_no_use: bool,
    /// Whether anything was folded since the last failure.
    progress: bool,
    /// What is built beside, if anything is.
    building: Option<Building>,
    /// Which rows are read: one more whenever others take their place.
    rows: u64,
    lifecycle: Lifecycle,
}

// === impl Follower ===

impl Follower {
    /// A follower of an open view. Its rows are readable at once if they stood for a whole log; the view is
    /// live when the log was found to have everything that was seen of it.
    pub(crate) fn new(
        ports: Ports,
        core: Arc<Core>,
        checkpoint: Checkpoint,
        marks: Marks,
        lifecycle: &Lifecycle,
    ) -> Self {
        let follower = Self {
            unwritten: Unwritten::within(ports.options.held_bytes),
            ports,
            core,
            stop: lifecycle.stop().clone(),
            written: checkpoint.clone(),
            checkpoint,
            checkpoint_behind_since: None,
            marks,
            marks_due: false,
            marks_after: Instant::now(),
            of_no_use: false,
            progress: false,
            building: None,
            rows: 0,
            lifecycle: lifecycle.clone(),
        };
        follower.tell(false);
        follower.tell_lag(false);
        follower.core.set_state(ViewState::Rebuilding, follower.checkpoint.complete);
        follower
    }

    /// Follows until the process stops.
    pub(crate) async fn run(&mut self) {
        let mut pauses = Pauses::new(RETRY_PAUSE_MIN, RETRY_PAUSE_MAX);
        loop {
            self.progress = false;
            let ended = match self.core.store() {
                Some(_) => self.follow().await,
                None => self.reopen().await,
            };
            match ended {
                Ended::Stopped => break,
                Ended::Nudged => continue,
                Ended::Built(beside) => match self.take_over(*beside).await {
                    Ok(()) => continue,
                    Err(sentence) => self.halt(&sentence).await,
                },
                Ended::Unavailable(reason) => {
                    tracing::warn!(
                        view = self.core.view,
                        reason,
                        "the view cannot follow the log and retries"
                    );
                }
                Ended::RolledBack(sentence) => self.halt(&sentence).await,
                Ended::Full(reason) => self.shut(&reason).await,
                // Of the rows that are read nobody says that they lack anything.
                Ended::Unusable(reason) | Ended::Lacking { reason, .. } => self.put_aside(&reason),
            }
            if self.progress {
                pauses.restart();
            }
            if self.stop.run_until_cancelled(pauses.wait()).await.is_none() {
                break;
            }
        }
        self.close().await;
    }

    /// Follows the log from the checkpoint until something ends it.
    async fn follow(&mut self) -> Ended {
        let stop = self.stop.clone();
        let begun = stop.run_until_cancelled(self.begin()).await;
        let (mut follow, mut expected) = match begun {
            None => return Ended::Stopped,
            Some(Err(ended)) => return ended,
            Some(Ok(begun)) => begun,
        };
        if expected.is_met() {
            self.tell_state();
        }
        let mut caught_up = false;
        let mut ahead = None;
        let mut rest_until = None;
        loop {
            let batch = tokio::select! {
                biased;
                () = stop.cancelled() => return Ended::Stopped,
                () = self.core.damaged.notified() => match self.core.take_damage() {
                    Some(error) => return Ended::from(&error),
                    None => continue,
                },
                () = self.core.asked.notified() => {
                    self.build_beside();
                    continue;
                }
                // Rows of a log that lacks something that was seen of it replace none.
                built = built(&mut self.building), if caught_up && expected.is_met() => match built {
                    Ok(beside) => return Ended::Built(Box::new(beside)),
                    Err(ended) => {
                        self.give_up(ended).await;
                        continue;
                    }
                },
                batch = next(&mut ahead, &mut follow), if rest_until.is_none() => batch,
                () = wait(rest_until), if rest_until.is_some() => {
                    rest_until = None;
                    continue;
                }
                () = self.core.nudged.notified(), if caught_up => return Ended::Nudged,
                () = tokio::time::sleep_until(self.marks_after), if self.marks_due => {
                    self.write_marks().await;
                    continue;
                }
            };
            let Some(batch) = batch else {
                // Its last batch said so already.
                return Ended::Unavailable("the log stopped sending".to_owned());
            };
            let behind = !caught_up || is_large(&batch, COMMITS_BEHIND);
            rest_until = (!behind).then(|| Instant::now() + self.ports.options.rest);
            let (good, failed) = split(batch);
            let mut folding = match self.begin_fold(good, std::mem::take(&mut expected)) {
                Ok(folding) => folding,
                Err(ended) => return ended,
            };
            let folded = loop {
                // The next batch is read from the log meanwhile.
                tokio::select! {
                    folded = &mut folding => break folded,
                    batch = follow.next(), if behind && ahead.is_none() && failed.is_none() => ahead = batch,
                }
            };
            match self.end_fold(folded) {
                Ok((rest, now_caught_up)) => {
                    expected = rest;
                    caught_up |= now_caught_up;
                    self.tell(caught_up);
                    self.tell_lag(now_caught_up);
                    if now_caught_up || expected.is_met() {
                        self.tell_state();
                    }
                }
                Err(ended) => return ended,
            }
            if self.marks_due && self.marks_after <= Instant::now() {
                self.write_marks().await;
            }
            if let Some(error) = failed {
                return error.into();
            }
        }
    }

    /// Checks that the log still has what was seen of it, and begins to follow.
    async fn begin(&self) -> Result<(Following, Expected), Ended> {
        let Ports { log, view, .. } = &self.ports;
        self.compare().await?;
        let (from, expected) = seen::from(&self.checkpoint, &self.marks);
        let follow = log.follow(view.name(), view.kinds(), from).await?;
        let ended = || vec![Err(FollowError::Unavailable("the log stopped sending".into()))];
        let batches = Batches::new(follow, COMMITS_PER_BATCH_MAX).chain(once(async move { ended() }));
        Ok((batches.boxed(), expected))
    }

    /// Begins to fold a batch, off the asynchronous threads.
    fn begin_fold(&mut self, batch: Vec<Followed>, expected: Expected) -> Result<Folding, Ended> {
        let Some(store) = self.core.store() else {
            return Err(Ended::Unusable("the store is closed".to_owned()));
        };
        let (view, checkpoint) = (Arc::clone(&self.ports.view), self.checkpoint.clone());
        let unwritten = self.unwritten.take();
        let is_behind = |since: Instant| unwritten.is_empty() && since.elapsed() >= CHECKPOINT_EVERY;
        let due = self.checkpoint_behind_since.is_some_and(is_behind);
        Ok(spawn_blocking(move || fold(view.as_ref(), &store, checkpoint, unwritten, expected, batch, due)))
    }

    /// Takes over what a batch came to: which commits must still come by, and whether the end was reached.
    fn end_fold(
        &mut self,
        folded: Result<Result<Folded, FoldError>, JoinError>,
    ) -> Result<(Expected, bool), Ended> {
        match folded {
            Ok(Ok(folded)) => {
                let skipped = folded.checkpoint.skipped.saturating_sub(self.checkpoint.skipped);
                metrics::skipped(self.core.view, skipped);
                (self.checkpoint, self.unwritten) = (folded.checkpoint, folded.unwritten);
                if folded.written {
                    (self.written, self.checkpoint_behind_since) = (self.checkpoint.clone(), None);
                } else {
                    self.checkpoint_behind_since.get_or_insert_with(Instant::now);
                }
                self.marks_due |= self.marks.raise(&self.checkpoint);
                self.progress = true;
                metrics::commits(self.core.view, folded.commits);
                metrics::rows(self.core.view, self.checkpoint.rows);
                Ok((folded.expected, folded.caught_up))
            }
            Ok(Err(error)) => {
                if !self.checkpoint.complete {
                    // What was held back is gone with the batch, and is folded again.
                    self.stands_for(self.written.clone());
                }
                Err(error.into())
            }
            Err(error) => Err(Ended::Unusable(chain(&error))),
        }
    }

    /// The store has this checkpoint, and nothing is held back.
    fn stands_for(&mut self, checkpoint: Checkpoint) {
        (self.checkpoint, self.written) = (checkpoint.clone(), checkpoint);
        self.unwritten.take();
        self.checkpoint_behind_since = None;
    }

    /// Tells readers what the rows stand for that are written: whoever is told a position finds its rows.
    fn tell(&self, caught_up: bool) {
        let stands_for = if self.unwritten.is_empty() { &self.checkpoint } else { &self.written };
        self.core.change.send_replace(Change {
            position: stands_for.position.clone(),
            occurred_at: self.checkpoint.occurred_at,
            caught_up,
            rows: self.rows,
        });
    }

    /// Tells the operator how far behind the rows are; `at_end` if the last batch reached the end of the log.
    fn tell_lag(&self, at_end: bool) {
        let occurred_at = self.checkpoint.occurred_at;
        let behind = !at_end && occurred_at != 0;
        metrics::lag(self.core.view, if behind { self.ports.options.clock.now().0 - occurred_at } else { 0 });
    }

    /// Tells readers how the view stands.
    fn tell_state(&self) {
        let complete = self.checkpoint.complete;
        self.core.set_state(if complete { ViewState::Live } else { ViewState::Rebuilding }, complete);
    }

    /// Stops building on a log that lost commits, also beside. What was folded stays readable.
    async fn halt(&mut self, sentence: &str) {
        let advice = "restore the log, or accept the loss with `berth recover --accept-rollback`";
        let sentence = format!("{sentence}; {advice}");
        tracing::error!(view = self.core.view, reason = sentence, "the view halts");
        self.core.set_state(ViewState::Halted(sentence.clone()), self.checkpoint.complete);
        self.tell(false);
        self.tell_lag(false);
        // Also what was asked for and had not begun.
        if self.core.is_rebuilding() {
            self.give_up(Ended::RolledBack(sentence)).await;
        }
    }

    /// Closes rows that are of no use; the next turn builds new ones.
    fn put_aside(&mut self, reason: &str) {
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
    async fn shut(&mut self, reason: &str) {
        tracing::error!(view = self.core.view, reason, "the view cannot be written and is opened again");
        self.core.set_state(ViewState::Rebuilding, false);
        self.core.set_store(None);
        if self.building.take().is_some() {
            self.give_up(Ended::Full(reason.to_owned())).await;
        }
    }

    /// Begins to build rows beside, or goes on.
    fn build_beside(&mut self) {
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
    async fn give_up(&mut self, ended: Ended) {
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
    async fn take_over(&mut self, mut beside: Beside) -> Result<(), String> {
        let stop = self.stop.clone();
        let switched = async {
            self.compare().await?;
            beside.reach(&self.checkpoint.position).await?;
            beside.has_no_less_than(&self.checkpoint)?;
            beside.promote().await
        };
        match stop.run_until_cancelled(switched).await {
            // It is gone on with at the next start.
            None => Ok(()),
            Some(Ok(former)) => {
                self.stands_for(beside.checkpoint);
                self.marks_due |= self.marks.raise(&self.checkpoint);
                let former_rows = self.core.set_store(Some(beside.rows));
                self.rows += 1;
                // What a reader reported was about the rows that are gone.
                drop(self.core.take_damage());
                self.tell(true);
                self.tell_state();
                metrics::rows(self.core.view, self.checkpoint.rows);
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

    /// Compares the log with what was seen of it.
    async fn compare(&self) -> Result<(), Ended> {
        let end = self.ports.log.end().await.map_err(|error| Ended::Unavailable(chain(&error)))?;
        seen::compare(&self.checkpoint, &self.marks, &end)
    }

    /// Opens the rows again, or empty ones if these were of no use.
    async fn reopen(&mut self) -> Ended {
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
                self.stands_for(checkpoint);
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

    async fn write_marks(&mut self) {
        let (path, marks) = (self.core.folder.marks(), self.marks.clone());
        (self.marks_due, self.marks_after) = (false, Instant::now() + MARK_EVERY);
        let written = spawn_blocking(move || high_water::write(&path, &marks)).await;
        if let Err(error) = written.unwrap_or_else(|error| Err(error.into())) {
            // The next batch tries again.
            tracing::warn!(view = self.core.view, %error, "the high-water mark cannot be written");
        }
    }

    /// Brings everything to the disk before the process ends.
    async fn close(&mut self) {
        if self.marks_due {
            self.write_marks().await;
        }
        let Some(store) = self.core.store() else {
            return;
        };
        let (mut checkpoint, mut unwritten) = (self.checkpoint.clone(), self.unwritten.take());
        let behind = self.checkpoint_behind_since.is_some();
        let flushed = spawn_blocking(move || {
            if behind {
                unwritten.write(&store, &mut checkpoint)?;
            }
            store.flush()
        })
        .await;
        if let Ok(Err(error)) = flushed {
            tracing::warn!(view = self.core.view, %error, "the view cannot be flushed; it is checked at the next start");
        }
    }
}

/// The batch that was read ahead, else the next one.
async fn next(ahead: &mut Option<Batch>, follow: &mut Following) -> Option<Batch> {
    match ahead.take() {
        Some(batch) => Some(batch),
        None => follow.next().await,
    }
}

/// Waits for a moment, if there is one.
async fn wait(until: Option<Instant>) {
    if let Some(until) = until {
        tokio::time::sleep_until(until).await;
    }
}

/// What was built beside, once it is; never if nothing is built.
async fn built(building: &mut Option<Building>) -> Result<Beside, Ended> {
    let Some(future) = building else { return pending().await };
    let built = future.await;
    *building = None;
    built
}

/// What came before an error, and the error.
pub(crate) fn split(batch: Batch) -> (Vec<Followed>, Option<FollowError>) {
    let mut good = Vec::with_capacity(batch.len());
    for followed in batch {
        match followed {
            Ok(followed) => good.push(followed),
            Err(error) => return (good, Some(error)),
        }
    }
    (good, None)
}
