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

/// The key material of one device. Cheap to clone, and small wherever a link is moved.
#[derive(Clone)]
pub struct LinkKeys(Arc<Place>);

/// Where the material is, and what it is sealed with.
struct Place {
    instance: InstanceId,
    attempt: u32,
    store: Arc<dyn DeviceKeys>,
    master: MasterKey,
    entropy: Arc<dyn Entropy>,
}

impl fmt::Debug for LinkKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkKeys")
            .field("instance", &self.0.instance)
            .field("attempt", &self.0.attempt)
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
        Self(Arc::new(Place { instance, attempt, store, master, entropy }))
    }

    /// Stores the material durably.
    pub async fn put(&self, material: &[u8]) -> Result<(), LinkKeysError> {
        let key = DataKey::generate(&*self.0.entropy);
        let WrappedKey(wrapped) = self.0.master.wrap(self.0.instance.as_bytes(), &key);
        let Sealed(sealed) = key.seal(self.0.instance.as_bytes(), field::DEVICE_KEYS, material);
        let mut bytes = BytesMut::with_capacity(1 + wrapped.len() + sealed.len());
        bytes.put_u8(u8::try_from(wrapped.len()).map_err(|_| LinkKeysError::Damaged)?);
        bytes.put_slice(&wrapped);
        bytes.put_slice(&sealed);
        Ok(self.0.store.put(self.0.instance, self.0.attempt, bytes.freeze()).await?)
    }

    /// The material, if there is any.
    pub async fn get(&self) -> Result<Option<Vec<u8>>, LinkKeysError> {
        let Some(stored) = self.0.store.get(self.0.instance, self.0.attempt).await? else { return Ok(None) };
        self.open(&stored).map(Some).ok_or(LinkKeysError::Damaged)
    }

    /// Deletes the material; again is no error.
    pub async fn delete(&self) -> Result<(), LinkKeysError> {
        Ok(self.0.store.delete(self.0.instance, self.0.attempt).await?)
    }

    fn open(&self, stored: &Bytes) -> Option<Vec<u8>> {
        let (length, rest) = stored.split_first()?;
        let (wrapped, sealed) = rest.split_at_checked(usize::from(*length))?;
        let key = self.0.master.unwrap(self.0.instance.as_bytes(), &WrappedKey(wrapped.to_vec())).ok()?;
        key.open(self.0.instance.as_bytes(), field::DEVICE_KEYS, &Sealed(sealed.to_vec())).ok()
    }
}
