//! A key store that looks whenever a key is destroyed: the log must have said before that its owner is gone. Whoever keeps
//! values that a key opened, such as the index of texts of the projections, follows the log and nothing else.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use berth_bus::{KeptKey, KeyStore, KeyStoreError};
use berth_log::{EventLog, decode_state, rehydrate};
use berth_proto::{
    AccountId, InstanceId, StreamKey,
    account::AccountStateV3,
    instance::{InstanceStateV1, PhaseV1},
};
use berth_runtime::WrappedKey;

/// What was destroyed although somebody could still know it by the log.
pub(crate) type TooEarly = Arc<Mutex<Vec<String>>>;

/// Keys beside a log.
#[derive(Debug)]
pub(crate) struct WatchedKeys<S> {
    pub(crate) store: S,
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) too_early: TooEarly,
}

impl<S: KeyStore> WatchedKeys<S> {
    /// Whether the log has nothing under an id, or says that it is gone.
    async fn is_gone(&self, owner: &[u8; 16]) -> bool {
        let instance = self.log.tail(&StreamKey::instance(InstanceId::from_bytes(*owner))).await.unwrap();
        let account = self.log.tail(&StreamKey::account(AccountId::from_bytes(*owner))).await.unwrap();
        let instance_gone = match &instance {
            Some(stored) => {
                let last = rehydrate::<InstanceStateV1>(&*self.log, stored).await.unwrap();
                matches!(last.state.phase, PhaseV1::Deleted { .. })
            }
            None => true,
        };
        let account_gone = account
            .is_none_or(|stored| decode_state::<AccountStateV3>(&stored).unwrap().1.closed_at.is_some());
        instance_gone && account_gone
    }
}

#[async_trait]
impl<S: KeyStore> KeyStore for WatchedKeys<S> {
    async fn put_if_absent(
        &self,
        owner: &[u8; 16],
        key: WrappedKey,
    ) -> Result<Option<WrappedKey>, KeyStoreError> {
        self.store.put_if_absent(owner, key).await
    }

    async fn get(&self, owner: &[u8; 16]) -> Result<KeptKey, KeyStoreError> {
        self.store.get(owner).await
    }

    async fn destroy(&self, owner: &[u8; 16]) -> Result<(), KeyStoreError> {
        if !self.is_gone(owner).await {
            self.too_early.lock().unwrap().push(InstanceId::from_bytes(*owner).to_string());
        }
        self.store.destroy(owner).await
    }
}
