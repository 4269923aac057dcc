//! What readers that are behind share of the folder.
//!
//! Views that are built anew begin at the same place, and each would read and decode the same commits by itself. So whoever
//! comes to a page first reads it for all who come soon after. Only who is ahead pays for it: those behind catch up with
//! him, and they stay together without that one waits for another.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use berth_proto::Kind;
use tokio::time::Instant;

use super::store::StoreError;
use crate::{local::Page, port::ReadError};

/// Pages that are kept: with four shards the slowest reader may be eight thousand commits behind the fastest in each.
const PAGES_MAX: usize = 64;
/// Bytes of payloads that they keep in memory, on top of the newest page. What is decoded of them comes on top, at most about
/// three times as much.
const PAGES_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long a page is kept for a reader that is behind and stands still, while others go on.
const KEPT_MAX: Duration = Duration::from_secs(5);

/// The pages that were read last, as long as anybody is behind.
#[derive(Debug, Default)]
pub(super) struct Pages {
    newest: Mutex<VecDeque<Kept>>,
    /// Readers that are behind.
    readers: AtomicUsize,
}

/// A reader that is behind, until this is dropped; the last one takes the pages along.
#[derive(Debug)]
pub(super) struct Reading(Arc<Pages>);

impl Drop for Reading {
    fn drop(&mut self) {
        if self.0.readers.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.newest().clear();
        }
    }
}

#[derive(Debug)]
struct Kept {
    shard: u8,
    after: u64,
    since: Instant,
    place: Arc<Place>,
}

/// The place of a page. It is locked on a blocking thread while it is filled, so that nobody waits for a reader that is not
/// polled.
#[derive(Debug, Default)]
struct Place(Mutex<Filled>);

#[derive(Debug, Default)]
struct Filled {
    /// With every kind of commit.
    page: Option<Page>,
    /// Bytes of their payloads.
    bytes: usize,
    /// Whether all of them are decoded.
    decoded: bool,
}

impl Pages {
    /// Counts a reader that is behind.
    pub(super) fn reading(this: &Arc<Self>) -> Reading {
        this.readers.fetch_add(1, Ordering::SeqCst);
        Reading(Arc::clone(this))
    }

    /// What a page of a shard after a revision has of some kinds. It is read by `read`, with every kind, if nobody read it
    /// lately. One that ends before what cannot be given is kept for nobody: it may be given the next time.
    pub(super) async fn page(
        &self,
        (shard, after): (u8, u64),
        kinds: &[Kind],
        read: impl FnOnce() -> Result<Page, StoreError> + Send + 'static,
    ) -> Result<Page, ReadError> {
        let place = self.place(shard, after);
        // Whoever wants every kind copies or hashes commits as they are stored, and looks into none.
        let looks_into = kinds.len() < Kind::ALL.len();
        if let Some(page) = place.ready(kinds, looks_into) {
            return Ok(page);
        }
        let (filled, wanted) = (Arc::clone(&place), kinds.to_vec());
        let page = berth_runtime::spawn_blocking(move || filled.fill(&wanted, looks_into, read))
            .await
            .map_err(|ended| ReadError::Unavailable(Box::new(ended)))??;
        let mut newest = self.newest();
        if page.unreadable.is_some() {
            newest.retain(|kept| !Arc::ptr_eq(&kept.place, &place));
        }
        // Only now it is known how large it is.
        while newest.len() > 1 && newest.iter().map(Kept::bytes).sum::<usize>() > PAGES_BYTES_MAX {
            newest.pop_front();
        }
        drop(newest);
        Ok(page)
    }

    /// How many are kept.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.newest().len()
    }

    /// Lets go of what was read a while ago.
    pub(super) fn forget_old(&self) {
        self.forget(KEPT_MAX);
    }

    fn forget(&self, age: Duration) {
        self.newest().retain(|kept| kept.since.elapsed() < age);
    }

    fn place(&self, shard: u8, after: u64) -> Arc<Place> {
        let mut newest = self.newest();
        if let Some(kept) = newest.iter().find(|kept| (kept.shard, kept.after) == (shard, after)) {
            return Arc::clone(&kept.place);
        }
        while newest.len() >= PAGES_MAX {
            newest.pop_front();
        }
        let place = Arc::<Place>::default();
        newest.push_back(Kept { shard, after, since: Instant::now(), place: Arc::clone(&place) });
        place
    }

    fn newest(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Bytes of payloads in it, once it is filled.
    fn bytes(&self) -> usize {
        self.place.0.try_lock().map_or(0, |filled| filled.bytes)
    }
}

impl Place {
    /// What it has of some kinds, if it is filled and nobody is at it.
    fn ready(&self, kinds: &[Kind], decoded: bool) -> Option<Page> {
        let filled = self.0.try_lock().ok()?;
        filled.page.as_ref().filter(|_| filled.decoded || !decoded).map(|page| page.of_kinds(kinds))
    }

