//! The deployment that is filled: one that has nothing yet, or that an import of the same export was interrupted in.

use std::sync::Arc;

use berth_bus::{KeptKey, KeyRingError, KeyStore, local::LocalLeases};
use berth_evidence::{Board, SigningKey};
use berth_proto::Hash;
use berth_runtime::{Clock, MasterKey, Settings, SystemClock, SystemEntropy};
use secrecy::ExposeSecret;

use super::{check::Checked, say, source::From};
use crate::{
    credentials::Credentials,
    deployment::{self, DeploymentRecord},
    evidence_key,
    failure::Failure,
    folder::{DataFolder, MASTER_KEY_FILE},
    root::{self, Opening},
    wiring::{NOBODY, Parts, embedded_deployment, embedded_parts, has_commits, has_embedded_log, nats_parts},
};

/// A deployment that is filled.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) parts: Parts,
    place: String,
}

/// How far an import of the same export came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begun {
    /// There was none.
    Now,
    /// Not to its end.
    Further,
    /// All was done.
    Before,
}

// === impl Target ===

impl Target {
    /// The deployment of these settings, which has nothing yet; it is marked before anything is written.
    pub(super) async fn open(settings: &Settings, checked: &Checked) -> Result<(Self, Begun), Failure> {
        let shards = settings.storage.log_shards;
        match &settings.nats {
            Some(nats) => {
                let whose = async |keys: &Arc<dyn KeyStore>, record: &DeploymentRecord| {
                    // What is somebody else's has tags that this key does not make.
                    if standing(record, checked.digest)? == Begun::Now && has_key_of_nobody(&**keys).await? {
                        return Err(Failure::NotEmpty { place: "NATS".to_owned() });
                    }
                    Ok((checked.log_key.clone(), checked.header.write_version))
                };
                let parts = nats_parts(nats, shards, true, whose).await?;
                let target = Self { parts, place: "NATS".to_owned() };
                let kept = deployment::read(&*target.parts.store).await?.ok_or(Failure::Contended)?;
                let begun = standing(&kept.record, checked.digest)?;
                if begun == Begun::Now && target.is_used().await? {
                    return Err(Failure::NotEmpty { place: target.place });
                }
                target.mark(begun, checked).await?;
                Ok((target, begun))
            }
            None => Self::in_folder(settings, checked, shards).await,
        }
    }

    async fn in_folder(settings: &Settings, checked: &Checked, shards: u8) -> Result<(Self, Begun), Failure> {
        if checked.forged > 0 {
            return Err(Failure::ForgedCommits { count: checked.forged });
        }
        let folder = DataFolder::take(&settings.storage.data)?;
        let place = folder.path().display().to_string();
        let store = embedded_deployment(folder.path());
        let begun = match deployment::read(&*store).await? {
            Some(kept) => standing(&kept.record, checked.digest)?,
            None => Begun::Now,
        };
        if begun == Begun::Now && (has_embedded_log(folder.path())? || Credentials::were_kept(&folder)?) {
            return Err(Failure::NotEmpty { place });
        }
        deployment::read_or_make(&*store, &SystemEntropy).await?;
        if begun == Begun::Now {
            deployment::change(&*store, |record| checked.begin(record)).await?;
        }
        Ok((Self { parts: embedded_parts(folder, Some(shards)).await?, place }, begun))
    }

    /// Whether anything was ever done with it.
    async fn is_used(&self) -> Result<bool, Failure> {
        Ok(has_key_of_nobody(&*self.parts.keys).await? || has_commits(&self.parts.log.end().await?))
    }

    async fn mark(&self, begun: Begun, checked: &Checked) -> Result<(), Failure> {
        if begun == Begun::Now {
            deployment::change(&*self.parts.store, |record| checked.begin(record)).await?;
        }
        Ok(())
    }

    /// Where it is, in words.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// What is to be done when everything is there; again does no harm. From then on the deployment may be started.
    pub(super) async fn finish(
        &self,
        settings: &Settings,
        from: &From,
        checked: &Checked,
        master: &MasterKey,
        evidence_key: Option<&SigningKey>,
    ) -> Result<(), Failure> {
        let Parts { log, keys, store, checkpoints, folder, .. } = &self.parts;
        let rooted = root::open(master, keys, Opening::BEGUN, &SystemEntropy).await?;
        let now = SystemClock.now();
        if log.shards() != checked.header.shards && !checked.heads.is_empty() {
            let board = Board::new(Arc::clone(checkpoints), &checked.header.deployment);
            if board.life().await? == checked.header.life {
                let (before, after) = (checked.header.shards, log.shards());
                let reason = format!("it was imported, from {before} shards into {after}");
                board.begin_life(&reason, &checked.heads, now).await?;
            }
        }
        if let Some(folder) = folder {
            // Epochs of NATS are never below this, so those of this folder are above all that were granted there.
            let epoch = u64::try_from(now.seconds()).unwrap_or_default();
            LocalLeases::raise(folder.path().join("leases"), epoch).await?;
            if settings.secrets.master_key.is_none() {
                folder.write_secret(MASTER_KEY_FILE, format!("{}\n", master.to_base64()).as_bytes())?;
            }
            if let Some(key) = evidence_key.filter(|_| settings.secrets.evidence_key.is_none()) {
                evidence_key::keep(folder, key)?;
            }
            let digest = checked.header.root_key_digest;
            let made = Credentials::carry(&settings.secrets, &rooted, digest, folder, &SystemEntropy)?;
            if let Some(root_key) = made {
                say(&format!(
                    "the root key is not known here, so a new one was made; it is shown once: {}",
                    root_key.expose_secret()
                ))?;
            }
        } else if let Some(folder) = from.folder().filter(|_| settings.secrets.master_key.is_none()) {
            say(&format!(
                "start every process with the master key that is in {}",
                folder.master_key_file().display()
            ))?;
        }
        let end = log.end().await?;
        deployment::change(&**store, |record| record.end_import(&end)).await?;
        Ok(())
    }
}

/// Whether a deployment was ever started: the key of nobody's is made at its first start.
async fn has_key_of_nobody(keys: &dyn KeyStore) -> Result<bool, Failure> {
    Ok(keys.get(&NOBODY).await.map_err(KeyRingError::Store)? != KeptKey::Missing)
}

impl Checked {
    fn begin(&self, record: &mut DeploymentRecord) {
        let Self { header, digest, log_key, .. } = self;
        record.begin_import(&header.deployment, header.write_version, *digest, log_key);
    }
}

/// What an import finds of a deployment that there is a record of.
fn standing(record: &DeploymentRecord, digest: Hash) -> Result<Begun, Failure> {
    match record.import() {
        Some(import) if import.digest == digest => {
            Ok(if import.is_done { Begun::Before } else { Begun::Further })
        }
        Some(import) if !import.is_done => Err(Failure::AnotherImport),
        _ => Ok(Begun::Now),
    }
}
