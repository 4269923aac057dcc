//! The key material of a device, sealed apart from the instance's data key.
//!
//! A delete destroys the instance's data key at once, while its device still has to be unlinked. So each device
//! has a key of its own, wrapped by the master key and stored beside the material: deleting that one value
//! erases both.

use std::{fmt, sync::Arc};

use berth_bus::{DeviceKeys, KeyStoreError};
use berth_proto::{InstanceId, Sealed};
use berth_runtime::{DataKey, Entropy, MasterKey, WrappedKey, sealing::field};
use bytes::{BufMut, Bytes, BytesMut};
use thiserror::Error;

/// The key material could not be had.
#[derive(Debug, Error)]
pub enum LinkKeysError {
    /// The store does not work at this moment; a retry helps when it does.
    #[error(transparent)]
    Store(#[from] KeyStoreError),
    /// What is stored cannot be opened; a retry does not help.
    #[error("the stored keys of the device cannot be opened")]
    Damaged,
}

/// The key material of one device.
#[derive(Clone)]
pub struct LinkKeys {
    instance: InstanceId,
    attempt: u32,
    store: Arc<dyn DeviceKeys>,
    master: MasterKey,
    entropy: Arc<dyn Entropy>,
}

impl fmt::Debug for LinkKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkKeys")
            .field("instance", &self.instance)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

impl LinkKeys {
    /// The keys of the device that this attempt links or had linked.
    pub fn new(
        instance: InstanceId,
        attempt: u32,
        store: Arc<dyn DeviceKeys>,
        master: MasterKey,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { instance, attempt, store, master, entropy }
    }

    /// Stores the material durably.
    pub async fn put(&self, material: &[u8]) -> Result<(), LinkKeysError> {
        let key = DataKey::generate(&*self.entropy);
        let WrappedKey(wrapped) = self.master.wrap(self.instance.as_bytes(), &key);
        let Sealed(sealed) = key.seal(self.instance.as_bytes(), field::DEVICE_KEYS, material);
        let mut bytes = BytesMut::with_capacity(1 + wrapped.len() + sealed.len());
        bytes.put_u8(u8::try_from(wrapped.len()).map_err(|_| LinkKeysError::Damaged)?);
        bytes.put_slice(&wrapped);
        bytes.put_slice(&sealed);
        Ok(self.store.put(self.instance, self.attempt, bytes.freeze()).await?)
    }

    /// The material, if there is any.
    pub async fn get(&self) -> Result<Option<Vec<u8>>, LinkKeysError> {
        let Some(stored) = self.store.get(self.instance, self.attempt).await? else { return Ok(None) };
        self.open(&stored).map(Some).ok_or(LinkKeysError::Damaged)
    }

    /// Deletes the material; again is no error.
    pub async fn delete(&self) -> Result<(), LinkKeysError> {
        Ok(self.store.delete(self.instance, self.attempt).await?)
    }

    fn open(&self, stored: &Bytes) -> Option<Vec<u8>> {
        let (length, rest) = stored.split_first()?;
        let (wrapped, sealed) = rest.split_at_checked(usize::from(*length))?;
        let key = self.master.unwrap(self.instance.as_bytes(), &WrappedKey(wrapped.to_vec())).ok()?;
        key.open(self.instance.as_bytes(), field::DEVICE_KEYS, &Sealed(sealed.to_vec())).ok()
    }
}
