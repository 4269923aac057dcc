//! What a deployment consists of apart from what runs: for whoever carries it elsewhere.

use std::sync::Arc;

use berth_bus::{
    Checkpoints, DeploymentStore, DeviceKeys, KeyStore,
    local::{FileDeviceKeys, FileKeyStore},
    nats::{NatsCheckpoints, NatsDeviceKeys, NatsKeyStore, connect_by},
};
use berth_log::{EventLog, embedded, embedded::EmbeddedLog, jetstream::JetStreamOptions};
use berth_runtime::{LogKey, Role, SystemEntropy, config::NatsSettings};

use super::{
    embedded::{checkpoint_store, deployment_store},
    nats::{Found, patiently},
    tags::Untold,
};
use crate::{deployment::DeploymentRecord, failure::Failure, folder::DataFolder};

/// Shards of a log of which it is not known yet how many it has.
const SHARDS_GUESSED: u8 = 4;

/// Everything that a deployment keeps and that nothing else follows from.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) log: Arc<dyn EventLog>,
    /// Keys of instances and accounts, and the root secret.
    pub(crate) keys: Arc<dyn KeyStore>,
    /// Keys of last notices.
    pub(crate) delivery_keys: Arc<dyn KeyStore>,
    pub(crate) device_keys: Arc<dyn DeviceKeys>,
    pub(crate) checkpoints: Arc<dyn Checkpoints>,
    /// The record of the deployment.
    pub(crate) store: Arc<dyn DeploymentStore>,
    /// The data folder, which is held; none on NATS.
    pub(crate) folder: Option<DataFolder>,
}

/// What lies in a folder; with these shards what is not there is made, with none the log must be there.
pub(crate) async fn embedded_parts(folder: DataFolder, shards: Option<u8>) -> Result<Parts, Failure> {
    let path = folder.path();
    let open = |shards| EmbeddedLog::open(path, shards, &SystemEntropy);
    let log = match (open(shards.unwrap_or(SHARDS_GUESSED)), shards) {
        (Err(embedded::OpenError::Shards { recorded, .. }), None) => {
            open(u8::try_from(recorded).unwrap_or(SHARDS_GUESSED))
        }
        (opened, _) => opened,
    }?;
    let keys: Arc<dyn KeyStore> = Arc::new(FileKeyStore::open(path.join("keys")).await?);
    Ok(Parts {
        log: Arc::new(log),
        delivery_keys: Arc::clone(&keys),
        keys,
        device_keys: Arc::new(FileDeviceKeys::open(path.join("device-keys")).await?),
        checkpoints: checkpoint_store(path),
        store: deployment_store(path),
        folder: Some(folder),
    })
}

/// What lies on NATS; it is made if it is not there and that is wanted. It needs the credentials of the operator, and what gives the
/// key of the tags of its commits and the generation that is written.
pub(crate) async fn nats_parts(
    nats: &NatsSettings,
    shards: u8,
    may_make: bool,
    whose: impl AsyncFnOnce(&Arc<dyn KeyStore>, &DeploymentRecord) -> Result<(LogKey, u16), Failure>,
) -> Result<Parts, Failure> {
    let name = format!("berth-{}", Role::SessionAggregate);
    let client = patiently(async || connect_by(nats, &name).await.map_err(Failure::Nats)).await?;
    let replicas = usize::from(nats.replicas);
    let options = JetStreamOptions { shards, replicas };
    let opened = Found { client: &client, options, may_make }.open(&SystemEntropy).await?;
    let (key, writes) = whose(&opened.keys, &opened.record).await?;
    let untold = Untold { log: opened.log, end: &opened.end, store: &*opened.store, makes: may_make };
    let (log, _) = untold.tagged(&opened.record, &key, writes).await?;
    let delivery_keys =
        patiently(async || Ok(NatsKeyStore::open_for_deliveries(client.clone(), replicas).await?)).await?;
    let device_keys = patiently(async || Ok(NatsDeviceKeys::open(client.clone(), replicas).await?)).await?;
    let checkpoints = patiently(async || Ok(NatsCheckpoints::open(client.clone(), replicas).await?)).await?;
    Ok(Parts {
        log: Arc::new(log),
        keys: opened.keys,
        delivery_keys: Arc::new(delivery_keys),
        device_keys: Arc::new(device_keys),
        checkpoints: Arc::new(checkpoints),
        store: opened.store,
        folder: None,
    })
}
