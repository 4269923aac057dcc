//! The task that keeps a view up to date: follow, fold, retry, put aside, build anew.

use std::{io, path::Path, sync::Arc, time::Duration};

use berth_log::{FollowError, Followed, LogRead, Position, ShardPosition};
use berth_runtime::Lifecycle;
use futures::{
    StreamExt,
    stream::{BoxStream, once},
};
use tokio::task::{JoinError, JoinHandle, spawn_blocking};
use tokio_util::sync::CancellationToken;

use crate::{
    checked::{Checked, Checkpoint},
    fold::{Expected, FoldError, Folded, fold},
    folder::{OpenError, ViewFolder},
    high_water::{self, Marks},
    metrics,
    options::ViewOptions,
    port::{Change, View, ViewState},
    reader::Core,
    store::StoreError,
};

/// Commits that are folded and written at once.
const COMMITS_PER_BATCH_MAX: usize = 256;
/// The pause after the first failure to follow; it doubles with each further one.
const RETRY_PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest such pause.
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(10);
/// How often the high-water mark is written at most.
const MARK_EVERY: Duration = Duration::from_secs(1);

/// Why following ended.
#[derive(Debug)]
enum Ended {
    /// The process stops.
    Stopped,
    /// A reader waits for a position behind commits of other kinds: follow again to learn where the end is.
    Nudged,
    /// The log does not answer.
    Unavailable(String),
    /// The log lost commits.
    RolledBack(String),
    /// The rows are of no use.
    Unusable(String),
}

/// What the log sends, batch by batch.
type Batch = Vec<Result<Followed, FollowError>>;
type Batches = BoxStream<'static, Batch>;
/// A batch that is being folded.
type Folding = JoinHandle<Result<Folded, FoldError>>;

struct Follower {
    log: Arc<dyn LogRead>,
    view: Arc<dyn View>,
    options: ViewOptions,
    core: Arc<Core>,
    stop: CancellationToken,
    checkpoint: Checkpoint,
    marks: Marks,
    /// Whether the marks are ahead of their file.
    marks_due: bool,
    /// Whether anything was folded since the last failure.
    progress: bool,
}

/// Opens the view and spawns its follower.
pub(crate) async fn start(
    log: Arc<dyn LogRead>,
    folder: &Path,
    view: Arc<dyn View>,
    options: ViewOptions,
    lifecycle: &Lifecycle,
) -> Result<Arc<Core>, OpenError> {
    let (root, name, schema) = (folder.to_owned(), view.name(), view.schema());
    let home = folder.join(name);
    let failed = move |source| OpenError::Folder { folder: home, source };
    let opening = options.clone();
    let opened = spawn_blocking(move || {
        let folder = ViewFolder::claim(&root, name, schema)?;
        let failed = |source| OpenError::Folder { folder: root.join(name), source };
        folder.set_other_schemas_aside(opening.clock.now()).map_err(failed)?;
        let marks = high_water::read(&folder.marks()).map_err(failed)?;
        let (checked, checkpoint) = open_or_quarantine(&folder, &opening, name, schema).map_err(failed)?;
        Ok((folder, marks, checked, checkpoint))
    });
    let (folder, marks, checked, checkpoint) = opened.await.map_err(|error| failed(error.into()))??;
    let core = Arc::new(Core::new(name, folder));
    core.set_store(Some(Arc::new(checked)));
    let mut follower = Follower {
        log,
        view,
        options,
        core: Arc::clone(&core),
        stop: lifecycle.stop().clone(),
        checkpoint,
        marks,
        marks_due: false,
        progress: false,
    };
    follower.tell(false);
    follower.tell_state();
    lifecycle.spawn(async move { follower.run().await });
    Ok(core)
}

/// Opens the rows, or puts them aside and begins with none. Fails only if even that cannot be done.
fn open_or_quarantine(
    folder: &ViewFolder,
    options: &ViewOptions,
    view: &'static str,
    schema: u32,
) -> io::Result<(Checked, Checkpoint)> {
    let open = || -> Result<(Checked, Checkpoint), StoreError> {
        Checked::open(options.open_store(&folder.rows())?, view, schema)
    };
    let reason = if folder.opening()? {
        let opened = open();
        folder.opened()?;
        match opened {
            Ok(opened) => return Ok(opened),
            Err(error) => describe(&error),
        }
    } else {
        "opening it ended the process twice".to_owned()
    };
    tracing::error!(view, reason, "a view is damaged; it is put aside and built anew from the log");
    metrics::quarantined(view);
    folder.quarantine(options.clock.now())?;
    open().map_err(io::Error::other)
}

/// An error and its sources in one line.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

// === impl Follower ===

