//! Data keys and keys of devices that all processes reach.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use berth_bus::{DeviceKeys, KeptKey, KeyStore, KeyStoreError};
use berth_proto::InstanceId;
use berth_runtime::WrappedKey;
use berth_webhooks::last_words::key_owner;
use bytes::Bytes;

use crate::world::{At, CutOff, World};

/// The keys of all owners.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<BTreeMap<[u8; 16], KeptKey>>);

/// Data keys.
#[derive(Debug)]
pub(crate) struct SharedKeys(pub(crate) At);

/// Keys of devices.
#[derive(Debug)]
pub(crate) struct SharedDevices(pub(crate) At);

/// What is still kept of an instance that was deleted.
pub(crate) fn kept_of(world: &World, instance: InstanceId) -> Vec<String> {
    let owners = [("its data key", *instance.as_bytes()), ("the key of its last words", key_owner(instance))];
    let mut kept: Vec<_> = owners
        .into_iter()
        .filter(|(_, owner)| matches!(world.keys.get(owner), KeptKey::Present(_)))
        .map(|(name, _)| format!("{name} is there"))
        .collect();
    let devices = world.devices.lock().unwrap_or_else(PoisonError::into_inner);
    let of_device = devices.keys().filter(|(of, _)| *of == instance);
    kept.extend(
        of_device.map(|(_, attempt)| format!("the keys of the device of attempt {attempt} are there")),
    );
    kept
}

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