    /// The same, after it was filled; blocking. Commits are decoded as a whole page: readers that did so commit by commit at the
    /// same place would wait for each other at each of them.
    fn fill(
        &self,
        kinds: &[Kind],
        decoded: bool,
        read: impl FnOnce() -> Result<Page, StoreError>,
    ) -> Result<Page, StoreError> {
        let mut filled = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let page = match filled.page.take() {
            Some(page) => page,
            None => read()?,
        };
        filled.bytes = page.commits.iter().map(|commit| commit.stored().payload.len()).sum();
        if decoded && !filled.decoded {
            for commit in &page.commits {
                commit.decode();
            }
            filled.decoded = true;
        }
        let wanted = page.of_kinds(kinds);
        filled.page = Some(page);
        Ok(wanted)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use berth_proto::{InstanceId, StreamKey};
    use futures::future::join_all;

    use super::*;
    use crate::port::{Stored, Tail};

    /// Pages of one commit, and how often one was read.
    #[derive(Default)]
    struct Folder {
        pages: Arc<Pages>,
        reads: Arc<AtomicU64>,
        commit_bytes: usize,
    }

    impl Folder {
        async fn page(&self, after: u64, answer: Result<Option<u64>, ()>) -> Result<Page, ReadError> {
            let (reads, bytes) = (Arc::clone(&self.reads), self.commit_bytes);
            let read = move || {
                reads.fetch_add(1, Ordering::SeqCst);
                let unreadable = answer.map_err(|()| StoreError::Closed)?;
                let mut page = Page { commits: Vec::new(), unreadable, reached: after };
                if unreadable.is_none() {
                    let stream = StreamKey::instance(InstanceId::from_bytes([1; 16]));
                    let tail = Tail { version: 1, revision: after + 1 };
                    page.take(
                        Stored { stream, tail, shard: 0, payload: vec![1; bytes].into(), forged: false },
                        &Kind::ALL,
                    );
                }
                Ok::<_, StoreError>(page)
            };
            self.pages.page((0, after), &Kind::ALL, read).await
        }

        fn reads(&self) -> u64 {
            self.reads.load(Ordering::SeqCst)
        }
    }

    #[tokio::test]
    async fn readers_at_the_same_place_share_a_page_and_its_commits() {
        let folder = Folder::default();
        let pages = join_all((0..4).map(|_| folder.page(7, Ok(None)))).await;
        let later = folder.page(7, Ok(None)).await.unwrap();
        assert_eq!(folder.reads(), 1);
        for page in pages {
            assert!(Arc::ptr_eq(&page.unwrap().commits[0], &later.commits[0]));
        }
        let unread = || -> Result<Page, StoreError> { unreachable!("it was read") };
        let none = folder.pages.page((0, 7), &[Kind::Account], unread).await.unwrap();
        assert_eq!((none.commits.len(), none.reached), (0, 8), "other kinds are passed over");
    }

    #[tokio::test]
    async fn a_reader_that_is_not_polled_holds_nobody_up() {
        let folder = Folder::default();
        let (go_on, wait) = std::sync::mpsc::channel::<()>();
        let slow = move || {
            let _told = wait.recv();
            Ok::<_, StoreError>(Page { commits: Vec::new(), unreadable: None, reached: 8 })
        };
        let mut first = Box::pin(folder.pages.page((0, 7), &Kind::ALL, slow));
        assert!(futures::poll!(&mut first).is_pending(), "it is being read");
        drop(go_on);
        assert_eq!(folder.page(7, Ok(None)).await.unwrap().reached, 8);
        assert_eq!(first.await.unwrap().reached, 8);
    }

    #[tokio::test]
    async fn what_could_not_be_read_is_asked_for_again() {
        let folder = Folder::default();
        assert!(folder.page(7, Err(())).await.is_err());
        assert!(folder.page(7, Ok(Some(7))).await.unwrap().unreadable.is_some());
        assert!(folder.page(7, Ok(None)).await.unwrap().unreadable.is_none());
        assert_eq!(folder.reads(), 3);
    }

    #[tokio::test]
    async fn pages_go_with_the_last_reader_that_is_behind() {
        let folder = Folder::default();
        let (first, second) = (Pages::reading(&folder.pages), Pages::reading(&folder.pages));
        for after in 0..3 {
            folder.page(after, Ok(None)).await.unwrap();
        }
        drop(first);
        assert_eq!(folder.pages.newest().len(), 3);
        drop(second);
        assert_eq!(folder.pages.newest().len(), 0);
    }

    #[tokio::test]
    async fn what_is_kept_is_bounded_and_goes_with_time() {
        let folder = Folder::default();
        for after in 0..=PAGES_MAX as u64 {
            folder.page(after, Ok(None)).await.unwrap();
        }
        assert_eq!(folder.pages.newest().len(), PAGES_MAX);
        folder.page(0, Ok(None)).await.unwrap();
        assert_eq!(folder.reads(), PAGES_MAX as u64 + 2, "the first one had made room");
        let large = Folder { commit_bytes: PAGES_BYTES_MAX / 2, ..Folder::default() };
        for after in 0..9 {
            large.page(after, Ok(None)).await.unwrap();
        }
        assert_eq!(large.pages.newest().len(), 2);
        let huge = Folder { commit_bytes: PAGES_BYTES_MAX + 1, ..Folder::default() };
        for after in 0..2 {
            huge.page(after, Ok(None)).await.unwrap();
        }
        assert_eq!(huge.pages.newest().len(), 1, "one is kept however large");
        folder.pages.forget(Duration::MAX);
        assert_eq!(folder.pages.newest().len(), PAGES_MAX);
        folder.pages.forget(Duration::ZERO);
        assert_eq!(folder.pages.newest().len(), 0);
    }
}
