//! Everything in one process and one folder.

use std::{path::Path, sync::Arc};

use berth_bus::{
    Checkpoints, DeploymentStore, KeyRing, KeyStore,
    local::{
        Alone, FileCheckpoints, FileDeployment, FileDeviceKeys, FileKeyStore, FilePostbag, LocalBus,
        LocalLeases, LocalVolatile,
    },
};
use berth_log::{GuardedLog, LogRead, embedded::EmbeddedLog};
use berth_runtime::{Clock, Entropy, Lifecycle, Readiness, Role, Settings};

use super::{Wired, has_commits};
use crate::{
    credentials::Credentials,
    deployment::{self, DeploymentRecord, Missing},
    failure::Failure,
    folder::{DataFolder, FolderError},
    guard::Guard,
    member, presence, root,
};

/// The record of the deployment in a data folder.
pub(crate) fn deployment_store(folder: &Path) -> Arc<dyn DeploymentStore> {
    Arc::new(FileDeployment::new(folder.join("keys")))
}

/// The checkpoints in a data folder.
pub(crate) fn checkpoint_store(folder: &Path) -> Arc<dyn Checkpoints> {
    Arc::new(FileCheckpoints::new(folder.join("checkpoints")))
}

/// Whether a folder has a log.
pub(crate) fn has_log(folder: &Path) -> Result<bool, FolderError> {
    EmbeddedLog::is_there(folder).map_err(|source| FolderError::Io { path: folder.to_owned(), source })
}

pub(super) async fn open(
    settings: &Settings,
    readiness: &Readiness,
    lifecycle: &Lifecycle,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<Wired, Failure> {
    let folder = DataFolder::take(&settings.storage.data)?;
    let store = deployment_store(folder.path());
    let (log, record) = log(settings, &folder, &*store, &*entropy).await?;
    let master = match &settings.secrets.master_key {
        Some(given) => given.clone(),
        None => folder.master_key(&*entropy)?,
    };
    let evidence_key = Some(crate::evidence_key::embedded(&settings.secrets, &folder, &*entropy)?);
    let path = folder.path();
    let end = log.end().await?;
    let key_store: Arc<dyn KeyStore> = Arc::new(FileKeyStore::open(path.join("keys")).await?);
    let opening = root::Opening { has_commits: has_commits(&end), makes: true };
    let master = root::open(&master, &key_store, opening, &*entropy).await?;
    let credentials = Credentials::embedded(&settings.secrets, &master, &folder, &*entropy)?;
    let keys = KeyRing::new(master, key_store);
    super::check_master_key(&keys, has_commits(&end), true, &*entropy).await?;
    deployment::note_end(&*store, deployment::read(&*store).await?, &end, &Missing::new()).await?;
    let device_keys = FileDeviceKeys::open(path.join("device-keys")).await?;
    let leases = LocalLeases::open(path.join("leases")).await?;
    let identity = member::identity(Role::Serve, None, &folder, &*clock, &*entropy)?;
    let log = Arc::new(log);
    let deployment = record.deployment()?;
    let checkpoints = Some(checkpoint_store(path));
    let home = path.to_owned();
    let guard = Guard {
        log: Arc::clone(&log) as _,
        store,
        newest: deployment.write_version.number(),
        deployment: deployment.clone(),
        // One that cannot be looked at is not gone.
        is_there: Box::new(move || EmbeddedLog::is_there(&home).unwrap_or(true)),
        seen: end,
        missing: Missing::new(),
        notes: true,
        writes: true,
        followed: Arc::clone(&log) as _,
        tags: None,
    };
    let halted = guard.watch(readiness, lifecycle);
    Ok(Wired {
        deployment,
        log: Arc::new(GuardedLog::new(log, halted)),
        bus: Arc::new(LocalBus::new()),
        volatile: Arc::new(LocalVolatile::new()),
        // One process has one store: nobody is kept from the keys of another role.
        delivery_keys: keys.clone(),
        keys,
        device_keys: Arc::new(device_keys),
        relay: None,
        postbag: Some(Arc::new(FilePostbag::open(path.join("postbag")).await?)),
        feed: None,
        door: None,
        cluster: Arc::new(Alone::new(identity.clone(), leases.clone())),
        leases: Arc::new(leases),
        identity,
        checkpoints,
        evidence_key,
        presence: presence::of_one_process(),
        clock,
        entropy,
        folder,
        credentials: Some(credentials),
    })
}

/// The log, which must be what the record says, and the record, which is made at the first start.
async fn log(
    settings: &Settings,
    folder: &DataFolder,
    store: &dyn DeploymentStore,
    entropy: &dyn Entropy,
) -> Result<(EmbeddedLog, DeploymentRecord), Failure> {
    let path = folder.path();
    let there = has_log(path)?;
    let open = || EmbeddedLog::open(path, settings.storage.log_shards, entropy);
    if let Some(kept) = deployment::read(store).await? {
        let record = kept.record;
        record.check_import()?;
        if record.expects_log() && !there {
            return Err(Failure::Vanished(format!(
                "there is no log in {} any more, or an empty one",
                path.display()
            )));
        }
        let log = open()?;
        record.check(&log.end().await?).map_err(|lost| Failure::Vanished(lost.to_string()))?;
        return Ok((log, record));
    }
    if !there && Credentials::were_kept(folder)? {
        return Err(Failure::Vanished(format!(
            "{} was used before, and neither its log nor its keys are there",
            path.display()
        )));
    }
    let log = open()?;
    if has_commits(&log.end().await?) {
        return Err(Failure::KeysMissing);
    }
    Ok((log, deployment::read_or_make(store, entropy).await?))
}
