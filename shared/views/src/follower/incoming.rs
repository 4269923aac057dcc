//! What a follower takes from the log: batch by batch, and at last that it ended.

use berth_log::{Batch, Batches, FollowError, Followed, LogRead};
use futures::{
    StreamExt,
    stream::{BoxStream, once},
};
use tokio::time::{Instant, sleep_until};

use super::COMMITS_PER_BATCH_MAX;
use crate::{checked::Checkpoint, ended::Ended, fold::Expected, high_water::Marks, port::View, seen};

/// See the module.
pub(super) struct Incoming {
    batches: BoxStream<'static, Batch>,
    /// What was read while the batch before it was folded.
    ahead: Option<Batch>,
    /// Until when the next batch waits, so that more commits share it.
    pub(super) rest_until: Option<Instant>,
    /// Commits that must still come by.
    pub(super) expected: Expected,
    /// Whether the end of the log was reached once.
    pub(super) caught_up: bool,
}

impl Incoming {
    /// Begins behind what a view has folded.
    pub(super) async fn begin(
        log: &dyn LogRead,
        view: &dyn View,
        checkpoint: &Checkpoint,
        marks: &Marks,
    ) -> Result<Self, Ended> {
        let (from, expected) = seen::from(checkpoint, marks);
        let follow = log.follow(view.name(), view.kinds(), from).await?;
        let ended = async { vec![Err(FollowError::Unavailable("the log stopped sending".into()))] };
        let batches = Batches::new(follow, COMMITS_PER_BATCH_MAX).chain(once(ended)).boxed();
        Ok(Self { batches, ahead: None, rest_until: None, expected, caught_up: false })
    }

    /// The next batch, when it is time for it; none behind the one that said why there is none. It may be dropped at any moment.
    pub(super) async fn next(&mut self) -> Option<Batch> {
        if let Some(until) = self.rest_until {
            sleep_until(until).await;
            self.rest_until = None;
        }
        match self.ahead.take() {
            Some(batch) => Some(batch),
            None => self.batches.next().await,
        }
    }

    /// Whether a batch can be read while another one is folded.
    pub(super) const fn has_room(&self) -> bool {
        self.ahead.is_none()
    }

    /// Reads the next batch, and keeps it.
    pub(super) async fn read_ahead(&mut self) {
        self.ahead = self.batches.next().await;
    }
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
