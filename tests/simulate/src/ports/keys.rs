//! Data keys and keys of devices that all processes reach.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use berth_bus::{DeviceKeys, KeptKey, KeyStore, KeyStoreError};
use berth_proto::InstanceId;
use berth_runtime::WrappedKey;
use bytes::Bytes;

use crate::world::{At, CutOff};

/// The keys of all owners.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<BTreeMap<[u8; 16], KeptKey>>);

/// Data keys.
#[derive(Debug)]
pub(crate) struct SharedKeys(pub(crate) At);

/// Keys of devices.
#[derive(Debug)]
pub(crate) struct SharedDevices(pub(crate) At);

fn away(cut: CutOff) -> KeyStoreError {
    KeyStoreError(cut.into_boxed())
}

impl Kept {
    fn put_if_absent(&self, owner: &[u8; 16], key: WrappedKey) -> Option<WrappedKey> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.entry(*owner).or_insert(KeptKey::Present(key)) {
            KeptKey::Present(key) => Some(key.clone()),
            KeptKey::Destroyed | KeptKey::Missing => None,
        }
    }

    fn get(&self, owner: &[u8; 16]) -> KeptKey {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(owner).cloned().unwrap_or(KeptKey::Missing)
    }

    fn destroy(&self, owner: &[u8; 16]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(*owner, KeptKey::Destroyed);
    }
}

#[async_trait]
impl KeyStore for SharedKeys {
    async fn put_if_absent(
        &self,
        owner: &[u8; 16],
        key: WrappedKey,
    ) -> Result<Option<WrappedKey>, KeyStoreError> {
        let answered = self.0.reach_to_write().await.map_err(away)?;
        let stored = self.0.world.keys.put_if_absent(owner, key);
        self.0.step(format_args!("makes a key"));
        answered.back(&self.0, stored).await.map_err(away)
    }

    async fn get(&self, owner: &[u8; 16]) -> Result<KeptKey, KeyStoreError> {
        self.0.reach().await.map_err(away)?;
        let kept = self.0.world.keys.get(owner);
        self.0.way().await;
        Ok(kept)
    }

    async fn destroy(&self, owner: &[u8; 16]) -> Result<(), KeyStoreError> {
        let answered = self.0.reach_to_write().await.map_err(away)?;
        self.0.world.keys.destroy(owner);
        self.0.step(format_args!("destroys a key"));
        answered.back(&self.0, ()).await.map_err(away)
    }
}

impl SharedDevices {
    fn devices(&self) -> std::sync::MutexGuard<'_, BTreeMap<(InstanceId, u32), Bytes>> {
        self.0.world.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl DeviceKeys for SharedDevices {
    async fn put(&self, instance: InstanceId, attempt: u32, sealed: Bytes) -> Result<(), KeyStoreError> {
        let answered = self.0.reach_to_write().await.map_err(away)?;
        self.devices().insert((instance, attempt), sealed);
        self.0.step(format_args!("keeps the keys of {instance} {attempt}"));
        answered.back(&self.0, ()).await.map_err(away)
    }

    async fn get(&self, instance: InstanceId, attempt: u32) -> Result<Option<Bytes>, KeyStoreError> {
        self.0.reach().await.map_err(away)?;
        let kept = self.devices().get(&(instance, attempt)).cloned();
        self.0.way().await;
        Ok(kept)
    }

    async fn delete(&self, instance: InstanceId, attempt: u32) -> Result<(), KeyStoreError> {
        let answered = self.0.reach_to_write().await.map_err(away)?;
        self.devices().remove(&(instance, attempt));
        self.0.step(format_args!("deletes the keys of {instance} {attempt}"));
        answered.back(&self.0, ()).await.map_err(away)
    }

    async fn all(&self) -> Result<Vec<(InstanceId, u32)>, KeyStoreError> {
        self.0.reach().await.map_err(away)?;
        let all = self.devices().keys().copied().collect();
        self.0.way().await;
        Ok(all)
    }
}
