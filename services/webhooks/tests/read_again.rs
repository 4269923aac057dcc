//! A permission ages: what was read more than a second before sending is read again.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use berth_bus::{Volatile, VolatileEntry, VolatileError, local::LocalVolatile};
use berth_proto::delivery::SettlementV1;
use bytes::Bytes;
use common::{Receiver, World, slow};
use tokio::sync::watch;

/// A volatile store that answers when it is told to.
#[derive(Debug)]
struct Stalled {
    inner: LocalVolatile,
    asked: watch::Sender<bool>,
    released: watch::Sender<bool>,
}

#[async_trait]
impl Volatile for Stalled {
    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), VolatileError> {
        self.inner.put(key, value, ttl).await
    }

    async fn get(&self, key: &str) -> Result<Option<VolatileEntry>, VolatileError> {
        self.asked.send_replace(true);
        self.released.subscribe().wait_for(|released| *released).await.unwrap();
        self.inner.get(key).await
    }

    async fn remove(&self, key: &str) -> Result<(), VolatileError> {
        self.inner.remove(key).await
    }

    async fn add(&self, key: &str, amount: u64, ttl: Duration) -> Result<u64, VolatileError> {
        self.inner.add(key, amount, ttl).await
    }
}

#[tokio::test]
async fn a_logout_while_a_notice_is_being_made_cancels_it() {
    let (mut world, receiver) = (World::new().await, Receiver::start().await);
    let stalled = Arc::new(Stalled {
        inner: LocalVolatile::new(),
        asked: watch::Sender::new(false),
        released: watch::Sender::new(false),
    });
    world.volatile = stalled.clone();
    let _replica = world.replica("a", slow()).await;
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.connect().await;
    world.qr(1, 20).await;
    // The gate was passed, and the text of the code is awaited.
    stalled.asked.subscribe().wait_for(|asked| *asked).await.unwrap();
    world.logout().await;
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    stalled.released.send_replace(true);
    assert_eq!(world.settled(1).await, [SettlementV1::CancelledByLogout]);
    assert!(receiver.hits().is_empty());
}
