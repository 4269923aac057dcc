//! Everything in one process and one folder.

use std::sync::Arc;

use berth_bus::{
    KeyRing,
    local::{FileDeviceKeys, FileKeyStore, LocalBus, LocalLeases, LocalVolatile},
};
use berth_log::embedded::EmbeddedLog;
use berth_runtime::{Clock, Entropy, Settings};

use super::Wired;
use crate::{credentials::Credentials, failure::Failure, folder::DataFolder};

pub(super) async fn open(
    settings: &Settings,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<Wired, Failure> {
    let folder = DataFolder::take(&settings.storage.data)?;
    let master = match &settings.secrets.master_key {
        Some(given) => given.clone(),
        None => folder.master_key(&*entropy)?,
    };
    let credentials = Credentials::embedded(&settings.secrets, &master, &folder, &*entropy)?;
    let path = folder.path();
    let log = EmbeddedLog::open(path, settings.storage.log_shards, &*entropy)?;
    let keys = KeyRing::new(master, Arc::new(FileKeyStore::open(path.join("keys")).await?));
    let device_keys = FileDeviceKeys::open(path.join("device-keys")).await?;
    let leases = LocalLeases::open(path.join("leases")).await?;
    Ok(Wired {
        log: Arc::new(log),
        bus: Arc::new(LocalBus::new()),
        volatile: Arc::new(LocalVolatile::new()),
        // One process has one store: nobody is kept from the keys of another role.
        delivery_keys: keys.clone(),
        keys,
        device_keys: Arc::new(device_keys),
        leases: Arc::new(leases),
        clock,
        entropy,
        folder,
        credentials: Some(credentials),
    })
}
