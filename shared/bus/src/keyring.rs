//! Data keys as the services use them: unwrapped, cached, and gone when they are destroyed.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use berth_runtime::{DataKey, Entropy, MasterKey, WrappedKey};
use lru::LruCache;
use thiserror::Error;

use crate::port::{KeptKey, KeyStore, KeyStoreError, Source};

/// Unwrapped keys that a process keeps, each with its subkeys: about 300 bytes each. Fewer than the instances that are
/// asked for in turn would mean a read of the key store for every command.
const CACHED_KEYS_MAX: NonZeroUsize = NonZeroUsize::new(262_144).unwrap();

/// A data key could not be had.
#[derive(Debug, Error)]
pub enum KeyRingError {
    /// The key store does not work at this moment; a retry helps when it does.
    #[error(transparent)]
    Store(#[from] KeyStoreError),
    /// The key store knows nothing of the owner: neither a key nor its destruction. Nothing is to be taken for
    /// erased; a retry helps when the store is restored, or for an owner whose key is about to be made.
    #[error("a data key is not in the key store, and was not destroyed")]
    Missing,
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
    cache: Arc<Mutex<Cache>>,
}

/// The unwrapped keys of a process.
#[derive(Debug)]
struct Cache {
    keys: LruCache<[u8; 16], DataKey>,
    /// Counts what was forgotten. A key that was read from the store before is not kept after: it may be the
    /// one that was destroyed in between.
    forgotten: u64,
}

impl KeyRing {
    /// A ring over a store.
    pub fn new(master: MasterKey, store: Arc<dyn KeyStore>) -> Self {
        Self {
            master,
            store,
            cache: Arc::new(Mutex::new(Cache { keys: LruCache::new(CACHED_KEYS_MAX), forgotten: 0 })),
        }
    }

    /// The master key, for look-ups that are unique in the deployment.
    pub const fn master(&self) -> &MasterKey {
        &self.master
    }

    /// Whether the store has anything of an owner: a key that this master key opens, or its destruction.
    pub async fn knows(&self, owner: &[u8; 16]) -> Result<bool, KeyRingError> {
        match self.key(owner).await {
            Ok(_) => Ok(true),
            Err(KeyRingError::Missing) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The data key of an owner; none if it was destroyed. One that is not there is an error.
    pub async fn key(&self, owner: &[u8; 16]) -> Result<Option<DataKey>, KeyRingError> {
        let (cached, forgotten) = self.cached(owner);
        if cached.is_some() {
            return Ok(cached);
        }
        let wrapped = match self.store.get(owner).await? {
            KeptKey::Present(wrapped) => wrapped,
            KeptKey::Destroyed => return Ok(None),
            KeptKey::Missing => return Err(KeyRingError::Missing),
        };
        let key = self.master.unwrap(owner, &wrapped).map_err(|error| KeyRingError::Unwrap(error.into()))?;
        self.remember(owner, &key, forgotten);
        Ok(Some(key))
    }

    /// The data key of a new owner, made if it has none; none if its key was destroyed.
    pub async fn create(
        &self,
        owner: &[u8; 16],
        entropy: &dyn Entropy,
    ) -> Result<Option<DataKey>, KeyRingError> {
        let (_, forgotten) = self.cached(owner);
        let wrapped = self.master.wrap(owner, &DataKey::generate(entropy));
        let Some(stored) = self.store.put_if_absent(owner, wrapped).await? else {
            return Ok(None);
        };
        let key = self.master.unwrap(owner, &stored).map_err(|error| KeyRingError::Unwrap(error.into()))?;
        self.remember(owner, &key, forgotten);
        Ok(Some(key))
    }

    /// Gives a new owner this very key. Says whether it has it now: not if it has another, or had one that was
    /// destroyed.
    pub async fn give(&self, owner: &[u8; 16], key: &DataKey) -> Result<bool, KeyRingError> {
        let (_, forgotten) = self.cached(owner);
        let wrapped = self.master.wrap(owner, key);
        let stored = self.store.put_if_absent(owner, WrappedKey(wrapped.0.clone())).await?;
        let has = stored.is_some_and(|stored| stored == wrapped);
        if has {
            self.remember(owner, key, forgotten);
        }
        Ok(has)
    }

    /// Destroys the key of an owner: whatever was sealed with it is erased.
    pub async fn destroy(&self, owner: &[u8; 16]) -> Result<(), KeyRingError> {
        // Before, so that it is out of memory even if the store fails; and after, for whoever read it meanwhile.
        self.forget(owner);
        self.store.destroy(owner).await?;
        self.forget(owner);
        Ok(())
    }

    /// Drops the key from this process's memory: called wherever a deleted owner is met.
    pub fn forget(&self, owner: &[u8; 16]) {
        let mut cache = self.cache();
        cache.forgotten = cache.forgotten.wrapping_add(1);
        cache.keys.pop(owner);
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key, if it is in memory, and how much was forgotten so far.
    fn cached(&self, owner: &[u8; 16]) -> (Option<DataKey>, u64) {
        let mut cache = self.cache();
        (cache.keys.get(owner).cloned(), cache.forgotten)
    }

    /// Keeps a key that was read when `forgotten` was the count.
    fn remember(&self, owner: &[u8; 16], key: &DataKey, forgotten: u64) {
        let mut cache = self.cache();
        if cache.forgotten == forgotten {
            cache.keys.put(*owner, key.clone());
        }
    }
}
