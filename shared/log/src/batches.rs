//! What a follower meets, in batches: as much as is there, within bounds of number and bytes.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures::{Stream, StreamExt as _, stream::Fuse};

use crate::port::{Follow, FollowError, Followed};

/// Bytes of payloads after which a batch ends: a commit may have 256 KiB, and a thousand of them would be all the memory of a
/// small machine. What is decoded of them comes on top, at most about three times as much.
pub const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What a follower met, in its order; nothing comes after an error.
pub type Batch = Vec<Result<Followed, FollowError>>;

/// The batches of a follower. None is empty, and none waits for more than is there.
pub struct Batches {
    follow: Fuse<Follow>,
    commits_max: usize,
    bytes_max: usize,
}

impl Batches {
    /// Batches of so many commits at most, and of [`BATCH_BYTES_MAX`] on top of one commit.
    pub fn new(follow: Follow, commits_max: usize) -> Self {
        Self { follow: follow.fuse(), commits_max, bytes_max: BATCH_BYTES_MAX }
    }

    /// The same of so many bytes, on top of one commit.
    #[must_use]
    pub fn within_bytes(self, bytes_max: usize) -> Self {
        Self { bytes_max, ..self }
    }
}

impl fmt::Debug for Batches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches").field("commits_max", &self.commits_max).finish_non_exhaustive()
    }
}

impl Stream for Batches {
    type Item = Batch;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Batch>> {
        let (mut batch, mut bytes) = (Batch::new(), 0);
        while batch.len() < self.commits_max && bytes < self.bytes_max {
            match self.follow.poll_next_unpin(cx) {
                Poll::Ready(Some(met)) => {
                    bytes += bytes_of(&met);
                    batch.push(met);
                }
                Poll::Pending if batch.is_empty() => return Poll::Pending,
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        Poll::Ready((!batch.is_empty()).then_some(batch))
    }
}

/// Whether a batch has so many commits, or ended by its bytes: more are waiting then.
pub fn is_large(batch: &[Result<Followed, FollowError>], commits: usize) -> bool {
    batch.len() >= commits || batch.iter().map(bytes_of).sum::<usize>() >= BATCH_BYTES_MAX
}

fn bytes_of(met: &Result<Followed, FollowError>) -> usize {
    match met {
        Ok(Followed::Commit(commit, _)) => commit.stored().payload.len(),
        Ok(Followed::Unreadable { .. } | Followed::CaughtUp(_)) | Err(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use berth_proto::{InstanceId, StreamKey};
    use futures::{FutureExt as _, channel::mpsc};

    use super::*;
    use crate::port::{Position, ShardPosition, Stored, Tail};

    #[expect(clippy::unnecessary_wraps, reason = "as a log gives it")]
    fn commit(revision: u64, bytes: usize) -> Result<Followed, FollowError> {
        let stream = StreamKey::instance(InstanceId::from_bytes([1; 16]));
        let tail = Tail { version: revision, revision };
        let stored = Stored { stream, tail, shard: 0, payload: vec![0; bytes].into(), forged: false };
        Ok(Followed::Commit(Arc::new(stored.into()), ShardPosition { incarnation: 1, revision }))
    }

    #[test]
    fn a_batch_ends_with_what_is_there_with_its_number_and_with_its_bytes() {
        let (log, follow) = mpsc::unbounded();
        let mut batches = Batches::new(Box::pin(follow), 3).within_bytes(100);
        let mut next = || batches.next().now_or_never().map(|batch| batch.map(|batch| batch.len()));
        assert_eq!(next(), None, "nothing is there");
        for revision in 1..=4 {
            log.unbounded_send(commit(revision, 1)).unwrap();
        }
        assert_eq!((next(), next(), next()), (Some(Some(3)), Some(Some(1)), None));
        for (revision, bytes) in [(5, 60), (6, 60), (7, 1)] {
            log.unbounded_send(commit(revision, bytes)).unwrap();
        }
        log.unbounded_send(Ok(Followed::CaughtUp(Position::default()))).unwrap();
        assert_eq!((next(), next()), (Some(Some(2)), Some(Some(2))), "the second is over the bytes");
        log.unbounded_send(commit(8, 500)).unwrap();
        assert_eq!(next(), Some(Some(1)), "one commit is a batch, however large");
        assert!(is_large(&[commit(1, BATCH_BYTES_MAX)], 2) && is_large(&[commit(1, 1), commit(2, 1)], 2));
        assert!(!is_large(&[commit(1, 1)], 2));
        log.unbounded_send(commit(9, 1)).unwrap();
        drop(log);
        assert_eq!((next(), next(), next()), (Some(Some(1)), Some(None), Some(None)), "and that is all");
    }
}
