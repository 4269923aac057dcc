//! The newest commits in memory: whoever stores or receives them hands them over here, and followers that keep up
//! read and decode nothing by themselves.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use berth_proto::Kind;

use crate::{
    local::{FOLLOW_PAGE_BYTES_MAX, FOLLOW_PAGE_COMMITS_MAX, Page},
    port::Position,
    shared::SharedCommit,
};

/// Bytes of payloads that all shards together keep in memory, on top of one batch. What followers decoded of them
/// comes on top, at most about three times as much.
const WINDOW_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Commits that all shards together keep in memory, on top of one batch.
const WINDOW_COMMITS_MAX: usize = 8 * 1024;

/// The newest commits of each shard, without a gap.
#[derive(Debug, Default)]
pub(crate) struct Window {
    newest: Mutex<Newest>,
}

#[derive(Debug, Default)]
struct Newest {
    shards: BTreeMap<u8, ShardWindow>,
    /// Shards of the commits, oldest first.
    order: VecDeque<u8>,
    bytes: usize,
}

/// Every commit of a shard after one revision and up to another.
#[derive(Debug)]
struct ShardWindow {
    after: u64,
    up_to: u64,
    commits: VecDeque<Arc<SharedCommit>>,
}

impl Window {
    fn newest(&self) -> MutexGuard<'_, Newest> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes commits, in the order of their shards.
    pub(crate) fn push(&self, commits: impl IntoIterator<Item = Arc<SharedCommit>>) {
        let mut newest = self.newest();
        for commit in commits {
            newest.push(commit);
        }
        newest.shrink();
    }

    /// Notes that nothing else lies up to a position.
    pub(crate) fn reach(&self, position: &Position) {
        let mut newest = self.newest();
        for (&shard, at) in &position.0 {
            let window = newest.shards.entry(shard).or_insert_with(|| ShardWindow::after(at.revision));
            window.up_to = window.up_to.max(at.revision);
        }
    }

    /// Begins a shard anew behind a place that cannot be given: whoever is before it asks the log, and is told so.
    pub(crate) fn pass_over(&self, shard: u8, revision: u64) {
        let mut newest = self.newest();
        let newest = &mut *newest;
        if let Some(window) = newest.shards.insert(shard, ShardWindow::after(revision)) {
            newest.order.retain(|of| *of != shard);
            newest.bytes -= window.commits.iter().map(|one| one.stored().payload.len()).sum::<usize>();
        }
    }

    /// Forgets everything: after a failure the log is asked.
    pub(crate) fn clear(&self) {
        *self.newest() = Newest::default();
    }

    /// Whether all that comes after a revision of a shard is here.
    pub(crate) fn covers(&self, shard: u8, revision: u64) -> bool {
        self.newest().shards.get(&shard).is_some_and(|window| window.after <= revision)
    }

    /// The next page of a shard if all that comes after `after` is still here.
    pub(crate) fn page(&self, shard: u8, (after, up_to): (u64, u64), kinds: &[Kind]) -> Option<Page> {
        let newest = self.newest();
        let window = newest.shards.get(&shard).filter(|window| window.after <= after)?;
        let first = window.commits.partition_point(|commit| commit.stored().tail.revision <= after);
        let (mut commits, mut bytes, mut looked_at) = (Vec::new(), 0, 0);
        let mut reached = window.up_to.min(up_to);
        for commit in window.commits.range(first..) {
            let stored = commit.stored();
            if stored.tail.revision > reached {
                break;
            }
            if kinds.contains(&stored.stream.kind()) {
                bytes += stored.payload.len();
                commits.push(Arc::clone(commit));
            }
            looked_at += 1;
            if looked_at == FOLLOW_PAGE_COMMITS_MAX || bytes >= FOLLOW_PAGE_BYTES_MAX {
                reached = stored.tail.revision;
                break;
            }
        }
        (reached > after).then_some(Page { commits, unreadable: None, reached })
    }
}

impl ShardWindow {
    const fn after(revision: u64) -> Self {
        Self { after: revision, up_to: revision, commits: VecDeque::new() }
    }
}

impl Newest {
    fn push(&mut self, commit: Arc<SharedCommit>) {
        let stored = commit.stored();
        let revision = stored.tail.revision;
        let before = || ShardWindow::after(revision.saturating_sub(1));
        self.bytes += stored.payload.len();
        self.order.push_back(stored.shard);
        let window = self.shards.entry(stored.shard).or_insert_with(before);
        window.up_to = window.up_to.max(revision);
        window.commits.push_back(commit);
    }

    fn shrink(&mut self) {
        while self.bytes > WINDOW_BYTES_MAX || self.order.len() > WINDOW_COMMITS_MAX {
            let oldest = self.order.pop_front().and_then(|shard| self.shards.get_mut(&shard));
            let Some(window) = oldest else { return };
            let Some(commit) = window.commits.pop_front() else { return };
            let stored = commit.stored();
            window.after = stored.tail.revision;
            self.bytes -= stored.payload.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use berth_proto::{InstanceId, StreamKey};

    use super::*;
    use crate::port::{ShardPosition, Stored, Tail};

    fn stored(shard: u8, revision: u64, bytes: usize) -> Arc<SharedCommit> {
        let stream = StreamKey::instance(InstanceId::from_bytes([shard; 16]));
        let tail = Tail { version: revision, revision };
        Arc::new(Stored { stream, tail, shard, payload: vec![0; bytes].into(), forged: false }.into())
    }

    fn revisions(window: &Window, shard: u8, after: u64, up_to: u64) -> Option<Vec<u64>> {
        let page = window.page(shard, (after, up_to), &Kind::ALL)?;
        Some(page.commits.iter().map(|commit| commit.stored().tail.revision).collect())
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
    fn what_lies_between_commits_is_known_to_be_nothing() {
        let window = Window::default();
        let reach =
            |revision| window.reach(&Position([(0, ShardPosition { incarnation: 1, revision })].into()));
        reach(10);
        assert!(
            window.covers(0, 10) && window.covers(0, 11) && !window.covers(0, 9) && !window.covers(1, 10)
        );
        window.push([stored(0, 14, 1)]);
        reach(20);
        let page = window.page(0, (10, 30), &Kind::ALL).unwrap();
        assert_eq!((page.commits.len(), page.reached), (1, 20));
        let page = window.page(0, (10, 30), &[Kind::Account]).unwrap();
        assert_eq!((page.commits.len(), page.reached), (0, 20), "other kinds are passed over");
        assert!(window.page(0, (20, 30), &Kind::ALL).is_none());
    }

    #[test]
    fn who_is_before_a_place_that_cannot_be_given_is_not_served() {
        let window = Window::default();
        window.push([stored(0, 1, 1), stored(1, 1, 1), stored(0, 2, 1)]);
        window.pass_over(0, 4);
        window.push([stored(0, 5, 1)]);
        assert_eq!(revisions(&window, 0, 2, 9), None);
        assert_eq!(revisions(&window, 0, 4, 9), Some(vec![5]));
        assert_eq!(revisions(&window, 1, 0, 9), Some(vec![1]), "other shards stay");
        let newest = window.newest();
        assert_eq!((newest.order.len(), newest.bytes), (2, 2));
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
