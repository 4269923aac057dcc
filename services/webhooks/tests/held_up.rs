//! A disconnection is held up by nothing: not by an attempt that outlives the logout, not by a log that was away.

mod common;

use std::sync::Arc;

use async_trait::async_trait;
use berth_log::{EventLog, LogRead as _, ReadError, Stored, memory::MemoryLog};
use berth_proto::{Kind, StreamKey, delivery::SettlementV1};
use berth_test_support::{Doubled, LogDouble};
use common::{DEADLINE, Receiver, World, slow};
use tokio::sync::watch;

/// A log whose instances cannot be read while it is away; what is appended is still followed.
#[derive(Debug)]
struct Shaky {
    inner: Arc<MemoryLog>,
    away: watch::Sender<bool>,
    /// Reads that failed.
    failed: watch::Sender<u32>,
}

#[async_trait]
impl LogDouble for Shaky {
    fn beneath(&self) -> &dyn EventLog {
        &*self.inner
    }

    async fn tail(&self, stream: &StreamKey) -> Result<Option<Stored>, ReadError> {
        if *self.away.borrow() && stream.kind() == Kind::Instance {
            self.failed.send_modify(|failed| *failed += 1);
            return Err(ReadError::Unavailable("away".into()));
        }
        self.inner.tail(stream).await
    }
}

#[tokio::test]
async fn a_logout_while_an_attempt_hangs_is_told_as_soon_as_that_fails() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replicas = (world.replica("a", slow()).await, world.replica("b", slow()).await);
    receiver.hold(true);
    receiver.answer_once(503, &[("retry-after", "3600")]);
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.link().await;
    receiver.received(1).await;
    world.logout().await;
    // What waits behind the attempt is cancelled: the commit was looked at while the attempt was under way.
    assert_eq!(world.settled(1).await, [SettlementV1::CancelledByLogout]);
    receiver.hold(false);
    receiver.received(2).await;
    assert_eq!(receiver.words(), ["instance.linked", "instance.logged_out"]);
    let outcomes = world.settled(3).await;
    assert_eq!(outcomes[1..], [SettlementV1::CancelledByLogout, SettlementV1::Delivered]);
}

#[tokio::test]
async fn a_logout_that_cannot_be_read_is_told_when_the_log_is_back() {
    let inner = Arc::new(MemoryLog::new(4));
    let (away, failed) = (watch::Sender::new(false), watch::Sender::new(0));
    let log = Arc::new(Doubled(Shaky { inner: inner.clone(), away, failed }));
    let (mut world, receiver) = (World::with_log(log.clone()).await, Receiver::start().await);
    let _replicas = (world.replica("a", slow()).await, world.replica("b", slow()).await);
    world.log = inner;
    receiver.answer_once(500, &[]);
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.link().await;
    receiver.received(1).await;
    log.away.send_replace(true);
    world.logout().await;
    // It is asked for again and again, not once.
    let mut failed = log.failed.subscribe();
    tokio::time::timeout(DEADLINE, failed.wait_for(|failed| *failed >= 3)).await.unwrap().unwrap();
    log.away.send_replace(false);
    receiver.received(2).await;
    assert_eq!(receiver.words(), ["instance.linked", "instance.logged_out"]);
}
