//! Folding a batch of commits into rows: blocking, without any knowledge of tasks.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use berth_log::{Followed, Position, ShardPosition, SharedCommit, Stored};
use berth_proto::{CommitV2, Hash};

use crate::{
    checked::{Checked, Checkpoint, LastCommit},
    port::{ApplyError, LastFolded, Rows, View, ViewError},
    store::StoreError,
    unwritten::{Changes, Unwritten},
};

/// Commits that must come by, shard by shard in their order, since they were seen before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expected(pub(crate) BTreeMap<u8, Vec<LastCommit>>);

/// A batch was not folded; nothing of it was written.
#[derive(Debug)]
pub(crate) enum FoldError {
    /// The store failed.
    Store(StoreError),
    /// The shard is another one than the rows stand for.
    Recreated {
        /// The shard.
        shard: u8,
    },
    /// Another commit stands where one was seen before, or none.
    Regrown {
        /// The shard.
        shard: u8,
        /// Where.
        revision: u64,
    },
}

impl From<StoreError> for FoldError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What a batch came to.
#[derive(Debug)]
pub(crate) struct Folded {
    /// What the rows stand for now, with those that are not written yet.
    pub(crate) checkpoint: Checkpoint,
    /// Those.
    pub(crate) unwritten: Unwritten,
    /// What is still to come by.
    pub(crate) expected: Expected,
    /// Whether the end of the log was reached.
    pub(crate) caught_up: bool,
    /// Whether the store has the checkpoint.
    pub(crate) written: bool,
    /// How many commits were folded.
    pub(crate) commits: u64,
    /// The last of each shard that could be read.
    pub(crate) last: BTreeMap<u8, LastFolded>,
}

/// Folds a batch and writes its rows and checkpoint at once; as long as nobody may read the rows they are held back, see
/// [`Unwritten`]. If no row changed, the checkpoint of the store still stands for its rows, and a new one is written only if
/// `due`, or if it says more than how far the log was read.
pub(crate) fn fold(
    view: &dyn View,
    checked: &Checked,
    mut checkpoint: Checkpoint,
    mut unwritten: Unwritten,
    mut expected: Expected,
    batch: Vec<Followed>,
    due: bool,
) -> Result<Folded, FoldError> {
    let before = (checkpoint.complete, checkpoint.skipped);
    let mut last: BTreeMap<u8, (Arc<SharedCommit>, ShardPosition)> = BTreeMap::new();
    let mut folded_last = BTreeMap::new();
    let mut caught_up = false;
    let mut commits = 0;
    for followed in batch {
        match followed {
            Followed::Commit(commit, at) => {
                let shard = commit.stored().shard;
                expected.meet(commit.stored(), at)?;
                if !is_next(&checkpoint, shard, at)? {
                    continue;
                }
                apply(view, checked, (&commit, at), &mut checkpoint, &mut unwritten)?;
                checkpoint.position.advance(shard, at);
                if let Ok(CommitV2 { occurred_at, .. }) = commit.commit() {
                    folded_last
                        .insert(shard, LastFolded { revision: at.revision, occurred_at: *occurred_at });
                }
                last.insert(shard, (commit, at));
                commits += 1;
            }
            Followed::Unreadable { shard, after, at } => {
                expected.pass_over(shard, at);
                if is_next(&checkpoint, shard, at)? {
                    let here = checkpoint.position.0.get(&shard).map_or(0, |here| here.revision);
                    pass_over(view, shard, (after.max(here), at), &mut checkpoint);
                    checkpoint.position.advance(shard, at);
                }
            }
            Followed::CaughtUp(end) => {
                expected.all_met_before(&end)?;
                for (shard, at) in end.0 {
                    if is_next(&checkpoint, shard, at)? {
                        checkpoint.position.advance(shard, at);
                    }
                }
                checkpoint.complete = true;
                caught_up = true;
            }
        }
    }
    for (shard, (commit, at)) in last {
        checkpoint.last.insert(shard, LastCommit { at, hash: hash(commit.stored()) });
    }
    let changed = !unwritten.is_empty() || before != (checkpoint.complete, checkpoint.skipped);
    let are_read = checkpoint.complete;
    let written = due || (changed && (are_read || unwritten.are_due()));
    if written {
        unwritten.write(checked, &mut checkpoint)?;
    } else if unwritten.is_empty() {
        // What was read is of no use to a later batch.
        unwritten.take();
    }
    Ok(Folded { checkpoint, unwritten, expected, caught_up, written, commits, last: folded_last })
}

/// Folds one commit; what cannot be folded is counted, reported and skipped.
fn apply(
    view: &dyn View,
    checked: &Checked,
    (shared, at): (&SharedCommit, ShardPosition),
    checkpoint: &mut Checkpoint,
    unwritten: &mut Unwritten,
) -> Result<(), StoreError> {
    let has_rows = checkpoint.rows != 0;
    let mut overlay = Overlay { checked, has_rows, unwritten, own: Changes::new(), failed: None };
    let applied = match shared.commit() {
        Ok(commit) => {
            checkpoint.occurred_at = commit.occurred_at.0;
            catch_unwind(AssertUnwindSafe(|| view.apply(shared, commit, &mut overlay)))
                .unwrap_or_else(|_panic| Err(ApplyError { reason: "the fold panicked".to_owned() }))
        }
        Err(error) => Err(ApplyError { reason: error.to_string() }),
    };
    let Overlay { own, failed, .. } = overlay;
    if let Some(error) = failed {
        return Err(error);
    }
    match applied {
        Ok(()) => unwritten.extend(own),
        Err(error) => {
            let stored = shared.stored();
            checkpoint.skip(stored.shard, at.incarnation, (at.revision, at.revision));
            tracing::error!(
                view = view.name(), stream = %stored.stream, shard = stored.shard,
                revision = stored.tail.revision, %error,
                "a commit could not be folded into the view and is skipped"
            );
        }
    }
    Ok(())
}

