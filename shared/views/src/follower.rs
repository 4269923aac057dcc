//! The task that keeps a view up to date: it follows the log, folds what comes, and begins again whenever that ended.

mod incoming;
mod rows;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use berth_log::{Batch, Followed, LogRead, is_large};
use berth_runtime::{Lifecycle, Pauses, chain, spawn_blocking};
use tokio::{
    task::{JoinError, JoinHandle},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

pub(crate) use self::incoming::split;
use self::{
    incoming::Incoming,
    rows::{Building, built},
};
use crate::{
    checked::Checkpoint,
    ended::Ended,
    fold::{Expected, FoldError, Folded, fold},
    high_water::{KeptMarks, Marks},
    metrics,
    options::ViewOptions,
    port::{Change, LastFolded, View, ViewState},
    reader::Core,
    seen,
    standing::Standing,
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
    standing: Standing,
    marks: KeptMarks,
    /// Whether the rows that were closed are to be put aside.
    of_no_use: bool,
    /// Whether anything was folded since the last failure.
    progress: bool,
    /// What is built beside, if anything is.
    building: Option<Building>,
    /// The last commit that was folded of each shard.
    last: BTreeMap<u8, LastFolded>,
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
            standing: Standing::of(checkpoint, ports.options.held_bytes),
            marks: KeptMarks::new(marks, core.folder.marks()),
            ports,
            core,
            stop: lifecycle.stop().clone(),
            of_no_use: false,
            progress: false,
            building: None,
            last: BTreeMap::new(),
            rows: 0,
            lifecycle: lifecycle.clone(),
        };
        follower.tell(false);
        follower.tell_lag(false);
        follower.core.set_state(ViewState::Rebuilding, follower.checkpoint().complete);
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
        let mut incoming = match begun {
            None => return Ended::Stopped,
            Some(Err(ended)) => return ended,
            Some(Ok(begun)) => begun,
        };
        if incoming.expected.is_met() {
            self.tell_state();
        }
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
                built = built(&mut self.building), if incoming.caught_up && incoming.expected.is_met() => match built {
                    Ok(beside) => return Ended::Built(Box::new(beside)),
                    Err(ended) => {
                        self.give_up(ended).await;
                        continue;
                    }
                },
                batch = incoming.next() => batch,
                () = self.core.nudged.notified(), if incoming.caught_up => return Ended::Nudged,
                () = wait(self.marks.due()), if self.marks.due().is_some() => {
                    self.marks.write(self.core.view).await;
                    continue;
                }
            };
            let Some(batch) = batch else {
                // Its last batch said so already.
                return Ended::Unavailable("the log stopped sending".to_owned());
            };
            if let Err(ended) = self.take(batch, &mut incoming).await {
                return ended;
            }
        }
    }

    /// Checks that the log still has what was seen of it, and begins to follow.
    async fn begin(&self) -> Result<Incoming, Ended> {
        let Ports { log, view, .. } = &self.ports;
        self.compare().await?;
        Incoming::begin(log.as_ref(), view.as_ref(), self.checkpoint(), &self.marks.marks).await
    }

    /// Folds a batch, and tells what it came to.
    async fn take(&mut self, batch: Batch, incoming: &mut Incoming) -> Result<(), Ended> {
        let behind = !incoming.caught_up || is_large(&batch, COMMITS_BEHIND);
        incoming.rest_until = (!behind).then(|| Instant::now() + self.ports.options.rest);
        let (good, failed) = split(batch);
        let mut folding = self.begin_fold(good, std::mem::take(&mut incoming.expected))?;
        let goes_on = behind && failed.is_none();
        let folded = loop {
            tokio::select! {
                folded = &mut folding => break folded,
                () = incoming.read_ahead(), if goes_on && incoming.has_room() => {}
            }
        };
        let (expected, at_end) = self.end_fold(folded)?;
        incoming.expected = expected;
        incoming.caught_up |= at_end;
        self.tell(incoming.caught_up);
        self.tell_lag(at_end);
        if at_end || incoming.expected.is_met() {
            self.tell_state();
        }
        if self.marks.due().is_some_and(|due| due <= Instant::now()) {
            self.marks.write(self.core.view).await;
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Begins to fold a batch, off the asynchronous threads.
    fn begin_fold(&mut self, batch: Vec<Followed>, expected: Expected) -> Result<Folding, Ended> {
        let Some(store) = self.core.store() else {
            return Err(Ended::Unusable("the store is closed".to_owned()));
        };
        let view = Arc::clone(&self.ports.view);
        let (checkpoint, unwritten, due) = self.standing.begin();
        Ok(spawn_blocking(move || fold(view.as_ref(), &store, checkpoint, unwritten, expected, batch, due)))
    }

    /// Takes over what a batch came to: which commits must still come by, and whether the end was reached.
    fn end_fold(
        &mut self,
        folded: Result<Result<Folded, FoldError>, JoinError>,
    ) -> Result<(Expected, bool), Ended> {
        match folded {
            Ok(Ok(folded)) => {
                let skipped = folded.checkpoint.skipped.saturating_sub(self.checkpoint().skipped);
                metrics::skipped(self.core.view, skipped);
                self.standing.advance(folded.checkpoint, folded.unwritten, folded.written);
                self.marks.raise(&self.standing.checkpoint);
                self.progress = true;
                self.last.extend(folded.last);
                metrics::commits(self.core.view, folded.commits);
                metrics::rows(self.core.view, self.checkpoint().rows);
                Ok((folded.expected, folded.caught_up))
            }
            Ok(Err(error)) => {
                self.standing.fall_back();
                Err(error.into())
            }
            Err(error) => Err(Ended::Unusable(chain(&error))),
        }
    }

    const fn checkpoint(&self) -> &Checkpoint {
        &self.standing.checkpoint
    }

    /// Tells readers what the rows stand for that are written: whoever is told a position finds its rows.
    fn tell(&self, caught_up: bool) {
        self.core.change.send_replace(Change {
            position: self.standing.readable().position.clone(),
            occurred_at: self.checkpoint().occurred_at,
            caught_up,
            last: self.last.clone(),
            rows: self.rows,
        });
    }

    /// Tells the operator how far behind the rows are; `at_end` if the last batch reached the end of the log.
    fn tell_lag(&self, at_end: bool) {
        let occurred_at = self.checkpoint().occurred_at;
        let behind = !at_end && occurred_at != 0;
        metrics::lag(self.core.view, if behind { self.ports.options.clock.now().0 - occurred_at } else { 0 });
    }

    /// Tells readers how the view stands.
    fn tell_state(&self) {
        let complete = self.checkpoint().complete;
        self.core.set_state(if complete { ViewState::Live } else { ViewState::Rebuilding }, complete);
    }

    /// Stops building on a log that lost commits, also beside. What was folded stays readable.
    async fn halt(&mut self, sentence: &str) {
        let advice = "restore the log, or accept the loss with `berth recover --accept-rollback`";
        let sentence = format!("{sentence}; {advice}");
        tracing::error!(view = self.core.view, reason = sentence, "the view halts");
        self.core.set_state(ViewState::Halted(sentence.clone()), self.checkpoint().complete);
        self.tell(false);
        self.tell_lag(false);
        // Also what was asked for and had not begun.
        if self.core.is_rebuilding() {
            self.give_up(Ended::RolledBack(sentence)).await;
        }
    }

    /// Compares the log with what was seen of it.
    async fn compare(&self) -> Result<(), Ended> {
        let end = self.ports.log.end().await.map_err(|error| Ended::Unavailable(chain(&error)))?;
        seen::compare(self.checkpoint(), &self.marks.marks, &end)
    }
}

/// Waits for a moment, if there is one.
async fn wait(until: Option<Instant>) {
    if let Some(until) = until {
        tokio::time::sleep_until(until).await;
    }
}
