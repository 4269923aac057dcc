//! What a notice costs the log: the permission, its own commit where that is not the last one any more, and its settlement.

mod common;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use berth_log::{
    AppendError, Appended, EventLog, Expected, LogRead as _, NewCommit, Position, ReadError, Stored, Tail,
    memory::MemoryLog,
};
use berth_proto::StreamKey;
use berth_test_support::{Doubled, LogDouble};
use common::{Receiver, World, quick};

/// Logouts, each of which is told, and so is the link after it: that it is linked, and that it is open.
const LOGOUTS: usize = 10;
const NOTICES_OF_EACH: usize = 3;

/// A log that counts what it is asked for.
#[derive(Debug)]
struct Counting {
    inner: MemoryLog,
    requests: AtomicUsize,
    /// Those that an engine which knows no versions has to search for.
    searches: AtomicUsize,
}

impl Counting {
    fn count(&self) {
        self.requests.fetch_add(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl LogDouble for Counting {
    fn beneath(&self) -> &dyn EventLog {
        &self.inner
    }

    async fn tail(&self, stream: &StreamKey) -> Result<Option<Stored>, ReadError> {
        self.count();
        self.inner.tail(stream).await
    }

    async fn read(&self, stream: &StreamKey, after: u64, limit: usize) -> Result<Vec<Stored>, ReadError> {
        self.count();
        self.searches.fetch_add(1, Ordering::SeqCst);
        self.inner.read(stream, after, limit).await
    }

    async fn read_at(&self, stream: &StreamKey, at: Tail) -> Result<Option<Stored>, ReadError> {
        self.count();
        let found = self.inner.read_at(stream, at).await?;
        assert!(found.as_ref().is_none_or(|found| found.tail == at), "it stands where the outbox met it");
        Ok(found)
    }

    async fn end(&self) -> Result<Position, ReadError> {
        self.count();
        self.inner.end().await
    }

    async fn append(&self, commit: NewCommit, expected: Expected) -> Result<Appended, AppendError> {
        self.count();
        self.inner.append(commit, expected).await
    }
}

#[tokio::test]
async fn a_notice_takes_three_requests_at_most_and_none_that_searches() {
    let (inner, receiver) = (MemoryLog::new(4), Receiver::start().await);
    let counting = Arc::new(Doubled(Counting {
        inner: inner.clone(),
        requests: 0.into(),
        searches: AtomicUsize::new(0),
    }));
    let world = World::with_log(Arc::new(inner)).await;
    let mut dispatching = world.beside().await;
    dispatching.log = counting.clone();
    let _replica = dispatching.replica("a", quick()).await;
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    // Where the endpoint leads is found out, and the partition taken over.
    world.link().await;
    world.settled(2).await;
    let mut told = 2;
    counting.requests.store(0, Ordering::SeqCst);
    for _ in 0..LOGOUTS {
        world.logout().await;
        // What is told of the logout is not the last commit any more, perhaps.
        world.connect().await;
        world.settled(told + 1).await;
        world.linked().await;
        world.settled(told + 2).await;
        world.open().await;
        told += NOTICES_OF_EACH;
        world.settled(told).await;
    }
    let (requests, notices) = (counting.requests.load(Ordering::SeqCst), LOGOUTS * NOTICES_OF_EACH);
    assert_eq!(receiver.hits().len(), told);
    assert!(requests <= 3 * notices, "{requests} requests for {notices} notices");
    assert_eq!(counting.searches.load(Ordering::SeqCst), 0);
}
