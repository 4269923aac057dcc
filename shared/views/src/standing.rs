//! What the rows of a follower stand for, and how much of it the store has.

use std::time::Duration;

use tokio::time::Instant;

use crate::{checked::Checkpoint, unwritten::Unwritten};

/// How often a checkpoint is written that changed without a row: what a start after a crash folds again.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub(crate) struct Standing {
    /// What the rows stand for, with those that are held back.
    pub(crate) checkpoint: Checkpoint,
    /// The rows that are held back: none, once they are read.
    unwritten: Unwritten,
    /// The checkpoint that the store has, as long as rows are held back.
    written: Checkpoint,
    /// Since when the store has another checkpoint than this, if it has.
    behind_since: Option<Instant>,
}

impl Standing {
    /// That of a store which has this checkpoint; at most so many bytes of rows are held back, on top of one batch.
    pub(crate) fn of(checkpoint: Checkpoint, held_bytes: usize) -> Self {
        Self {
            written: checkpoint.clone(),
            checkpoint,
            unwritten: Unwritten::within(held_bytes),
            behind_since: None,
        }
    }

    /// The store has this checkpoint, and nothing is held back.
    pub(crate) fn reset(&mut self, checkpoint: Checkpoint) {
        (self.checkpoint, self.written) = (checkpoint.clone(), checkpoint);
        self.unwritten.take();
        self.behind_since = None;
    }

    /// What the rows of the store stand for.
    pub(crate) fn readable(&self) -> &Checkpoint {
        if self.unwritten.is_empty() { &self.checkpoint } else { &self.written }
    }

    /// What a batch is folded onto, and whether its checkpoint is to be written whatever comes of it.
    pub(crate) fn begin(&mut self) -> (Checkpoint, Unwritten, bool) {
        let unwritten = self.unwritten.take();
        let is_behind = |since: Instant| unwritten.is_empty() && since.elapsed() >= CHECKPOINT_EVERY;
        let due = self.behind_since.is_some_and(is_behind);
        (self.checkpoint.clone(), unwritten, due)
    }

    /// Takes over what came of the batch.
    pub(crate) fn advance(&mut self, checkpoint: Checkpoint, unwritten: Unwritten, written: bool) {
        (self.checkpoint, self.unwritten) = (checkpoint, unwritten);
        if written {
            (self.written, self.behind_since) = (self.checkpoint.clone(), None);
        } else {
            self.behind_since.get_or_insert_with(Instant::now);
        }
    }

    /// The batch was not folded: what was held back is gone with it, and is folded again.
    pub(crate) fn fall_back(&mut self) {
        if !self.checkpoint.complete {
            self.reset(self.written.clone());
        }
    }

    /// Takes what is to be written before the process ends, if anything is, and the checkpoint that it brings about.
    pub(crate) fn take_rest(&mut self) -> Option<(Checkpoint, Unwritten)> {
        self.behind_since.take().map(|_| (self.checkpoint.clone(), self.unwritten.take()))
    }
}