impl Follower {
    async fn run(&mut self) {
        let mut pause = RETRY_PAUSE_MIN;
        loop {
            self.progress = false;
            let ended = match self.core.store() {
                Some(_) => self.follow().await,
                None => self.rebuild().await,
            };
            match ended {
                Ended::Stopped => break,
                Ended::Nudged => continue,
                Ended::Unavailable(reason) => {
                    tracing::warn!(
                        view = self.core.view,
                        reason,
                        "the view cannot follow the log and retries"
                    );
                }
                Ended::RolledBack(sentence) => self.halt(&sentence),
                Ended::Unusable(reason) => {
                    self.put_aside(&reason);
                    // The first time at once; a second time without progress only after a pause.
                    if self.progress {
                        continue;
                    }
                }
            }
            pause = if self.progress { RETRY_PAUSE_MIN } else { (pause * 2).min(RETRY_PAUSE_MAX) };
            if self.stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
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
        self.tell_state();
        let mut caught_up = false;
        let mut ahead = None;
        loop {
            let batch = tokio::select! {
                biased;
                () = stop.cancelled() => return Ended::Stopped,
                () = self.core.damaged.notified() => match self.core.take_damage() {
                    Some(error) => return Ended::Unusable(describe(&error)),
                    None => continue,
                },
                batch = next(&mut ahead, &mut follow) => batch,
                () = self.core.nudged.notified(), if caught_up => return Ended::Nudged,
                () = tokio::time::sleep(MARK_EVERY), if self.marks_due => {
                    self.write_marks().await;
                    continue;
                }
            };
            let Some(batch) = batch else {
                // Its last batch said so already.
                return Ended::Unavailable("the log stopped sending".to_owned());
            };
            let (good, failed) = split(batch);
            let mut folding = match self.begin_fold(good, std::mem::take(&mut expected)) {
                Ok(folding) => folding,
                Err(ended) => return ended,
            };
            let folded = loop {
                // The next batch is read from the log meanwhile.
                tokio::select! {
                    folded = &mut folding => break folded,
                    batch = follow.next(), if ahead.is_none() && failed.is_none() => ahead = batch,
                }
            };
            match self.end_fold(folded) {
                Ok((rest, now_caught_up)) => {
                    expected = rest;
                    caught_up |= now_caught_up;
                    self.tell(caught_up);
                    if now_caught_up {
                        self.tell_state();
                    }
                }
                Err(ended) => return ended,
            }
            if let Some(error) = failed {
                return ended_by(&error);
            }
        }
    }

    /// Checks that the log still has what was seen of it, and begins to follow.
    async fn begin(&self) -> Result<(Batches, Expected), Ended> {
        let end = self.log.end().await.map_err(|error| Ended::Unavailable(describe(&error)))?;
        self.compare(&end)?;
        let (from, expected) = self.from();
        let follow = self
            .log
            .follow(self.view.name(), self.view.kinds(), from)
            .await
            .map_err(|error| ended_by(&error))?;
        let ended = || vec![Err(FollowError::Unavailable("the log stopped sending".into()))];
        let batches = follow.ready_chunks(COMMITS_PER_BATCH_MAX).chain(once(async move { ended() }));
        Ok((batches.boxed(), expected))
    }

    /// Compares the end of the log with what was seen of it.
    fn compare(&self, end: &Position) -> Result<(), Ended> {
        for (shard, here) in &self.checkpoint.position.0 {
            if end.0.get(shard).is_some_and(|there| there.incarnation != here.incarnation) {
                return Err(Ended::Unusable(format!("shard {shard} of the log was recreated")));
            }
        }
        let marks = self.marks.0.iter().map(|(shard, mark)| {
            (*shard, ShardPosition { incarnation: mark.incarnation, revision: mark.revision })
        });
        for (shard, seen) in self.checkpoint.position.0.iter().map(|(shard, at)| (*shard, *at)).chain(marks) {
            let there = end.0.get(&shard).copied();
            if there.is_some_and(|there| there.incarnation != seen.incarnation) {
                continue;
            }
            let ends_at = there.map_or(0, |there| there.revision);
            if ends_at < seen.revision {
                return Err(Ended::RolledBack(format!(
                    "shard {shard} of the log ends at {ends_at}, but {} was seen before: acknowledged commits are lost",
                    seen.revision
                )));
            }
        }
        Ok(())
    }

    /// Where to follow from, and which commits must come by. Where the last folded commit is the last thing
    /// seen of its shard, it is read once more and compared.
    fn from(&self) -> (Position, Expected) {
        let mut from = self.checkpoint.position.clone();
        let mut expected = Expected::default();
        for (shard, last) in &self.checkpoint.last {
            if from.0.get(shard) == Some(&last.at) {
                let revision = last.at.revision.saturating_sub(1);
                from.advance(*shard, ShardPosition { revision, ..last.at });
                expected.push(*shard, *last);
            }
        }
        for (shard, mark) in &self.marks.0 {
            let here = self.checkpoint.position.0.get(shard).map_or(0, |at| at.revision);
            if let Some(last) = mark.last.filter(|last| last.at.revision > here) {
                expected.push(*shard, last);
            }
        }
        (from, expected)
    }

    /// Begins to fold a batch, off the asynchronous threads.
    fn begin_fold(&self, batch: Vec<Followed>, expected: Expected) -> Result<Folding, Ended> {
        let Some(store) = self.core.store() else {
            return Err(Ended::Unusable("the store is closed".to_owned()));
        };
        let (view, checkpoint) = (Arc::clone(&self.view), self.checkpoint.clone());
        Ok(spawn_blocking(move || fold(view.as_ref(), &store, checkpoint, expected, batch)))
    }

    /// Takes over what a batch came to: which commits must still come by, and whether the end was reached.
    fn end_fold(
        &mut self,
        folded: Result<Result<Folded, FoldError>, JoinError>,
    ) -> Result<(Expected, bool), Ended> {
        match folded {
            Ok(Ok(folded)) => {
                self.checkpoint = folded.checkpoint;
                self.marks_due |= self.marks.raise(&self.checkpoint);
                self.progress = true;
                Ok((folded.expected, folded.caught_up))
            }
            Ok(Err(FoldError::Store(error))) => Err(Ended::Unusable(describe(&error))),
            Ok(Err(FoldError::Recreated { shard })) => {
                Err(Ended::Unusable(format!("shard {shard} of the log was recreated")))
            }
            Ok(Err(FoldError::Regrown { shard, revision })) => Err(Ended::RolledBack(format!(
                "shard {shard} of the log has another commit at {revision} than was seen there before: acknowledged commits are lost"
            ))),
            Err(error) => Err(Ended::Unusable(describe(&error))),
        }
    }

    /// Tells readers what the rows stand for.
    fn tell(&self, caught_up: bool) {
        let occurred_at = self.checkpoint.occurred_at;
        let lag = if caught_up || occurred_at == 0 { 0 } else { self.options.clock.now().0 - occurred_at };
        metrics::lag(self.core.view, lag);
        self.core.change.send_replace(Change {
            position: self.checkpoint.position.clone(),
            occurred_at,
            caught_up,
        });
    }

    /// Tells readers how the view stands.
    fn tell_state(&self) {
        let complete = self.checkpoint.complete;
        self.core.set_state(if complete { ViewState::Live } else { ViewState::Rebuilding }, complete);
    }

    /// Stops building on a log that lost commits. What was folded stays readable.
    fn halt(&self, sentence: &str) {
        let advice = "restore the log, or accept the loss with `berth recover --accept-rollback`";
        let sentence = format!("{sentence}; {advice}");
        tracing::error!(view = self.core.view, reason = sentence, "the view halts");
        self.core.set_state(ViewState::Halted(sentence), self.checkpoint.complete);
        self.tell(false);
    }

    /// Closes rows that are of no use; the next turn builds new ones.
    fn put_aside(&mut self, reason: &str) {
        tracing::error!(view = self.core.view, reason, "the view is put aside and built anew from the log");
        self.core.set_state(ViewState::Rebuilding, false);
        self.core.set_store(None);
    }

    /// Puts the rows aside and opens empty ones.
    async fn rebuild(&mut self) -> Ended {
        metrics::quarantined(self.core.view);
        let (core, options) = (Arc::clone(&self.core), self.options.clone());
        let schema = self.view.schema();
        let opened = spawn_blocking(move || {
            core.folder.quarantine(options.clock.now())?;
            open_or_quarantine(&core.folder, &options, core.view, schema)
        });
        match opened.await.unwrap_or_else(|error| Err(error.into())) {
            Ok((checked, checkpoint)) => {
                self.checkpoint = checkpoint;
                // What an earlier reader reported was about the rows that are gone.
                drop(self.core.take_damage());
                self.core.set_store(Some(Arc::new(checked)));
                self.tell(false);
                Ended::Nudged
            }
            Err(error) => Ended::Unavailable(describe(&error)),
        }
    }

    async fn write_marks(&mut self) {
        let (path, marks) = (self.core.folder.marks(), self.marks.clone());
        self.marks_due = false;
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
        let flushed = spawn_blocking(move || store.flush()).await;
        if let Ok(Err(error)) = flushed {
            tracing::warn!(view = self.core.view, %error, "the view cannot be flushed; it is checked at the next start");
        }
    }
}

/// The batch that was read ahead, else the next one.
async fn next(ahead: &mut Option<Batch>, follow: &mut Batches) -> Option<Batch> {
    match ahead.take() {
        Some(batch) => Some(batch),
        None => follow.next().await,
    }
}

/// What came before an error, and the error.
fn split(batch: Batch) -> (Vec<Followed>, Option<FollowError>) {
    let mut good = Vec::with_capacity(batch.len());
    for followed in batch {
        match followed {
            Ok(followed) => good.push(followed),
            Err(error) => return (good, Some(error)),
        }
    }
    (good, None)
}

fn ended_by(error: &FollowError) -> Ended {
    match error {
        FollowError::Unavailable(_) => Ended::Unavailable(describe(error)),
        FollowError::Recreated { .. } => Ended::Unusable(error.to_string()),
        FollowError::RolledBack { .. } => Ended::RolledBack(error.to_string()),
    }
}
