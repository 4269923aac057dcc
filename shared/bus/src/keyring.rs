//! Data keys as the services use them: unwrapped, cached, and gone when they are destroyed.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use berth_runtime::{DataKey, Entropy, MasterKey};
use lru::LruCache;
use thiserror::Error;

use crate::port::{KeyStore, KeyStoreError, Source};

/// Unwrapped keys that a process keeps: 32 bytes each and some overhead.
const CACHED_KEYS_MAX: NonZeroUsize = NonZeroUsize::new(65_536).unwrap();

/// A data key could not be had.
#[derive(Debug, Error)]
pub enum KeyRingError {
    /// The key store does not work at this moment; a retry helps when it does.
    #[error(transparent)]
    Store(#[from] KeyStoreError),
    /// The stored key was wrapped by another master key, or is damaged. A retry does not help.
    #[error("a data key cannot be unwrapped with this master key")]
    Unwrap(#[source] Source),
}

/// Unwraps the data keys of the key store with the master key.
#[derive(Debug, Clone)]
pub struct KeyRing {
    master: MasterKey,
    store: Arc<dyn KeyStore>,
    /// Written and read by every task of the process.
    cache: Arc<Mutex<LruCache<[u8; 16], DataKey>>>,
}

impl KeyRing {
    /// A ring over a store.
    pub fn new(master: MasterKey, store: Arc<dyn KeyStore>) -> Self {
        Self { master, store, cache: Arc::new(Mutex::new(LruCache::new(CACHED_KEYS_MAX))) }
    }

    /// The master key, for look-ups that are unique in the deployment.
    pub const fn master(&self) -> &MasterKey {
        &self.master
    }

    /// The data key of an owner; none if it never had one or it was destroyed.
    pub async fn key(&self, owner: &[u8; 16]) -> Result<Option<DataKey>, KeyRingError> {
        if let Some(key) = self.cached(owner) {
            return Ok(Some(key));
        }
        let Some(wrapped) = self.store.get(owner).await? else {
            return Ok(None);
        };
        let key = self.master.unwrap(owner, &wrapped).map_err(|error| KeyRingError::Unwrap(error.into()))?;
        self.remember(owner, &key);
        Ok(Some(key))
    }

    /// The data key of a new owner, made if it has none; none if its key was destroyed.
    pub async fn create(
        &self,
        owner: &[u8; 16],
        entropy: &dyn Entropy,
    ) -> Result<Option<DataKey>, KeyRingError> {
        let wrapped = self.master.wrap(owner, &DataKey::generate(entropy));
        let Some(stored) = self.store.put_if_absent(owner, wrapped).await? else {
            return Ok(None);
        };
        let key = self.master.unwrap(owner, &stored).map_err(|error| KeyRingError::Unwrap(error.into()))?;
        self.remember(owner, &key);
        Ok(Some(key))
    }

    /// Destroys the key of an owner: whatever was sealed with it is erased.
    pub async fn destroy(&self, owner: &[u8; 16]) -> Result<(), KeyRingError> {
        self.forget(owner);
        self.store.destroy(owner).await?;
        Ok(())
    }

    /// Drops the key from this process's memory: called wherever a deleted owner is met.
    pub fn forget(&self, owner: &[u8; 16]) {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).pop(owner);
    }

    fn cached(&self, owner: &[u8; 16]) -> Option<DataKey> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).get(owner).cloned()
    }

    fn remember(&self, owner: &[u8; 16], key: &DataKey) {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).put(*owner, key.clone());
    }
}
