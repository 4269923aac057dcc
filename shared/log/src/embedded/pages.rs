//! What readers that are behind share of the folder.
//!
//! Views that are built anew begin at the same place, and each would read and decode the same commits by itself. So whoever
//! comes to a page first reads it for all who come soon after. Only who is ahead pays for it: those behind catch up with
//! him, and they stay together without that one waits for another.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use berth_proto::Kind;
use tokio::{sync::OnceCell, time::Instant};

use crate::{local::Page, port::ReadError, shared::SharedCommit};

/// Pages that are kept: with four shards the slowest reader may be two thousand commits behind the fastest in each.
const PAGES_MAX: usize = 16;
/// Bytes of payloads that they keep in memory, on top of one page. What is decoded of them comes on top, at most about three
/// times as much.
const PAGES_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long a page is kept once nobody reads the folder any more.
const KEPT_MAX: Duration = Duration::from_secs(5);

/// The pages that were read last.
#[derive(Debug, Default)]
pub(super) struct Pages {
    newest: Mutex<VecDeque<Kept>>,
}

#[derive(Debug)]
struct Kept {
    shard: u8,
    after: u64,
    since: Instant,
    place: Arc<Place>,
}

/// The place of a page: whoever comes while it is filled waits for that.
#[derive(Debug, Default)]
struct Place {
    /// With every kind of commit.
    page: OnceCell<Page>,
    /// Set once all of them are decoded.
    decoded: OnceCell<()>,
}

impl Pages {
    /// What a page of a shard after a revision has of some kinds. It is read by `read`, with every kind, if nobody read it
    /// lately. One that ends before what cannot be given is kept for nobody: it may be given the next time.
    pub(super) async fn page<F>(
        &self,
        (shard, after): (u8, u64),
        kinds: &[Kind],
        read: impl FnOnce() -> F,
    ) -> Result<Page, ReadError>
    where
        F: Future<Output = Result<Page, ReadError>>,
    {
        let place = self.place(shard, after);
        let page = place.page.get_or_try_init(read).await?;
        if page.unreadable.is_some() {
            self.newest().retain(|kept| !Arc::ptr_eq(&kept.place, &place));
        }
        // Whoever wants every kind copies or hashes commits as they are stored, and looks into none.
        if kinds.len() < Kind::ALL.len() {
            place.decoded.get_or_try_init(|| decode(page.commits.clone())).await?;
        }
        Ok(page.of_kinds(kinds))
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
        while newest.len() >= PAGES_MAX || newest.iter().map(Kept::bytes).sum::<usize>() > PAGES_BYTES_MAX {
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
    /// Bytes of payloads in it, once it is read.
    fn bytes(&self) -> usize {
        let commits = self.place.page.get().map(|page| page.commits.as_slice()).unwrap_or_default();
        commits.iter().map(|commit| commit.stored().payload.len()).sum()
    }
}

/// Decodes commits at once and off the asynchronous threads: several readers that did so commit by commit at the same place
/// would wait for each other at each of them.
async fn decode(commits: Vec<Arc<SharedCommit>>) -> Result<(), ReadError> {
    let decoding = berth_runtime::spawn_blocking(move || commits.iter().for_each(|commit| commit.decode()));
    decoding.await.map_err(|ended| ReadError::Unavailable(Box::new(ended)))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use berth_proto::{InstanceId, StreamKey};
    use futures::future::join_all;

    use super::*;
    use crate::port::{Stored, Tail};

    /// Pages of one commit, and how often one was read.
    #[derive(Default)]
    struct Folder {
        pages: Pages,
        reads: AtomicU64,
        commit_bytes: usize,
    }

    impl Folder {
        async fn page(&self, after: u64, answer: Result<Option<u64>, ()>) -> Result<Page, ReadError> {
            let read = async || -> Result<Page, ReadError> {
                self.reads.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                let unreadable = answer.map_err(|()| ReadError::Unavailable("away".into()))?;
                let mut page = Page { commits: Vec::new(), unreadable, reached: after };
                if unreadable.is_none() {
                    let stream = StreamKey::instance(InstanceId::from_bytes([1; 16]));
                    let tail = Tail { version: 1, revision: after + 1 };
                    page.take(
                        Stored { stream, tail, shard: 0, payload: vec![1; self.commit_bytes].into() },
                        &Kind::ALL,
                    );
                }
                Ok(page)
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
        let unread = async || -> Result<Page, ReadError> { unreachable!("it was read") };
        let none = folder.pages.page((0, 7), &[Kind::Account], unread).await.unwrap();
        assert_eq!((none.commits.len(), none.reached), (0, 8), "other kinds are passed over");
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
        assert_eq!(large.pages.newest().len(), 3);
        folder.pages.forget(Duration::MAX);
        assert_eq!(folder.pages.newest().len(), PAGES_MAX);
        folder.pages.forget(Duration::ZERO);
        assert_eq!(folder.pages.newest().len(), 0);
    }
}
