//! A data key that is not there is no destroyed one: what is owed waits for it.

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use berth_bus::{KeptKey, KeyRing, KeyStore, port::KeyStoreError};
use berth_proto::delivery::SettlementV1;
use berth_runtime::WrappedKey;
use common::{DEADLINE, Receiver, World, quick};

/// A store with one key, which it may lose for a while.
#[derive(Debug)]
struct Forgetful {
    key: WrappedKey,
    lost: AtomicBool,
    /// How often it was asked for what it lost.
    asked: AtomicUsize,
}

#[async_trait]
impl KeyStore for Forgetful {
    async fn put_if_absent(&self, _: &[u8; 16], _: WrappedKey) -> Result<Option<WrappedKey>, KeyStoreError> {
        Ok(None)
    }

    async fn get(&self, _: &[u8; 16]) -> Result<KeptKey, KeyStoreError> {
        if self.lost.load(Ordering::SeqCst) {
            self.asked.fetch_add(1, Ordering::SeqCst);
            return Ok(KeptKey::Missing);
        }
        Ok(KeptKey::Present(WrappedKey(self.key.0.clone())))
    }

    async fn destroy(&self, _: &[u8; 16]) -> Result<(), KeyStoreError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_disconnection_is_told_when_the_key_store_is_back() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let owner = *world.instance.as_bytes();
    let master = world.keys.master().clone();
    let key = master.wrap(&owner, &world.keys.key(&owner).await.unwrap().unwrap());
    let store = Arc::new(Forgetful { key, lost: AtomicBool::new(false), asked: AtomicUsize::new(0) });
    let world = world.with_keys(KeyRing::new(master, store.clone()));
    let _replica = world.replica("a", quick()).await;
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.link().await;
    world.settled(2).await;

    store.lost.store(true, Ordering::SeqCst);
    world.keys.forget(&owner);
    world.logout().await;
    let asked = tokio::time::timeout(DEADLINE, async {
        while store.asked.load(Ordering::SeqCst) < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(asked.await.is_ok(), "it is tried again");
    assert_eq!((world.settlements().await.len(), receiver.words().len()), (2, 2), "neither told nor settled");

    store.lost.store(false, Ordering::SeqCst);
    assert_eq!(receiver.received(3).await[2].word(), "instance.logged_out");
    assert_eq!(world.settled(3).await[2], SettlementV1::Delivered);
}
