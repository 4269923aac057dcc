//! Data keys as services use them.

use std::sync::Arc;

use async_trait::async_trait;
use berth_bus::{KeptKey, KeyRing, KeyRingError, KeyStore, KeyStoreError, local::FileKeyStore};
use berth_runtime::{DataKey, MasterKey, SeededEntropy, WrappedKey};
use futures::future::join_all;
use tokio::sync::Barrier;

use crate::support::in_time;

const OWNER: [u8; 16] = [7; 16];

/// Whether both open what the other sealed.
fn same(one: &DataKey, other: &DataKey) -> bool {
    one.open(&OWNER, "f", &other.seal(&OWNER, "f", b"value")).is_ok()
}

struct Deployment {
    _folder: tempfile::TempDir,
    store: Arc<dyn KeyStore>,
    master: MasterKey,
    entropy: SeededEntropy,
}

async fn deployment() -> Deployment {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(FileKeyStore::open(folder.path()).await.unwrap());
    let entropy = SeededEntropy::new(1);
    Deployment { _folder: folder, store, master: MasterKey::generate(&entropy), entropy }
}

impl Deployment {
    /// The ring of another process.
    fn ring(&self) -> KeyRing {
        KeyRing::new(self.master.clone(), Arc::clone(&self.store))
    }
}

#[tokio::test]
async fn whoever_creates_a_key_gets_the_same_one() {
    let deployment = deployment().await;
    let rings: Vec<KeyRing> = (0..8).map(|_| deployment.ring()).collect();
    assert!(!rings[0].knows(&OWNER).await.unwrap());
    let missing = rings[0].key(&OWNER).await;
    assert!(matches!(missing, Err(KeyRingError::Missing)), "a key that is not there was not destroyed");
    let created = join_all(rings.iter().map(|ring| ring.create(&OWNER, &deployment.entropy))).await;
    let keys: Vec<DataKey> = created.into_iter().map(|key| key.unwrap().unwrap()).collect();
    let read = deployment.ring().key(&OWNER).await.unwrap().unwrap();
    assert!(keys.iter().all(|key| same(key, &read)));
    let other = deployment.ring().create(&[8; 16], &deployment.entropy).await.unwrap().unwrap();
    assert!(!same(&other, &read), "another owner has another key");
}

#[tokio::test]
async fn a_destroyed_key_is_none_and_cannot_be_made_again() {
    let deployment = deployment().await;
    let (ring, replica) = (deployment.ring(), deployment.ring());
    ring.create(&OWNER, &deployment.entropy).await.unwrap().unwrap();
    assert!(replica.key(&OWNER).await.unwrap().is_some());
    ring.destroy(&OWNER).await.unwrap();
    assert!(ring.key(&OWNER).await.unwrap().is_none());
    assert!(ring.create(&OWNER, &deployment.entropy).await.unwrap().is_none());
    assert!(replica.key(&OWNER).await.unwrap().is_some(), "from memory, until it hears of the deletion");
    replica.forget(&OWNER);
    assert!(replica.key(&OWNER).await.unwrap().is_none());
    ring.destroy(&OWNER).await.unwrap();
}

#[tokio::test]
async fn another_master_key_is_told_from_a_missing_key() {
    let deployment = deployment().await;
    deployment.ring().create(&OWNER, &deployment.entropy).await.unwrap().unwrap();
    let wrong = KeyRing::new(MasterKey::generate(&SeededEntropy::new(2)), Arc::clone(&deployment.store));
    assert!(matches!(wrong.key(&OWNER).await, Err(KeyRingError::Unwrap(_))));
    let created = wrong.create(&OWNER, &deployment.entropy).await;
    assert!(matches!(created, Err(KeyRingError::Unwrap(_))));
}

/// A store whose answers arrive late: each waits twice for another task.
#[derive(Debug)]
struct Late {
    store: Arc<dyn KeyStore>,
    step: Arc<Barrier>,
}

#[async_trait]
impl KeyStore for Late {
    async fn put_if_absent(
        &self,
        owner: &[u8; 16],
        key: WrappedKey,
    ) -> Result<Option<WrappedKey>, KeyStoreError> {
        self.store.put_if_absent(owner, key).await
    }

    async fn get(&self, owner: &[u8; 16]) -> Result<KeptKey, KeyStoreError> {
        let answer = self.store.get(owner).await;
        self.step.wait().await;
        self.step.wait().await;
        answer
    }

    async fn destroy(&self, owner: &[u8; 16]) -> Result<(), KeyStoreError> {
        self.store.destroy(owner).await
    }
}

#[tokio::test]
async fn a_key_that_is_destroyed_while_it_is_read_does_not_stay_in_memory() {
    let deployment = deployment().await;
    deployment.ring().create(&OWNER, &deployment.entropy).await.unwrap().unwrap();
    let step = Arc::new(Barrier::new(2));
    let late = Late { store: Arc::clone(&deployment.store), step: Arc::clone(&step) };
    let ring = KeyRing::new(deployment.master.clone(), Arc::new(late));
    let destroy = async {
        step.wait().await;
        ring.destroy(&OWNER).await.unwrap();
        step.wait().await;
    };
    let (read, ()) = in_time(async { futures::join!(ring.key(&OWNER), destroy) }).await;
    assert!(read.unwrap().is_some(), "it began before the destruction");
    let steps = async {
        step.wait().await;
        step.wait().await;
    };
    let (read, ()) = in_time(async { futures::join!(ring.key(&OWNER), steps) }).await;
    assert!(read.unwrap().is_none());
}