/// Counts and reports what the log could not give, like a commit that cannot be folded. A later commit of the same stream
/// sets its rows right, since it carries the whole state.
fn pass_over(view: &dyn View, shard: u8, (after, up_to): (u64, ShardPosition), checkpoint: &mut Checkpoint) {
    let ShardPosition { incarnation, revision: up_to } = up_to;
    checkpoint.skip(shard, incarnation, (after + 1, up_to));
    tracing::error!(
        view = view.name(),
        shard,
        after,
        up_to,
        "commits that the log cannot give are missing in the view"
    );
}

/// Whether a place in a shard comes after what is folded.
fn is_next(checkpoint: &Checkpoint, shard: u8, at: ShardPosition) -> Result<bool, FoldError> {
    match checkpoint.position.0.get(&shard) {
        Some(here) if here.incarnation != at.incarnation => Err(FoldError::Recreated { shard }),
        Some(here) => Ok(at.revision > here.revision),
        None => Ok(true),
    }
}

/// What a follower remembers of a commit, to know it again.
fn hash(stored: &Stored) -> Hash {
    Hash::over(b"berth.v1.seen", &[stored.stream.subject().as_bytes(), &stored.payload])
}

// === impl Expected ===

impl Expected {
    /// Adds a commit that was seen before.
    pub(crate) fn push(&mut self, shard: u8, commit: LastCommit) {
        let commits = self.0.entry(shard).or_default();
        commits.push(commit);
        commits.sort_by_key(|commit| commit.at.revision);
    }

    /// Whether nothing is to come by any more.
    pub(crate) fn is_met(&self) -> bool {
        self.0.values().all(Vec::is_empty)
    }

    /// What was seen up to a place cannot be given any more: that is damage, which has a name, and not another log.
    fn pass_over(&mut self, shard: u8, at: ShardPosition) {
        if let Some(commits) = self.0.get_mut(&shard) {
            commits.retain(|commit| commit.at.revision > at.revision);
        }
    }

    /// Everything up to this end was read: what should have come by and did not is lost.
    fn all_met_before(&self, end: &Position) -> Result<(), FoldError> {
        for (&shard, at) in &end.0 {
            let missed = |commit: &&LastCommit| {
                commit.at.incarnation == at.incarnation && commit.at.revision <= at.revision
            };
            if let Some(commit) = self.0.get(&shard).and_then(|commits| commits.iter().find(missed)) {
                return Err(FoldError::Regrown { shard, revision: commit.at.revision });
            }
        }
        Ok(())
    }

    /// Compares a commit with those that are expected at or before its place.
    fn meet(&mut self, stored: &Stored, at: ShardPosition) -> Result<(), FoldError> {
        let Some(commits) = self.0.get_mut(&stored.shard) else {
            return Ok(());
        };
        let due = commits.iter().filter(|commit| commit.at.revision <= at.revision).count();
        for commit in commits.drain(..due) {
            if commit.at.incarnation == at.incarnation
                && (commit.at.revision != at.revision || commit.hash != hash(stored))
            {
                return Err(FoldError::Regrown { shard: stored.shard, revision: commit.at.revision });
            }
        }
        Ok(())
    }
}

/// The rows as a fold sees them.
struct Overlay<'a> {
    checked: &'a Checked,
    /// Whether anything is stored: a view that is built anew is asked for many rows before it has any.
    has_rows: bool,
    /// What earlier commits changed that are not written.
    unwritten: &'a mut Unwritten,
    /// What this commit changed.
    own: Changes,
    /// The first failure of the store, kept in case the fold swallows it.
    failed: Option<StoreError>,
}

impl Rows for Overlay<'_> {
    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, ViewError> {
        if let Some(changed) = self.own.get(key).or_else(|| self.unwritten.get(key)) {
            return Ok(changed.clone());
        }
        if !self.has_rows || self.unwritten.is_absent(key) {
            return Ok(None);
        }
        match self.checked.get_with_sum(key) {
            Ok(found) => {
                self.unwritten.was_read(key, found.as_ref().map(|(sum, _)| *sum));
                Ok(found.map(|(_, value)| value))
            }
            Err(error) => {
                let told = ViewError::Store(error.to_string().into());
                self.failed.get_or_insert(error);
                Err(told)
            }
        }
    }

    fn put(&mut self, key: &[u8], value: Vec<u8>) {
        self.own.insert(key.to_vec(), Some(value));
    }

    fn remove(&mut self, key: &[u8]) {
        self.own.insert(key.to_vec(), None);
    }
}
