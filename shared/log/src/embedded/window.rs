//! The newest commits in memory: the writer hands its batches over here, and followers that keep up read nothing
//! from the disk.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use berth_proto::Kind;

use crate::{
    local::{FOLLOW_PAGE_BYTES_MAX, FOLLOW_PAGE_COMMITS_MAX, Page},
    port::Stored,
};

/// Bytes of payloads that all shards together keep in memory, on top of one batch.
const WINDOW_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Commits that all shards together keep in memory, on top of one batch.
const WINDOW_COMMITS_MAX: usize = 16 * 1024;

/// The newest durable commits, in the order in which they were stored; revisions of a shard have no gap.
#[derive(Debug, Default)]
pub(super) struct Window {
    newest: Mutex<Newest>,
}

#[derive(Debug, Default)]
struct Newest {
    /// Commits of each shard; the index is the shard.
    shards: Vec<VecDeque<Stored>>,
    /// Shards of the commits, oldest first.
    order: VecDeque<u8>,
    bytes: usize,
}

impl Window {
    fn newest(&self) -> MutexGuard<'_, Newest> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes commits that are durable now.
    pub(super) fn push(&self, commits: impl IntoIterator<Item = Stored>) {
        let mut newest = self.newest();
        for stored in commits {
            newest.push(stored);
        }
        newest.shrink();
    }

    /// Forgets everything: after a failure the disk is asked.
    pub(super) fn clear(&self) {
        *self.newest() = Newest::default();
    }

    /// The next page of a shard if the commit after `after` is still here.
    pub(super) fn page(&self, shard: u8, (after, up_to): (u64, u64), kinds: &[Kind]) -> Option<Page> {
        let newest = self.newest();
        let commits = newest.shards.get(usize::from(shard))?;
        let first = commits.front()?.tail.revision;
        let skipped = usize::try_from(after.checked_add(1)?.checked_sub(first)?).ok()?;
        let mut page = Page { commits: Vec::new(), reached: after };
        let mut bytes = 0;
        let wanted = commits.iter().skip(skipped).take_while(|stored| stored.tail.revision <= up_to);
        for stored in wanted.take(FOLLOW_PAGE_COMMITS_MAX) {
            page.reached = stored.tail.revision;
            if kinds.contains(&stored.stream.kind()) {
                bytes += stored.payload.len();
                page.commits.push(stored.clone());
            }
            if bytes >= FOLLOW_PAGE_BYTES_MAX {
                break;
            }
        }
        (page.reached > after).then_some(page)
    }
}

impl Newest {
    fn push(&mut self, stored: Stored) {
        let shard = usize::from(stored.shard);
        if self.shards.len() <= shard {
            self.shards.resize_with(shard + 1, VecDeque::new);
        }
        self.bytes += stored.payload.len();
        self.order.push_back(stored.shard);
        if let Some(commits) = self.shards.get_mut(shard) {
            commits.push_back(stored);
        }
    }

    fn shrink(&mut self) {
        while self.bytes > WINDOW_BYTES_MAX || self.order.len() > WINDOW_COMMITS_MAX {
            let oldest = self.order.pop_front().and_then(|shard| self.shards.get_mut(usize::from(shard)));
            let Some(stored) = oldest.and_then(VecDeque::pop_front) else { return };
            self.bytes -= stored.payload.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use berth_proto::{InstanceId, StreamKey};

    use super::*;
    use crate::port::Tail;

    fn stored(shard: u8, revision: u64, bytes: usize) -> Stored {
        let stream = StreamKey::instance(InstanceId::from_bytes([shard; 16]));
        Stored { stream, tail: Tail { version: revision, revision }, shard, payload: vec![0; bytes].into() }
    }

    fn revisions(window: &Window, shard: u8, after: u64, up_to: u64) -> Option<Vec<u64>> {
        let page = window.page(shard, (after, up_to), &Kind::ALL)?;
        Some(page.commits.iter().map(|stored| stored.tail.revision).collect())
    }

    #[test]
    fn a_reader_that_keeps_up_is_served_and_one_that_fell_behind_is_not() {
        let window = Window::default();
        assert_eq!(revisions(&window, 0, 0, 9), None);
        window.push([stored(0, 5, 1), stored(1, 8, 1), stored(0, 6, 1)]);
        assert_eq!(revisions(&window, 0, 4, 9), Some(vec![5, 6]));
        assert_eq!(revisions(&window, 0, 4, 5), Some(vec![5]));
        assert_eq!(revisions(&window, 0, 5, 9), Some(vec![6]));
        assert_eq!(revisions(&window, 1, 7, 9), Some(vec![8]));
        assert_eq!(revisions(&window, 0, 3, 9), None, "4 is on the disk only");
        assert_eq!(revisions(&window, 0, 6, 9), None);
        assert_eq!(revisions(&window, 2, 0, 9), None);
        window.clear();
        assert_eq!(revisions(&window, 0, 4, 9), None);
    }

    #[test]
    fn what_it_keeps_is_bounded() {
        let window = Window::default();
        let half = WINDOW_BYTES_MAX / 2;
        window.push([stored(0, 1, half), stored(1, 1, half), stored(0, 2, half)]);
        assert_eq!(revisions(&window, 0, 0, 9), None);
        assert_eq!(revisions(&window, 0, 1, 9), Some(vec![2]));
        assert_eq!(revisions(&window, 1, 0, 9), Some(vec![1]));
        let many = WINDOW_COMMITS_MAX as u64;
        window.push((1..=many).map(|revision| stored(2, revision, 0)));
        assert_eq!(window.newest().order.len(), WINDOW_COMMITS_MAX);
    }
}
